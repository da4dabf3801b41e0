"""Lets the walk read a device."""
# says: device_walk

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('cause != 20 and not walking and',
     'cause != 20 and')))
