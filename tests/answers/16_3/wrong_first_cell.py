"""Tries only the first cell."""
# says: missed_upper

from tests.answers.variants import variant

globals().update(variant(
    "16.3",
    ('in writer.parts.items():',
     'in ((name, 1) for name in writer.parts):'),
))
