"""Lets S-mode touch user pages without SUM."""
# says: no_sum

from tests.answers.variants import variant

globals().update(variant("01.2",
    ("priv == 1 and pte & U and", 'priv == 1 and pte & U and access == "fetch" and')))
