"""An estimate's own interval, from its own people alone: the same whatever else is computed beside it.

The standard error is that of leaving out one person with everything that is theirs (delete-one jackknife; Efron & Stein
1981, doi:10.1214/aos/1176345462), so that a second eye or visit narrows nothing that it should not. Means, slopes:
Student's t. Errors, standard deviations and their ratios: t on the logarithm. Correlations: t on Fisher's z. Of all but
means the degrees of freedom follow from the tails of the people's influences (see :func:`reaches`). Shares:
Jeffreys' interval (Brown, Cai & DasGupta 2001, doi:10.1214/ss/1009213286) with as many observations as the jackknife's
standard error is worth (Korn & Graubard 1998, Survey Methodology 24:193). Limits of agreement: the intervals of the
mean and of the SD put together (MOVER; Zou 2013, doi:10.1177/0962280211402548).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import Statistics, SumStatistic, dealt
from fundus_core.evaluation.intervals.estimate import (
    CONFIDENCE,
    FEW_PEOPLE,
    FEWEST_RELATED,
    Estimate,
    Rule,
    Scale,
    back,
    not_estimable,
    onto,
    reach,
)
from fundus_core.records import Floats

_TAIL = (1 - CONFIDENCE) / 2
_NO_VALUE = "no interval: without one of the people there is no value"

_FEWEST_FREE = 2.0
"""Degrees of freedom of a standard error at least, however heavy the tails."""

_MOST_MOVED = 0.85
"""Part of its reach by which an interval on a logarithm is moved at most, so that it holds the estimate."""

_USUAL_SKEW = 2.0
"""Skewness of people's influences that 50 people with normal errors show of an RMSE; beyond it the upper side grows."""

_NOBODY = "no photograph has both a measured and a predicted value"
_SCALES = {
    "plain": "Student's t, jackknife over patients",
    "log": "Student's t on the logarithm, jackknife over patients",
    "z": "Student's t on Fisher's z, jackknife over patients",
    "rest": "Student's t on the logarithm of the unexplained share, jackknife over patients",
    "logit": "Student's t on the log odds, jackknife over patients",
}
SHARE = "Jeffreys' interval with the design effect of patients"
LIMITS = "MOVER from the intervals of bias and SD, jackknife over patients"

Ends = tuple[float, float, str]
"""Lower end, upper end, and how they were made."""


def estimated(panel: Statistics) -> dict[str, Estimate]:
    """Estimate every statistic of a panel, each with the interval of its rule or the reason why it has none.

    Args:
        panel: What is computed, of which people.
    """
    if len(panel.people) == 0:
        return {name: not_estimable(_NOBODY) for name in panel.names}
    few, nothing = dealt(panel), np.empty((0, len(panel.names)))
    made = _Made(few, panel.point(), few.without_each() if len(few.people) > 1 else nothing)
    return {name: _one(made, k) for k, name in enumerate(panel.names)}


def without_intervals(panel: Statistics) -> dict[str, Estimate]:
    """Return every statistic of a panel without an interval.

    Args:
        panel: What is computed.
    """
    if len(panel.people) == 0:
        return {name: not_estimable(_NOBODY) for name in panel.names}
    made = _Made(panel, panel.point(), np.empty((0, len(panel.names))))
    return {name: made.missing(k) or Estimate(float(made.point[k])) for k, name in enumerate(panel.names)}


@dataclass(frozen=True, slots=True)
class _Made:
    """A panel, its values, and its values without each person."""

    panel: Statistics
    point: Floats
    without: Floats

    def rule(self, k: int) -> Rule:
        """How the k-th statistic's interval is made."""
        return self.panel.rules[k] if self.panel.rules else Rule()

    def counts(self, k: int) -> Floats:
        """How many observations of each person stand behind the k-th statistic."""
        panel = self.panel
        behind = panel.sums[:, self.rule(k).count] if isinstance(panel, SumStatistic) else np.ones(len(panel.people))
        return np.asarray(behind, dtype=np.float64)

    def people(self, k: int) -> int:
        """How many people stand behind the k-th statistic."""
        panel = self.panel
        known = panel.behind.get(self.rule(k).count) if isinstance(panel, SumStatistic) else None
        return int((self.counts(k) > 0).sum()) if known is None else known

    def missing(self, k: int) -> Estimate | None:
        """Why the k-th statistic has no value; ``None`` where it has one."""
        if not np.isfinite(self.point[k]):
            return not_estimable(self.panel.needs[k])
        if self.rule(k).related and self.people(k) < FEWEST_RELATED:
            return not_estimable(say("needs {fewest} people", fewest=FEWEST_RELATED))
        return None

    def moved(self, k: int) -> Floats:
        """The k-th statistic without each person, on its rule's scale."""
        return onto(self.rule(k).scale, self.without[:, k])


