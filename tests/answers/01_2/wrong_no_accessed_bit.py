"""Ignores A."""
# says: accessed

from tests.answers.variants import variant

globals().update(variant("01.2", (" or not pte & A", "")))
