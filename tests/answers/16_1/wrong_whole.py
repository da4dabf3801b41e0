"""Loads the whole argument at once."""
# says: whole

from tests.answers.variants import variant

globals().update(variant("16.1", ("argument & 0xFFFFFFFF", "argument")))
