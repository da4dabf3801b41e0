"""A free table keeps its entries."""
# says: free_keeps

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('                kept = {e for e in kept if (e[0], e[1] // 512) != table}\n',
     ''),
))
