"""Takes a G-stage leaf that is only executable for a pointer."""
# says: large

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('            if pte & (R | X):\n                inside',
     '            if pte & R:\n                inside')))
