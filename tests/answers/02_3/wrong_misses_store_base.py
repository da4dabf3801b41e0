"""Does not compare all that a program can see."""
# says: missed_store_base

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('return state["r"], state["pc"], state["memory"][start:start + state["bound"]]',
     'return state["r"], state["pc"]')))
