"""Lets S-mode execute user pages when SUM is set."""
# says: sum_fetch

from tests.answers.variants import variant

globals().update(variant("01.2", ('(access == "fetch" or not sum_)', "not sum_")))
