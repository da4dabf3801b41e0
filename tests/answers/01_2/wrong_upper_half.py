"""Refuses the upper half."""
# says: upper

from tests.answers.variants import variant

globals().update(variant("01.2", ("(0, (1 << 26) - 1)", "(0,)")))
