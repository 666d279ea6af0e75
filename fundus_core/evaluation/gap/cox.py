"""Cox regression: time to an event, ties after Efron, standard errors over people, and its proportional hazards held.

Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fundus_core.errors import NotEstimableError
from fundus_core.evaluation.gap.regression import Fit, inverse
from fundus_core.evaluation.intervals.rank_statistics import midranks
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import Floats

_STEPS = 50


@dataclass(frozen=True, slots=True)
class _Risk:
    """People along their times, latest first, and the events among them; m events."""

    x: Floats
    """n x k, sorted."""
    last: Indices
    """Of each event: the last observation (in the sorted order) that was at risk, m."""
    event: NDArray[np.bool_]
    """n."""
    first: Indices
    """Of each event: the first observation of its time, m."""
    share: Floats
    """Of each event: how much of the tied events was taken out before it, l / d, m."""
    time: Floats
    """n."""

    @classmethod
    def of(cls, x: Floats, time: Floats, event: NDArray[np.bool_]) -> _Risk:
        order = np.lexsort((~event, -time))
        x, time, event = x[order], time[order], event[order]
        at = np.flatnonzero(event)
        until = np.searchsorted(-time, -time[at], side="right") - 1
        begin = np.searchsorted(-time, -time[at], side="left")
        tied = np.bincount(begin, minlength=len(time))[begin]
        return cls(x, until, event, begin, (at - begin) / tied, time)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Risks at each event: their sum and the mean of x among those at risk."""

    risk: Floats
    """n."""
    total: Floats
    """m."""
    mean: Floats
    """m x k."""
    information: Floats
    """k x k."""


def _sums(risk: _Risk, beta: Floats) -> _Sums:
    x, weight = risk.x, np.exp(risk.x @ beta)
    dead = np.where(risk.event, weight, 0.0)

    def at_events(columns: Floats) -> Floats:
        running, dying = (np.cumsum(columns * by[:, None], axis=0) for by in (weight, dead))
        before = np.where(risk.first[:, None] > 0, dying[risk.first - 1], 0.0)
        return np.asarray(running[risk.last] - risk.share[:, None] * (dying[risk.last] - before))

    total = at_events(np.ones((len(x), 1)))[:, 0]
    mean = at_events(x) / total[:, None]
    k = x.shape[1]
    second = at_events((x[:, :, None] * x[:, None, :]).reshape(-1, k * k)) / total[:, None]
    information = second.sum(axis=0).reshape(k, k) - mean.T @ mean
    return _Sums(weight, total, mean, information)


def cox(x: Floats, time: Floats, event: NDArray[np.bool_], group: Indices) -> Fit:
    """Fit the log hazard as x beta by partial likelihood.

    Args:
        x: n x k, without a constant.
        time: n times from the photograph to the event or the last contact, above 0.
        event: n; whether the event came.
        group: Whose each is, n, numbers from 0.

    Raises:
        NotEstimableError: A column follows from the others, or the order of events is told without error.
    """
    centre = x.mean(axis=0)
    order = np.lexsort((~event, -time))
    risk = _Risk.of(x - centre, time, event)
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        sums = _sums(risk, beta)
        step = inverse(sums.information) @ (risk.x[risk.event].sum(axis=0) - sums.mean.sum(axis=0))
        beta = beta + step
        if np.abs(risk.x @ beta).max() > 50:
            break
        if np.abs(step).max() < 1e-11 * (1 + np.abs(beta).max()):
            sums = _sums(risk, beta)
            score, martingale = _scores(risk, sums)
            back = np.empty(len(order), dtype=np.intp)
            back[order] = np.arange(len(order))
            bread = inverse(sums.information)
            return Fit(beta, bread, score[back], group, martingale[back], 1.0, float("inf"))
    raise NotEstimableError("the columns tell the order of events without error (monotone likelihood)")


def _scores(risk: _Risk, sums: _Sums) -> tuple[Floats, Floats]:
    """Score residuals and martingale residuals, n x k and n, in the sorted order."""
    x, at = risk.x, np.flatnonzero(risk.event)
    n, k = x.shape
    hazard, moved = np.zeros(n + 1), np.zeros((n + 1, k))
    step = 1 / sums.total
    np.add.at(hazard, risk.first, step)
    np.add.at(moved, risk.first, sums.mean * step[:, None])
    # what happens at a time touches everybody sorted from that time's first observation on
    gone = [np.cumsum(column[:-1][::-1], axis=0)[::-1] for column in (hazard, moved)]
    of_time = np.searchsorted(-risk.time, -risk.time, side="left")
    gone = [column[of_time] for column in gone]
    mean_at, spared, spared_x = np.zeros((n + 1, k)), np.zeros(n + 1), np.zeros((n + 1, k))
    count = np.bincount(risk.first, minlength=n + 1)
    np.add.at(mean_at, risk.first, sums.mean)
    np.add.at(spared, risk.first, risk.share * step)
    np.add.at(spared_x, risk.first, (risk.share * step)[:, None] * sums.mean)
    own = of_time[at]
    total, total_x = gone[0].copy(), gone[1].copy()
    total[at] -= spared[own]
    total_x[at] -= spared_x[own]
    expected = sums.risk * total
    score = -sums.risk[:, None] * (x * total[:, None] - total_x)
    score[at] += x[at] - mean_at[own] / count[own][:, None]
    return score, risk.event - expected


def proportional(x: Floats, time: Floats, event: NDArray[np.bool_], fit: Fit, k: int) -> tuple[float, float]:
    """Ask whether a coefficient changes with time: chi-squared on 1 degree of freedom, and its p value.

    The scaled Schoenfeld residuals against the rank of the event's time (Grambsch & Therneau 1994,
    doi:10.1093/biomet/81.3.515).
    """
    risk = _Risk.of(x - x.mean(axis=0), time, event)
    sums = _sums(risk, fit.beta)
    at = np.flatnonzero(risk.event)
    count = np.bincount(risk.first, minlength=len(x))
    mean = np.zeros_like(risk.x)
    np.add.at(mean, risk.first, sums.mean)
    left = risk.x[at] - mean[risk.first] / count[risk.first][:, None]
    events = len(at)
    scaled = events * left @ fit.bread[:, k]
    rank = midranks(risk.time[at])
    away = rank - rank.mean()
    square = float((away**2).sum())
    if square == 0:
        return float("nan"), float("nan")
    found = float((scaled @ away) ** 2 / (events * fit.bread[k, k] * square))
    return found, float(special.chdtrc(1, found))
