"""Does not compare all that a program can see."""
# says: missed_jump_by_base

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('return state["r"], state["pc"], state',
     'return state["r"], state')))
