"""Costs of the pairs as a list of differences."""


def break_even(rows, updates, shadow, nested):
    (m1, u1), (m2, u2) = shadow, nested
    gains = {row[0]: row[2] * (m2 - m1) * 1_000_000 - updates * row[1] * (u1 - u2) for row in rows}
    return next((pages for pages in sorted(gains) if gains[pages] >= 0), None)


because = "b"
