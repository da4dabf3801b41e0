"""Gives the rest."""
# says: share

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('round(100 * spent[reason] / total)',
     'round(100 - 100 * spent[reason] / total)')))
