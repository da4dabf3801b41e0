"""Gives a word instead of a number."""
# says: shape

from tests.answers.variants import variant

globals().update(variant("15.1"))
number = seen_as  # noqa: F821


def seen_as(spaces, name, host_uid):
    found = number(spaces, name, host_uid)
    return "nobody" if found == 65534 else found
