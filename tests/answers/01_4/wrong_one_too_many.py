"""Holds one page too many."""
# says: one_too_many

from tests.answers.variants import variant

globals().update(variant("01.4", ("len(held) == entries", "len(held) > entries")))
