"""Wants shadow paging to be faster."""
# says: strict

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('if cost(row, shadow) <= cost(row, nested):',
     'if cost(row, shadow) < cost(row, nested):'),
))
