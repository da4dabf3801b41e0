"""Returns page and flags apart."""
# says: shape


def shadow_entry(pte, level, gva, offset, priv, sum_, mxr, protected):
    return 0x80000, 0xD7
