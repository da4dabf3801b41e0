"""Fetches what can be read."""
# says: execute

from tests.answers.variants import variant

globals().update(variant(
    "01.2",
    ('"fetch": X}[access]',
     '"fetch": X | R}[access]'),
))
