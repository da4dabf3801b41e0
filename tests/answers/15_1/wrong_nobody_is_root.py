"""Who has no name is taken for root."""
# says: not_nobody

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ("    return 65534",
     "    return 0"),
))
