"""Looks only where a superpage begins."""
# says: first_piece

from tests.answers.variants import variant

globals().update(variant(
    "05.2",
    ('if e["entry"] & ~0x300 != right(*(e[key] for key in ("pte", "level", "gva", '
     '"priv", "sum", "mxr"))):',
     'expected = right(*(e[key] for key in ("pte", "level", "gva", "priv", "sum", '
     '"mxr")))\n            entry = e["entry"] & ~0x300\n'
     '            if (entry ^ expected) & ~((1 << 9 * e["level"]) - 1 << 10):'),
))
