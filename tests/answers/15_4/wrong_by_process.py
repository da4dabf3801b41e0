"""Counts processes."""
# says: by_process

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ('total = sum(groups[n]["weight"] for n in hungry)',
     'total = sum(groups[n]["weight"] * groups[n]["busy"] for n in hungry)'),
    ('left * groups[n]["weight"] / total',
     'left * groups[n]["weight"] * groups[n]["busy"] / total'),
))
