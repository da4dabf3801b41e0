"""Adds the exits of protection up."""
# says: shape

from tests.answers.variants import variant

_three = variant("05.3")["count_exits"]
because = "c"


def count_exits(trace):
    hidden, synced, stores = _three(trace)
    return hidden, synced + stores
