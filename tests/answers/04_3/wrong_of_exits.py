"""Shares the time of exits."""
# says: of_exits

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('100 * spent[reason] / total)',
     '100 * spent[reason] / sum(spent.values()))')))
