"""polyfit, and its numbers as they are."""

import numpy as np


def line(points):
    slope, base = np.polyfit([n for n, _ in points], [t for _, t in points], 1)
    return base, np.float64(slope)


because = "b"
