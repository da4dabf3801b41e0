"""Names the second of the list."""
# says: reason

from tests.answers.variants import variant

globals().update(variant(
    "04.3",
    ('reason = max(spent, key=spent.get)',
     'reason = sorted(spent, key=spent.get)[2]'),
))
