"""Demands that a fence forgets no more than it must."""
# says: right_fence_more

from tests.answers.variants import variant

globals().update(variant("05.2",
    ('elif any(named(entry, e) for entry in e["left"]):',
     'elif sorted(e["left"]) != sorted(x for x in e["there"] if not named(x, e)):'),
))
