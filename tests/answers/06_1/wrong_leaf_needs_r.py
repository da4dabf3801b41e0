"""Takes a leaf that is only executable for a pointer."""
# says: superpage

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('            if pte & (R | X):\n                break',
     '            if pte & R:\n                break')))
