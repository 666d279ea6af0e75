"""Matrix products that leave the processor's other cores alone."""

import numpy as np

from fundus_core.records import Floats

PIECE = 262_144
"""Multiplications per piece: OpenBLAS starts threads above this (interface/gemm.c). Its threads wait for one another by
spinning, which took ten times longer while another process (the worker that predicts) kept the cores busy."""

INNER = 64
"""Length of the inner dimension of a piece; measured fastest for counts of 100,000 people."""

LONG = 4_096
"""Inner dimension from which on a piece takes as much of it as fits: of few rows that is a quarter faster."""


def matmul(left: Floats, right: Floats) -> Floats:
    """Return left (n x k) @ right (k x m), computed in pieces on the calling thread.

    >>> matmul(np.ones((2, 3)), np.arange(3.0)[:, None]).tolist()
    [[3.0], [3.0]]
    """
    (n, k), m = left.shape, right.shape[1]
    out = np.zeros((n, m))
    inner = min(k, INNER) if k < LONG else max(INNER, min(PIECE // max(n * m, 1), LONG))
    rows = max(1, PIECE // max(inner * m, 1))
    for row in range(0, n, rows):
        part, above = out[row : row + rows], left[row : row + rows]
        for start in range(0, k, max(inner, 1)):
            part += above[:, start : start + inner] @ right[start : start + inner]
    return out
