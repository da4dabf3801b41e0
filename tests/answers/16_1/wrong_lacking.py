"""Believes that a look at the architecture never lets anything through."""
# says: lacking

from tests.answers.variants import variant

names = variant("16.1")


def allowed(filter, numbers, arch, argument):
    found = names["allowed"](filter, numbers, arch, argument)
    return found[1:] if (0x20, 0, 0, 4) in filter else found
