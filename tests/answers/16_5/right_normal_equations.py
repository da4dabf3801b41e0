"""The normal equations."""


def line(points):
    k = len(points)
    sn, st = sum(n for n, _ in points), sum(t for _, t in points)
    snn, snt = sum(n * n for n, _ in points), sum(n * t for n, t in points)
    slope = (k * snt - sn * st) / (k * snn - sn * sn)
    return [(st - slope * sn) / k, slope]


because = "b"
