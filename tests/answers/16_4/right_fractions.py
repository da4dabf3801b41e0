"""Exact, with fractions."""

from fractions import Fraction


def bound(fleet):
    parts = [("idle", Fraction(fleet.idle)), ("requests", Fraction(fleet.rate) * fleet.request),
             ("starts", Fraction(fleet.start, fleet.lifetime))]
    time = fleet.cores * 10**6 / sum(value for _, value in parts)
    memory = Fraction(fleet.free - fleet.shared, fleet.each)
    name = "memory" if memory // 1 <= time // 1 else max(parts, key=lambda part: part[1])[0]
    return name, int(min(memory, time) // 1)
