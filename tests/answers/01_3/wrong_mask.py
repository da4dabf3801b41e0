"""Returns the bit's mask."""
# says: mask

from tests.answers.variants import variant

globals().update(variant("01.3", ("wrong.bit_length() - 1", "wrong")))
