"""Only the largest part."""
# says: one_part

from tests.answers.variants import variant

globals().update(variant("16.4", ('sum(takes.values())', 'max(takes.values())')))
