"""Every store to a table exits."""
# says: unwalked

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('            if stores[table] > 3:',
     '            if False:'),
    ('        if table in stores:\n            exits += 1',
     '        exits += 1\n        if table in stores:'),
    ('            stores[table] += 1\n            kept.discard(entry)\n            if False:',
     '            stores[table] += 1\n            kept.discard(entry)\n            if stores[table] > 3:'),
))
