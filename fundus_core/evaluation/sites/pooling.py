"""Random effects: the mean of an estimate over sites, how far sites differ, and where a new site may lie.

Site i estimates its own value with a standard error s_i that is taken as known; the values of sites are normal about a
mean mu with variance tau². tau² maximises the restricted likelihood (REML; Viechtbauer 2005,
doi:10.3102/10769986030003261), searched on a grid and solved to the last digits, so that a second hill is not missed.
The interval of mu is Hartung and Knapp's (2001, doi:10.1002/sim.1791): Student's t with k - 1 degrees of freedom and
the variance sum w (y - mu)² / ((k - 1) sum w), w = 1 / (s² + tau²). Where tau² is 0 that variance is not taken below
1 / sum w: sites that happen to agree would otherwise give a narrower interval than one true value for all of them
(Röver, Knapp & Friede 2015, doi:10.1186/s12874-015-0091-1). The prediction interval is
mu -/+ t_{k-2} sqrt(tau² + variance of mu) (Higgins, Thompson & Spiegelhalter 2009,
doi:10.1111/j.1467-985X.2008.00552.x; as Debray 2017, doi:10.1136/bmj.i6460, asks of validation studies). I² is
tau² / (tau² + typical s²) (Higgins & Thompson 2002, doi:10.1002/sim.1186), Q Cochran's with weights 1 / s².
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from fundus_core.evaluation.intervals.estimate import reach
from fundus_core.records import Floats

FEWEST_SITES = 2
"""Below this many sites there is no mean over sites."""

FEWEST_FOR_NEW = 3
"""Below this many sites nothing is said of a new one: k - 2 degrees of freedom are none."""

_GRID = 200


@dataclass(frozen=True, slots=True)
class Pooled:
    """An estimate over k sites, on the scale that it is pooled on."""

    mean: float
    """mu."""
    error: float
    """Its standard error."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end of its 95 % interval."""
    tau: float
    """Standard deviation of sites' true values."""
    i2: float
    """Share of the spread of sites' estimates that is no chance, 0 to 1."""
    q: float
    """Cochran's Q."""
    p: float
    """Of Q, for one value at all sites (chi² with k - 1 degrees of freedom)."""
    new_low: float | None
    """Lower end of the 95 % prediction interval of a new site; ``None`` of fewer than three sites."""
    new_high: float | None
    """Upper end of the 95 % prediction interval."""
    weights: Floats
    """Of the k sites in the mean; they add up to 1."""


def pool(values: Floats, errors: Floats) -> Pooled:
    """Pool the values of k >= 2 sites, each with its standard error above zero.

    Args:
        values: k estimates on one scale.
        errors: Their k standard errors.

    >>> found = pool(np.array([1.2, 0.4, 2.9]), np.array([0.3, 0.5, 0.4]))
    >>> round(found.mean, 4), round(found.tau**2, 4), round(found.i2, 3)
    (1.5152, 1.415, 0.902)
    """
    k, variances = len(values), np.asarray(errors, dtype=np.float64) ** 2
    tau2 = between(values, variances)
    weights = 1 / (variances + tau2)
    mean = _mean(values, weights)
    scale = float((weights * (values - mean) ** 2).sum() / (k - 1))
    error = float(np.sqrt((scale if tau2 > 0 else max(scale, 1.0)) / weights.sum()))
    away = reach(k - 1) * error
    q = float((((values - _mean(values, 1 / variances)) ** 2) / variances).sum())
    further = float(reach(k - 2) * np.hypot(np.sqrt(tau2), error)) if k >= FEWEST_FOR_NEW else None
    return Pooled(
        mean,
        error,
        mean - away,
        mean + away,
        float(np.sqrt(tau2)),
        tau2 / (tau2 + _typical(variances)),
        q,
        float(special.chdtrc(k - 1, q)),
        None if further is None else mean - further,
        None if further is None else mean + further,
        weights / weights.sum(),
    )


def between(values: Floats, variances: Floats) -> float:
    """Return tau² by restricted maximum likelihood; 0 where no tau² above it is likelier.

    >>> between(np.array([0.5, 0.52, 0.5]), np.array([0.01, 0.04, 0.02]))
    0.0
    """
    spread = float(np.ptp(values)) ** 2
    if not spread > 0:
        return 0.0
    least = max(spread, float(variances.min())) * 1e-12
    grid = np.concatenate([[0.0], np.geomspace(least, 10 * spread + least, _GRID)])
    rising = _slopes(grid, values, variances) > 0
    hills = [] if rising[0] else [0.0]
    for at in np.flatnonzero(rising[:-1] & ~rising[1:]):
        hills.append(_solved(float(grid[at]), float(grid[at + 1]), values, variances))
    return max(hills, key=lambda tau2: _likelihood(tau2, values, variances), default=float(grid[-1]))


def _solved(low: float, high: float, values: Floats, variances: Floats) -> float:
    """Return where the slope of the likelihood is zero between two values of tau²."""

    def slope(tau2: float) -> float:
        return float(_slopes(np.array([tau2]), values, variances)[0])

    return float(optimize.brentq(slope, low, high, xtol=1e-300, rtol=1e-14, maxiter=500))


def _slopes(tau2: Floats, values: Floats, variances: Floats) -> Floats:
    """Twice the derivative of the restricted likelihood at each tau²."""
    w = 1 / (variances + tau2[:, None])
    total = w.sum(axis=1)
    away = values - ((w * values).sum(axis=1) / total)[:, None]
    return np.asarray(((w * away) ** 2).sum(axis=1) - total + (w**2).sum(axis=1) / total)


def _likelihood(tau2: float, values: Floats, variances: Floats) -> float:
    """Twice the logarithm of the restricted likelihood, without its constant."""
    w = 1 / (variances + tau2)
    away = values - _mean(values, w)
    return float(np.log(w).sum() - np.log(w.sum()) - (w * away**2).sum())


def _mean(values: Floats, weights: Floats) -> float:
    return float((weights * values).sum() / weights.sum())


def _typical(variances: Floats) -> float:
    """The sites' typical squared standard error."""
    w = 1 / variances
    return float((len(w) - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum()))
