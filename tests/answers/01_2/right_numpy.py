"""Computes with NumPy's integers; what it returns is a NumPy number."""

import numpy as np

from tests.answers.variants import variant

reference = variant("01.2")["walk"]


def walk(read_u64, satp, va, access, priv, sum_, mxr):
    kind, number = reference(read_u64, satp, va, access, priv, sum_, mxr)
    return kind, np.uint64(number)
