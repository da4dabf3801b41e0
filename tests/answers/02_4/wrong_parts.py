"""Counts the last part."""
# says: parts

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('len(rounds), len',
     'len(starts), len')))
