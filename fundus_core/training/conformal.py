"""Intervals that keep their promise: split conformal prediction, a person counting once.

Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World (2005), doi 10.1007/b106715; several photographs
of one person share one unit of weight, as in hierarchical conformal prediction (Dunn, Wasserman, Ramdas 2023,
doi 10.1080/01621459.2022.2060112).

The promise is one photograph's, of a person like those of the calibration part: means of a person's photographs vary
less and lie inside more often. Few people cover more than is promised, since each tail is rounded up (38 people 0.95,
60 people 0.91), and what one training covers scatters (standard deviation 0.04 with 38 people, 0.026 with 144).
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import linregress

from fundus_core.records import Floats


def interval(residuals: Floats, patients: Sequence[str], *, level: float = 0.9) -> tuple[float, float]:
    """Return what to add to a prediction so that truth lies between with at least that probability.

    Residuals are truth less prediction on people who took no part in training (n), NaN left out; ``patients`` says
    whose (n). The two tails are bounded apart, so that a skewed target gets a skewed interval. NaN where there are too
    few people to promise anything.

    >>> interval(np.arange(-50.0, 51.0), [str(k) for k in range(101)])
    (-46.0, 46.0)
    """
    known = np.isfinite(residuals)
    ids, inverse, counts = np.unique(
        np.asarray(patients, dtype=np.str_)[known], return_inverse=True, return_counts=True
    )
    weight = 1 / counts[inverse] if len(ids) else np.zeros(0)
    tail = (1 - level) / 2
    high = _upper(residuals[known], weight, len(ids), tail)
    low = -_upper(-residuals[known], weight, len(ids), tail)
    return low, high


def growth(values: Floats, residuals: Floats, centre: float) -> float:
    """Return by how much of itself the error widens per unit of the value, 0 where that is not plain.

    The absolute residual (truth less prediction, n; NaN is left out) is regressed on the prediction (n); a slope within
    three standard errors of 0 counts as none. At the value ``centre`` the error counts as 1.
    """
    known = np.isfinite(residuals)
    if np.count_nonzero(known) < 30 or float(np.ptp(values[known])) == 0.0:
        return 0.0
    line = linregress(values[known] - centre, np.abs(residuals[known]))
    plain = abs(line.slope) > 3 * line.stderr and line.intercept > 0
    return float(line.slope / line.intercept) if plain else 0.0


def _upper(residuals: Floats, weight: Floats, people: int, tail: float) -> float:
    """Smallest residual with at least ``1 - tail`` of the mass below, one unseen person counted as infinite."""
    order = np.argsort(residuals)
    mass = np.cumsum(weight[order]) / (people + 1)
    place = int(np.searchsorted(mass, 1 - tail - 1e-12))
    return float(residuals[order][place]) if place < len(order) else math.nan
