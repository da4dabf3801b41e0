"""The maker's uid is enough, wherever the process is."""
# says: owner_far

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('if space["parent"] == process["space"] and space["owner"]',
     'if space["owner"]'),
))
