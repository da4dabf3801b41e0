"""Looks at all of memory."""
# says: innocuous

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('state["r"], state["pc"], state["memory"][start:start + state["bound"]]',
     'state["r"], state["pc"], state["memory"]')))
