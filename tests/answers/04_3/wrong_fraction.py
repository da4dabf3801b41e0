"""Gives a fraction."""
# says: fraction

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('round(100 * spent[reason] / total)',
     'spent[reason] / total')))
