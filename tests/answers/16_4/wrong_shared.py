"""Forgets what is shared."""
# says: shared

from tests.answers.variants import variant

globals().update(variant(
    "16.4",
    ('(fleet.free - fleet.shared) // fleet.each',
     'fleet.free // fleet.each'),
))
