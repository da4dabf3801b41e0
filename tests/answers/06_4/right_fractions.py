"""Exact fractions."""

from fractions import Fraction


def break_even(rows, updates, shadow, nested):
    for pages, accesses, misses in rows:
        u = Fraction(updates * accesses, 10**6)
        if misses * (nested[0] - shadow[0]) >= u * (shadow[1] - nested[1]):
            return pages


because = "b"
