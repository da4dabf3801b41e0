"""Divides by what is spent."""
# says: reciprocal

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('total / (total - spent[reason])',
     'total / spent[reason]')))
