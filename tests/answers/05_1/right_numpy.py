"""Calculates with NumPy's integers and returns one of them."""

import numpy as np


def shadow_entry(pte, level, gva, offset, priv, sum_, mxr, protected):
    r, w, x, u, d = (bool(pte >> bit & 1) for bit in (1, 2, 3, 4, 7))
    if mxr:
        r = r or x
    if priv == 0:
        r, w, x = r and u, w and u, x and u
    elif u:
        r, w, x = r and sum_, w and sum_, False
    w = w and d and not protected
    if not (r or w or x):
        return np.uint64(0)
    inside = np.uint64((1 << 12 + 9 * level) - 1)
    gpa = (np.uint64(pte) >> np.uint64(10) << np.uint64(12)) & ~inside | np.uint64(gva) & inside
    page = (gpa + np.uint64(offset)) >> np.uint64(12)
    return page << np.uint64(10) | np.uint64(0b11010001 | r << 1 | w << 2 | x << 3)
