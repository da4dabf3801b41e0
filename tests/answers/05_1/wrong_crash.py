"""Divides by zero."""
# says: error_at


def shadow_entry(pte, level, gva, offset, priv, sum_, mxr, protected):
    return pte // 0
