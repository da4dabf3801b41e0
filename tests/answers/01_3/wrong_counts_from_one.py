"""Counts bits from 1."""
# says: from_one

from tests.answers.variants import variant

globals().update(variant("01.3", ("wrong.bit_length() - 1", "wrong.bit_length()")))
