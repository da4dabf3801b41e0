"""Ignores the upper half of the argument."""
# says: upper

from tests.answers.variants import variant

globals().update(variant("16.1", (", 20: argument >> 32", "")))
