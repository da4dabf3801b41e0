"""Reflects guest-page faults as they are."""
# says: device_fetch

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('{20: 1, 21: 5, 23: 7}[cause]',
     'cause')))
