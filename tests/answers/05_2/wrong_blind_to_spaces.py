"""Ignores fences of a whole space."""
# says: deaf_spaces

from tests.answers.variants import variant

globals().update(variant(
    "05.2",
    ('elif any(named(entry, e) for entry in e["left"]):',
     'elif (e["space"] is None or e["gva"] is not None) and any(named(entry, e) for '
     'entry in e["left"]):'),
))
