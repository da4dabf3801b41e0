"""Moves base without the contents."""
# says: moved_load

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('processor.moved(state, 7)',
     '{**state, "base": state["base"] + 7}'),
    ('state["r"], state["pc"], state["memory"][start:start + state["bound"]]',
     'state["r"], state["pc"]')))
