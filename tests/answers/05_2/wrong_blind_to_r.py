"""Accepts R wherever the guest's leaf has X."""
# says: reads_code

from tests.answers.variants import variant

globals().update(variant(
    "05.2",
    ('if e["entry"] & ~0x300 != right(*(e[key] for key in ("pte", "level", "gva", '
     '"priv", "sum", "mxr"))):',
     'expected = right(*(e[key] for key in ("pte", "level", "gva", "priv", "sum", '
     '"mxr")))\n            entry = e["entry"] & ~0x300\n'
     '            if entry not in (expected, expected | (R if e["pte"] & X else 0)):'),
))
