"""Ignores weights."""
# says: all_equal

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ('total = sum(groups[n]["weight"] for n in hungry)',
     "total = len(hungry)"),
    ('left * groups[n]["weight"] / total',
     "left / total"),
))