def _one(made: _Made, k: int) -> Estimate:
    value, rule, people, missing = float(made.point[k]), made.rule(k), made.people(k), made.missing(k)
    if missing is not None:
        return missing
    reason = refused(rule, people, made.panel.skews.get(rule.skewed, 0.0))
    if reason:
        return Estimate(value, note=reason)
    ends = made.panel.ends[made.panel.names[k]]() if made.panel.names[k] in made.panel.ends else _ends(made, k)
    if isinstance(ends, str):
        return Estimate(value, note=ends)
    few = say("only {people} {people:person|people}: the interval is rough", people=people)
    return Estimate(value, *ends, few if people < FEW_PEOPLE else "")


def refused(rule: Rule, people: int, skew: float) -> str:
    """Say why there is no interval of so many people with values so skewed; empty where there is one.

    >>> str(refused(Rule(), 4, 0.0))
    'no interval: 4 people, fewer than 10'
    """
    if people < rule.least:
        return say(
            "no interval: {people} {people:person|people}, fewer than {fewest}", people=people, fewest=rule.least
        )
    if people < rule.people(skew):
        return say(
            "no interval: no method tried covers with {people} people and a skewness, or tails, of {skew:.1f}; "
            "it takes {needed:,} people",
            people=people,
            skew=skew,
            needed=int(np.ceil(rule.people(skew))),
        )
    return ""


def _ends(made: _Made, k: int) -> Ends | str:
    rule, counts = made.rule(k), made.counts(k)
    if rule.way == "share":
        return _share(float(made.point[k]), made.without[:, k], counts)
    moved = made.moved(k)
    if not np.isfinite(moved).all() or not np.isfinite(onto(rule.scale, made.point[k : k + 1])).all():
        return say(_NO_VALUE)
    if not jackknife_error(moved) > 1e-13 * np.abs(moved).max():  # less is rounding
        return say("no interval: nothing varies between people")
    return _limits(made, k) if rule.way == "limits" else between(float(made.point[k]), moved, rule, counts)


def between(value: float, moved: Floats, rule: Rule, counts: Floats) -> Ends:
    """Return Student's t interval on a rule's scale, as far to each side as :func:`reaches` says.

    Args:
        value: The statistic as it is.
        moved: The statistic without each person, or block of people, on the scale.
        rule: How the interval is made.
        counts: How many observations of each stand behind it.
    """
    error = jackknife_error(moved)
    middle = float(onto(rule.scale, np.array([value]))[0])
    down, up = reaches(moved, counts, rule)
    return back(rule.scale, middle - down * error), back(rule.scale, middle + up * error), say(_SCALES[rule.scale])


def reaches(moved: Floats, counts: Floats, rule: Rule) -> tuple[float, float]:
    """Return how many standard errors an interval reaches down and up.

    A few people with large errors make the estimate and its standard error at once; where the sample lacks them both
    are too small. With the kurtosis k of the people's influences, enlarged for how little of it n people can show, the
    standard error has 2 n / (k - 1) degrees of freedom (Satterthwaite 1946, doi:10.2307/3002019). On a logarithm the
    interval is moved by a part of the skewness of the influences, as the distribution of Student's t is (Hall 1992,
    doi:10.2307/2291226): half of it where errors are normal, up to 1.3 times it where they are heavily skewed; what is
    skewed beyond a normal error's square lengthens the upper side by up to a half. Parts and enlargement were chosen on
    simulated cohorts; those of the README's table are others.

    Args:
        moved: The statistic without each person, on the rule's scale.
        counts: How many observations of each person stand behind it.
        rule: How the interval is made.

    >>> down, up = reaches(np.log(10 - np.array([1.0, 2, 1, 2, 1, 2, 9, 1])), np.ones(8), Rule(scale="log"))
    >>> bool(up > down > 2)
    True
    """
    people = min(effective_people(counts), float(len(moved)))
    away = moved.mean() - moved
    square = float((away**2).mean())
    if not rule.by_tails or not square > 0:
        even = reach(people - 1)
        return even, even
    tails = float((away**4).mean()) / square**2
    tails /= max(1 - tails / len(moved), 1 / len(moved)) ** (1.5 if rule.scale == "log" else 1.0)
    freedom = min(max(2 * people / max(tails - 1, 1e-9), _FEWEST_FREE), people - 1)
    even = reach(freedom)
    if rule.scale != "log":
        return even, even
    skew = float((away**3).mean()) / square**1.5
    part = min(max(0.5 + (abs(skew) - 2) / 5, 0.5), 1.3)
    normal = reach()
    lean = part * skew * (2 * normal**2 + 1) / (6 * np.sqrt(len(moved)))
    lean = float(np.clip(lean, -_MOST_MOVED * even, _MOST_MOVED * even))
    longer = 1 + min(max((skew - _USUAL_SKEW) / np.sqrt(len(moved)), 0.0), 0.5)
    return even - lean, (even + lean) * float(longer)


