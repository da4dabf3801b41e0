"""Looks for where nested paging wins."""
# says: reversed

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('if cost(row, shadow) <= cost(row, nested):',
     'if cost(row, nested) <= cost(row, shadow):'),
))
