"""Keeps one entry free."""
# says: one_too_few

from tests.answers.variants import variant

globals().update(variant(
    "01.4",
    ('if len(held) == entries:',
     'if len(held) == max(entries - 1, 1):'),
))
