"""Takes the bits for software for reserved ones."""
# says: ignored

from tests.answers.variants import variant

globals().update(variant(
    "01.2",
    ('pte >> 54 or',
     'pte >> 54 or pte >> 8 & 3 or'),
))
