"""Knows only sret."""
# says: emulate

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('if tval == 0x10200073 or tval >> 25 == 9 or csr and tval >> 20 == 0x180:',
     'if tval == 0x10200073:')))
