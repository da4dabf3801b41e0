"""Cuts off instead of rounding."""
# says: share

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('round(100 * spent[reason] / total)',
     '100 * spent[reason] // total')))
