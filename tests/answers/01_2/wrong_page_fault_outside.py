"""Gives a page fault where there is no memory."""
# says: outside

from tests.answers.variants import variant

globals().update(variant("01.2",
    ('{"fetch": 1, "load": 5, "store": 7}', '{"fetch": 12, "load": 13, "store": 15}')))
