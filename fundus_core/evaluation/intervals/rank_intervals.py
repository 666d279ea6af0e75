"""Intervals of what needs an order: the area under the ROC curve, and a median."""

import numpy as np
from scipy import optimize

from fundus_core.errors import say
from fundus_core.evaluation.intervals.estimate import reach
from fundus_core.evaluation.intervals.interval_choice import FEWEST_EVENTS, onto
from fundus_core.evaluation.intervals.jackknife_intervals import (
    Ends,
    effective_people,
    jackknife_error,
    jeffreys,
    student,
)
from fundus_core.evaluation.intervals.rank_statistics import sort, weight_up_to
from fundus_core.evaluation.observations.sample import Indices
from fundus_core.records import Floats

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
