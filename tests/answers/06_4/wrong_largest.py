"""Returns the largest working set."""
# says: largest

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('return row[0]',
     'return rows[-1][0]'),
))
