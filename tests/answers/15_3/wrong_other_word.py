"""Has a word of its own."""
# says: no_such_leak

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('else "none"',
     'else "fine"'),
))
