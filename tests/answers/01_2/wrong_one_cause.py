"""Calls every page fault a load page fault."""
# says: valid

from tests.answers.variants import variant

globals().update(variant("01.2",
    ('{"fetch": 12, "load": 13, "store": 15}', '{"fetch": 13, "load": 13, "store": 13}')))
