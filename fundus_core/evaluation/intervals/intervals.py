"""From replicates of a statistic to an interval, and from both to an estimate."""

import numpy as np
from scipy.special import ndtr, ndtri

from fundus_core.errors import joined, say
from fundus_core.evaluation.intervals.bootstrap import Draws, Statistics
from fundus_core.evaluation.intervals.estimate import CONFIDENCE, Estimate, Method, not_estimable
from fundus_core.evaluation.intervals.interval_choice import FEW_PEOPLE
from fundus_core.records import Floats

_NAMES = {"percentile": "percentile", "bca": "bias-corrected and accelerated (BCa)"}


def described(draws: Draws, method: Method = "percentile") -> str:
    """Return the words that stand beside an interval.

    >>> described(Draws(people=100))
    'percentile bootstrap over patients, 2000 draws, seed 20250512'
    """
    return say(
        "{names} bootstrap over patients, {number} draws, seed {seed}",
        names=say(_NAMES[method]),
        number=draws.number,
        seed=draws.seed,
    )


def percentile_interval(replicates: Floats, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the central quantiles of the replicates (linear interpolation).

    >>> percentile_interval(np.arange(101.0), confidence=0.5)
    (25.0, 75.0)
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return float(low), float(high)


def bca_interval(
    value: float, replicates: Floats, jackknife: Floats, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Return the bias-corrected and accelerated interval.

    With z0 = Phi^-1(share of replicates below the value, ties half) and the acceleration
    a = sum (m - t_i)^3 / (6 (sum (m - t_i)^2)^(3/2)) over the statistics t_i without person i and their mean
    m, the ends are the quantiles Phi(z0 + (z0 + z) / (1 - a (z0 + z))) for z = Phi^-1 of the nominal tails
    (Efron 1987, doi:10.1080/01621459.1987.10478410).

    Returns:
        The interval, or ``None`` where every replicate lies on one side of the value.
    """
    below = float(np.mean(replicates < value) + np.mean(replicates == value) / 2)
    if not 0 < below < 1:
        return None
    bias = ndtri(below)
    tail = (1 - confidence) / 2
    z = bias + ndtri(np.array([tail, 1 - tail]))
    ends = ndtr(bias + z / (1 - acceleration(jackknife) * z))
    low, high = np.quantile(replicates, ends)
    return float(low), float(high)


def acceleration(jackknife: Floats) -> float:
    """Return the acceleration constant of the BCa interval; 0 where every value is the same.

    >>> acceleration(np.array([1.0, 2.0, 3.0]))
    0.0
    """
    deviation = jackknife.mean() - jackknife
    square = float(np.sum(deviation**2))
    return float(np.sum(deviation**3) / (6 * square**1.5)) if square > 0 else 0.0


def with_interval(
    value: float, replicates: Floats, people: int, draws: Draws, *, jackknife: Floats | None = None
) -> Estimate:
    """Join a value and its replicates to an estimate; replicates without a value are left out and counted.

    Args:
        value: The statistic on the data, finite.
        replicates: The statistic on each draw, NaN where it has none.
        people: How many people the value rests on.
        draws: How people were drawn.
        jackknife: The statistic without each person, for a BCa interval; a percentile interval without it.
    """
    usable = replicates[np.isfinite(replicates)]
    missing = len(replicates) - len(usable)
    if people < 2 or len(replicates) == 0:
        return Estimate(value, note="no interval: one person only")
    if missing > len(replicates) / 20:
        return Estimate(
            value,
            note=say(
                "no interval: {missing} of {replicates} draws have no value",
                missing=missing,
                replicates=len(replicates),
            ),
        )
    notes = (
        [say("{missing} {missing:draw|draws} without a value {missing:was|were} left out", missing=missing)]
        if missing
        else []
    )
    if people < FEW_PEOPLE:
        notes.append(say("only {people} {people:person|people}: the interval is rough", people=people))
    ends = None
    if jackknife is not None:
        ends = bca_interval(value, usable, jackknife[np.isfinite(jackknife)])
        notes += [] if ends else ["percentile interval: BCa has none where every draw lies on one side"]
    low, high = ends or percentile_interval(usable)
    return Estimate(value, low, high, described(draws, "bca" if ends else "percentile"), joined(notes, ";"))


def estimates(
    panel: Statistics, replicates: Floats, draws: Draws, method: Method = "percentile"
) -> dict[str, Estimate]:
    """Estimate every statistic of a panel.

    Args:
        panel: What was computed.
        replicates: Draws x the panel's names, from :func:`fundus_core.evaluation.intervals.bootstrap.resample`.
        draws: How people were drawn.
        method: Kind of interval.
    """
    people = len(panel.people)
    if people == 0:
        return {name: not_estimable("no photograph has both a measured and a predicted value") for name in panel.names}
    point = panel.point()
    without = panel.without_each() if method == "bca" and people > 1 else None
    found = {}
    for k, name in enumerate(panel.names):
        jackknife = None if without is None else without[:, k]
        found[name] = (
            with_interval(float(point[k]), replicates[:, k], people, draws, jackknife=jackknife)
            if np.isfinite(point[k])
            else not_estimable(panel.needs[k])
        )
    return found
