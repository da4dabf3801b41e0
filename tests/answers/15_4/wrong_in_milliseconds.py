"""Counts in milliseconds."""
# says: shares

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ("    return got",
     "    return [1000 * s for s in got]"),
))
