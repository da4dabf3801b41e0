"""Reads PTEs at gpas that are nowhere."""
# says: error_at


def walk(read_u64, vsatp, hgatp, gva, access, priv):
    pte = read_u64(((vsatp & (1 << 44) - 1) << 12) + 8 * (gva >> 30 & 511))
    return "hpa", pte >> 10
