"""The first start, and the rise from it to the last."""
# says: whole_rise


def line(points):
    return points[0][1], points[-1][1] - points[0][1]


because = "b"
