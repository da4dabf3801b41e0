"""Reflects without stval."""
# says: reflect

from tests.answers.variants import variant

globals().update(variant(
    "04.1",
    ('("reflect", cause, tval)',
     '("reflect", cause, 0)'),
))
