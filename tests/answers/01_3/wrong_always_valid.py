"""Blames V whatever it sees."""
# says: other_bit

from tests.answers.variants import variant

globals().update(variant("01.3", ("wrong.bit_length() - 1", "0")))
