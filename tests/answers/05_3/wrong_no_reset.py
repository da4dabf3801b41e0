"""Counts stores for ever."""
# says: no_reset

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('stores[table] = 0',
     'stores.setdefault(table, 0)'),
))
