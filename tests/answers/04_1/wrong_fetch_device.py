"""Fetches from devices."""
# says: device_fetch

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('cause != 20 and not walking',
     'not walking')))
