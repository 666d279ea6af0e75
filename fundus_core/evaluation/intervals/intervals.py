"""From replicates of a statistic, or its ranks, to an interval, and from both to an estimate."""

import numpy as np
from scipy import optimize
from scipy.special import ndtr, ndtri

from fundus_core.errors import joined, say
from fundus_core.evaluation.intervals.bootstrap import Draws, Statistics
from fundus_core.evaluation.intervals.estimate import (
    CONFIDENCE,
    FEW_PEOPLE,
    FEWEST_EVENTS,
    Estimate,
    Method,
    not_estimable,
    onto,
    reach,
)
from fundus_core.evaluation.intervals.jackknife_intervals import (
    Ends,
    effective_people,
    jackknife_error,
    jeffreys,
    student,
)
from fundus_core.evaluation.intervals.rank_statistics import sort, weight_up_to
from fundus_core.evaluation.observations.sorted_table import Indices
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


MANY_EVENTS = 30
"""People with and people without the event, from which on the jackknife's own standard error serves."""

AREA = "Newcombe's score interval with the design effect of patients"
MEDIAN = "Woodruff's interval with the design effect of patients"


def few_events(y: Floats, group: Indices) -> str:
    """Say that too few people have, or have not, what is predicted; empty where there are enough.

    >>> str(few_events(np.array([1.0, 0, 0]), np.arange(3)))
    'needs 5 people with and 5 without; there are 1 and 2'
    """
    if _people(y, group) >= FEWEST_EVENTS:
        return ""
    with_, without = (len(np.unique(group[y == each])) for each in (1, 0))
    return say(
        "needs {fewest} people with and {fewest} without; there are {with_:,} and {without:,}",
        fewest=FEWEST_EVENTS,
        with_=with_,
        without=without,
    )


def _people(y: Floats, group: Indices) -> int:
    """People of the class that fewer have."""
    return min(len(np.unique(group[y == each])) for each in (1, 0))


def areas_without_each(y: Floats, p: Floats, group: Indices) -> tuple[float, Floats]:
    """Return the area under the ROC curve, and the area without each person (NaN where nothing is left).

    From the placements of DeLong et al. 1988 (doi:10.2307/2531595), people leaving with all their units (Obuchowski
    1997, doi:10.2307/2533958).

    Args:
        y: n truths, 0 or 1.
        p: n predictions.
        group: Whose unit each is, n numbers from 0, never falling.
    """
    positive, number = y == 1, int(group.max()) + 1
    wins = _wins(y, p, positive)
    own = np.zeros(number)
    ones, zeros = (np.bincount(group[mask], minlength=number).astype(np.float64) for mask in (positive, ~positive))
    for person in np.flatnonzero((ones > 0) & (zeros > 0)):
        mine = group == person
        own[person] = _wins(y[mine], p[mine], positive[mine])[y[mine] == 1].sum()
    lost = np.bincount(group, weights=wins, minlength=number) - own
    total, m, n = wins[positive].sum(), ones.sum(), zeros.sum()
    pairs = (m - ones) * (n - zeros)
    left = np.divide(total - lost, pairs, out=np.full(number, np.nan), where=pairs > 0)
    return float(total / (m * n)), left


def _wins(y: Floats, p: Floats, positive: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """How many units of the other class each unit is ranked on the right side of, ties half."""
    by_p = sort(p)
    below = np.empty(len(p))
    below[by_p.order] = weight_up_to((~positive).astype(np.float64)[by_p.order], by_p)
    up_to = np.empty(len(p))
    up_to[by_p.order] = weight_up_to(positive.astype(np.float64)[by_p.order], by_p)
    return np.where(positive, below, positive.sum() - up_to)


def area_ends(y: Floats, p: Floats, group: Indices) -> Ends:
    """Return the interval of an area under the ROC curve; it never has zero width.

    With at least :data:`MANY_EVENTS` people of each kind Student's t on the log odds with the jackknife's standard
    error. With fewer, or at 0 or 1, Newcombe's method 5 (2006, doi:10.1002/sim.2324), its variance times how much more
    the jackknife over people finds than over observations; where nothing varies, a person's observations count as
    copies of one another.
    """
    area, by_person = areas_without_each(y, p, group)
    moved = onto("logit", by_person)
    if _people(y, group) >= MANY_EVENTS and np.isfinite(moved).all():
        return student(area, moved, "logit", reach(len(moved) - 1))
    by_unit = areas_without_each(y, p, np.arange(len(y)))[1]
    each, all_ = jackknife_error(by_unit), jackknife_error(by_person)
    copies = len(y) / effective_people(np.bincount(group).astype(np.float64))
    effect = (all_ / each) ** 2 if each > 0 and 0 < area < 1 else copies
    m, n = float(y.sum()), float(len(y) - y.sum())

    def beyond(true: float) -> float:
        extra = ((m + n) / 2 - 1) * ((1 - true) / (2 - true) + true / (1 + true))
        return (area - true) ** 2 - z**2 * max(effect, 1.0) * true * (1 - true) * (1 + extra) / (m * n)

    z = reach()
    low = 0.0 if area <= 0 else float(optimize.brentq(beyond, 0.0, min(area, 1 - 1e-9)))
    high = 1.0 if area >= 1 else float(optimize.brentq(beyond, max(area, 1e-9), 1.0))
    return low, high, say(AREA)


def median_ends(values: Floats, group: Indices) -> Ends | str:
    """Return the interval of a median: the values at which the share below it could be one half (Woodruff 1952).

    doi:10.1080/01621459.1952.10483443; the share's interval is Jeffreys'.
    """
    below = (values <= np.median(values)).astype(np.float64)
    size = np.bincount(group).astype(np.float64)
    share, n = below.mean(), len(values)
    residual = np.bincount(group, weights=below - share)
    variance = float((residual**2).sum()) / n**2
    if not variance > 0:
        return say("no interval: nothing varies between people")
    worth = min(share * (1 - share) / variance, n) if len(size) < n else float(n)
    low, high = (end * n for end in jeffreys(worth / 2, worth))
    ordered = np.sort(values)
    first, last = int(np.floor(low)), int(np.ceil(high)) - 1
    return float(ordered[max(first, 0)]), float(ordered[min(last, n - 1)]), say(MEDIAN)
