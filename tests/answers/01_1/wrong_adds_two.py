"""Counts each interrupt twice."""
# says: count

from tests.answers.variants import variant

globals().update(variant(
    "01.1",
    ('addi  t2, t2, 1\n',
     'addi  t2, t2, 2\n'),
))
