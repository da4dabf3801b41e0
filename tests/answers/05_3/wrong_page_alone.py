"""Forgets that spaces have pages of their own."""
# says: count_synced

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('entry, table = (space, page[0]), (space, page[0] // 512)',
     'entry, table = (0, page[0]), (space, page[0] // 512)'),
))
