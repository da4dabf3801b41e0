"""Copies G."""
# says: global

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('| rights | V',
     '| rights | pte & 32 | V'),
))
