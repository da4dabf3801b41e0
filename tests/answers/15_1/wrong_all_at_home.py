"""Gives all rights in one's own namespace."""
# says: lacks

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('return cap in process["caps"]',
     'return True'),
))
