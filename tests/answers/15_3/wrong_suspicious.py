"""Takes every bounding of capabilities for a leak."""
# says: missed_none

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('else "none"',
     'else "mknod"'),
))
