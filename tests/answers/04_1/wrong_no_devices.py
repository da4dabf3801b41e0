"""Knows no devices."""
# says: device

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('cause != 20 and not walking and',
     'False and')))