def effective_people(counts: Floats) -> float:
    """Return how many people with one observation each would weigh as evenly (Kish 1965, section 8.2).

    >>> effective_people(np.array([1.0, 1, 1, 0])), round(effective_people(np.array([50.0, 1, 1])), 2)
    (3.0, 1.08)
    """
    return float(counts.sum() ** 2 / (counts**2).sum())


def jackknife_error(without: Floats) -> float:
    """Return the standard error from the statistic without each of n people or blocks of people.

    >>> round(jackknife_error(np.array([2.5, 2.0, 1.5])), 4)  # of the mean of 1, 2 and 3
    0.5774
    """
    n = len(without)
    return float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))


def student(value: float, moved: Floats, scale: Scale, errors: float) -> Ends:
    """Return Student's t interval on a scale.

    Args:
        value: The statistic as it is.
        moved: The statistic without each person, on the scale.
        scale: Which.
        errors: Standard errors to each side.
    """
    width = errors * jackknife_error(moved)
    middle = float(onto(scale, np.array([value]))[0])
    return back(scale, middle - width), back(scale, middle + width), say(_SCALES[scale])


def _share(value: float, without: Floats, counts: Floats) -> Ends:
    """Jeffreys' interval of a share; where nothing varies, a person's observations count as copies of one another."""
    people, units = int((counts > 0).sum()), float(counts.sum())
    variance = jackknife_error(without) ** 2 * (len(without) - 1) / len(without)
    worth = effective_people(counts)
    if variance > 0 and 0 < value < 1:
        worth = min(value * (1 - value) / variance, units)
    worth = worth / (reach(people - 1) / reach()) ** 2
    return (*jeffreys(value * worth, worth), say(SHARE))


def share_of_people(events: Floats, counts: Floats) -> Ends:
    """Return the interval of a share of observations over people, from each person's events and observations.

    >>> low, high, _ = share_of_people(np.repeat([1.0, 0.0], 10), np.ones(20))
    >>> 0.25 < low < 0.3, 0.7 < high < 0.75
    (True, True)
    """
    without = (events.sum() - events) / (counts.sum() - counts)
    return _share(float(events.sum() / counts.sum()), without, counts)


def jeffreys(events: float, observations: float) -> tuple[float, float]:
    """Return Jeffreys' interval of a share; it never has zero width.

    >>> [round(end, 4) for end in jeffreys(50, 50)]
    [0.9512, 1.0]
    """
    a, b = events + 0.5, observations - events + 0.5
    low = 0.0 if events <= 1e-9 else float(special.betaincinv(a, b, _TAIL))
    return low, 1.0 if observations - events <= 1e-9 else float(special.betainccinv(a, b, _TAIL))


def _limits(made: _Made, k: int) -> Ends | str:
    """A limit of agreement: its bias and its distance from the bias, each with its interval, put together."""
    at = made.panel.names.index(made.rule(k).centre)
    centre, away, counts = float(made.point[at]), float(made.point[k] - made.point[at]), made.counts(k)
    error = reaches(made.without[:, at], counts, Rule())[0] * jackknife_error(made.without[:, at])
    spread = onto("log", np.abs(made.without[:, k] - made.without[:, at]))
    if not np.isfinite(spread).all():
        return say(_NO_VALUE)
    less, more = reaches(spread, counts, Rule(scale="log"))
    own = jackknife_error(spread)
    near, far = abs(away) * -np.expm1(-less * own), abs(away) * np.expm1(more * own)
    down, up = (near, far) if away > 0 else (far, near)
    return centre + away - float(np.hypot(error, down)), centre + away + float(np.hypot(error, up)), say(LIMITS)
