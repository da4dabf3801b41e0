"""Hands an array back."""
# says: odd_at

import numpy as np


def line(points):
    return np.polyfit([n for n, _ in points], [t for _, t in points], 1)


because = "b"
