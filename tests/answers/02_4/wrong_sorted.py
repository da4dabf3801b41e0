"""Sorts the reasons."""
# says: order

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('list(typical)',
     'sorted(typical)')))
