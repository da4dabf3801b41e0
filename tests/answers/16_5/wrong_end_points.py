"""Draws the line through the first and the last point."""
# says: end_points


def line(points):
    (first, start), (last, end) = points[0], points[-1]
    slope = (end - start) / (last - first)
    return start - slope * first, slope


because = "b"
