"""The standard library's."""

from statistics import linear_regression


def line(points):
    found = linear_regression([n for n, _ in points], [t for _, t in points])
    return found.intercept, found.slope


because = "b"
