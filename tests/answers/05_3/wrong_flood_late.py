"""The fifth store sets a table free."""
# says: flood_late

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('if stores[table] > 3:',
     'if stores[table] > 4:'),
))
