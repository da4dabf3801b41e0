"""Asks for each access by itself, and marks the entry as its own in bit 8."""

V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128


def allowed(pte, bit, priv, sum_, mxr):
    if priv == 0 and not pte & U:
        return False
    if priv == 1 and pte & U and (bit == X or not sum_):
        return False
    if bit == R and mxr:
        return pte & (R | X) != 0
    return pte & bit != 0


def shadow_entry(pte, level, gva, offset, priv, sum_, mxr, protected):
    entry = 0
    for bit in (R, W, X):
        if bit == W and (protected or not pte & D):
            continue
        if allowed(pte, bit, priv, sum_, mxr):
            entry |= bit
    if not entry:
        return 0
    size = 1 << 12 + 9 * level
    gpa = (pte << 10 & (1 << 64) - 1) >> 20 << 12
    return entry | V | U | A | D | 1 << 8 | (gpa - gpa % size + gva % size + offset) // 4096 << 10
