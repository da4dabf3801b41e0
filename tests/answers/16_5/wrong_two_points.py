"""A slope by two neighbours only."""
# says: slope

from tests.answers.variants import variant

names = variant("16.5")


def line(points):
    base, _ = names["line"](points)
    return base, points[1][1] - points[0][1]


because = "b"
