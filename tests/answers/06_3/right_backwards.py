"""From the end to the beginning."""

from tests.answers.variants import variant

_one = variant("06.3")["first_wrong"]


def first_wrong(events, base, size, offset):
    found = None
    for number in reversed(range(len(events))):
        if _one([events[number]], base, size, offset) == 0:
            found = number
    return found
