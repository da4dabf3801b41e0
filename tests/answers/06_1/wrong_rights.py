"""Looks at no right."""
# says: right

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('or not pte & RIGHT[access] or',
     'or'),
))
