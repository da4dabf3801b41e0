"""Knows 4 KiB only."""
# says: right

from tests.answers.variants import variant

globals().update(variant("06.3",
    ('level = int(base <= start',
     'level = int(False and base <= start'),
))
