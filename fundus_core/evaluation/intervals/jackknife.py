"""Student's t with the standard error of leaving out each person, on a scale on which an estimate is about normal.

The delete-one jackknife (Efron & Stein 1981, doi:10.1214/aos/1176345462) leaves out a person with all visits and
photographs, so that a second visit narrows nothing that it should not. It covers where the percentiles of the bootstrap
are too narrow: variance components of some tens of people. A limit of agreement puts the intervals of its mean and its
SD together (MOVER; Zou 2013, doi:10.1177/0962280211402548).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.stats import t

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import SumStatistic
from fundus_core.evaluation.intervals.estimate import CONFIDENCE, Estimate, not_estimable
from fundus_core.evaluation.intervals.rules import FEW_PEOPLE
from fundus_core.records import Floats

Scale = Literal["plain", "log", "z", "limit"]
"""As it is, the logarithm, Fisher's z; or a limit of agreement about the mean that is the panel's first statistic."""
FEWEST = 3
"""People, below which nothing has an interval."""
_THERE: Mapping[Scale, Callable[[Floats], Floats]] = {"plain": np.asarray, "log": np.log, "z": np.arctanh}
_BACK: Mapping[Scale, Callable[[Floats], Floats]] = {"plain": np.asarray, "log": np.exp, "z": np.tanh}
_METHODS: Mapping[Scale, str] = {
    "plain": "Student's t, jackknife over patients",
    "log": "Student's t on the logarithm, jackknife over patients",
    "z": "Student's t on Fisher's z, jackknife over patients",
    "limit": "MOVER from the intervals of mean and SD, jackknife over patients",
}


def estimates(panel: SumStatistic, scales: Sequence[Scale]) -> dict[str, Estimate]:
    """Estimate every statistic of a panel.

    Args:
        panel: What is computed, of G people.
        scales: Of each statistic.
    """
    if not len(panel.people):
        return {name: not_estimable(need) for name, need in zip(panel.names, panel.needs, strict=True)}
    point, without = panel.point(), panel.without_each()
    found: dict[str, Estimate] = {}
    for k, (name, scale) in enumerate(zip(panel.names, scales, strict=True)):
        ends = _limit(point, without, k) if scale == "limit" else _student(float(point[k]), without[:, k], scale)
        found[name] = _estimate(float(point[k]), ends, len(without), _METHODS[scale], panel.needs[k])
    return found


def _estimate(value: float, ends: tuple[float, float], people: int, method: str, need: str) -> Estimate:
    if not np.isfinite(value):
        return not_estimable(need)
    if people < FEWEST or not np.isfinite(ends).all():
        return Estimate(value, note="no interval: too few people, or without one of them there is no value")
    few = say("only {people} {people:person|people}: the interval is rough", people=people)
    return Estimate(value, *ends, method, few if people < FEW_PEOPLE else "")


def _reach(without: Floats) -> float:
    """Half the width of the interval of a statistic, from its values without each person."""
    people = len(without)
    error = np.sqrt((people - 1) / people * ((without - without.mean()) ** 2).sum())
    return float(t.isf((1 - CONFIDENCE) / 2, people - 1) * error) if people > 1 else float("nan")


def _student(value: float, without: Floats, scale: Scale) -> tuple[float, float]:
    with np.errstate(all="ignore"):
        middle, reach = _THERE[scale](np.array(value)), _reach(_THERE[scale](without))
        low, high = _BACK[scale](np.array([middle - reach, middle + reach]))
    return float(low), float(high)


def _limit(point: Floats, without: Floats, k: int) -> tuple[float, float]:
    """The intervals of the mean and of the limit's distance from it, put together."""
    away = float(point[k] - point[0])
    with np.errstate(all="ignore"):
        mean, spread = _reach(without[:, 0]), _reach(np.log(np.abs(without[:, k] - without[:, 0])))
    near, far = abs(away) * -np.expm1(-spread), abs(away) * np.expm1(spread)
    down, up = (near, far) if away > 0 else (far, near)
    return float(point[k] - np.hypot(mean, down)), float(point[k] + np.hypot(mean, up))
