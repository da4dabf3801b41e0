"""Enters nothing where W must stay out."""
# says: empty

from tests.answers.variants import variant

globals().update(variant(
    "05.1",
    ('        rights &= ~W',
     '        rights = 0'),
))
