"""Adds the share."""
# says: times

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('round(total / (total - spent[reason]), 1)',
     '1 + spent[reason] / total')))
