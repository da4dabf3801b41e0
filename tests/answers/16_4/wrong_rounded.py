"""Rounds up."""
# says: rounded

from tests.answers.variants import variant

globals().update(variant("16.4", ('sum(takes.values()))\n', 'sum(takes.values())) + 1\n')))
