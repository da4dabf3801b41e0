"""Maps the guest-physical page."""
# says: no_offset

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('return gpa + offset >> 12',
     'return gpa >> 12'),
))
