"""Tables never go free."""
# says: no_flood

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('if stores[table] > 3:',
     'if stores[table] > 3000:'),
))
