"""The maker keeps all rights also inside."""
# says: owner_inside

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('return cap in process["caps"]',
     'return cap in process["caps"] or space["owner"] == process["uid"]'),
))
