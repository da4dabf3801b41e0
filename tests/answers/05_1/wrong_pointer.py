"""Enters V where nothing is allowed."""
# says: pointer

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('| D if rights else 0',
     '| D'),
))
