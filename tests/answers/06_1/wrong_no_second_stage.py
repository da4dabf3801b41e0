"""Faults where there is no second stage."""
# says: bare_second

from tests.answers.variants import variant

globals().update(variant(
    "06.1",
    ('if hgatp == 0:\n            return gpa',
     'if hgatp == 0:\n            return None'),
))
