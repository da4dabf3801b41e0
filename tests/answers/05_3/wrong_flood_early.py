"""The third store sets a table free."""
# says: flood_early

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('if stores[table] > 3:',
     'if stores[table] >= 3:'),
))
