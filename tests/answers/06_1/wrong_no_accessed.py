"""Does not look at A."""
# says: accessed

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('or not pte & A:',
     ':'),
))
