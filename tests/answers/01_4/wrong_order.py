"""Returns the references first."""
# says: swapped

from tests.answers.variants import variant

globals().update(variant("01.4",
    ("return misses, misses * ((39 - page_bits) // 9)",
     "return misses * ((39 - page_bits) // 9), misses")))
