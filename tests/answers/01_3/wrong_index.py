"""Returns the index in the table."""
# says: index

from tests.answers.variants import variant

globals().update(variant("01.3", ("return address, wrong", "return address >> 3 & 511, wrong")))
