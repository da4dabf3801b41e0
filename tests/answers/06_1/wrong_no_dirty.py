"""Does not look at D."""
# says: dirty

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('return access != "store" or bool(pte & D)',
     'return True'),
))
