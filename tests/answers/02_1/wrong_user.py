"""Lets the guest's user do all."""
# says: user

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('cpu.mode < number >> 8 & 3',
     'number >> 8 & 3 > 1')))
