"""polyfit, and plain numbers."""

import numpy as np


def line(points):
    slope, base = np.polyfit([n for n, _ in points], [t for _, t in points], 1)
    return float(base), float(slope)


because = "b"
