"""Looks at all events, from the last to the first, and keeps the lowest that is wrong."""

from tests.answers.variants import variant

_one = variant("05.2")["first_wrong"]


def first_wrong(events, offset):
    found = None
    for number in range(len(events) - 1, -1, -1):
        if _one(events[number : number + 1], offset) is not None:
            found = number
    return found
