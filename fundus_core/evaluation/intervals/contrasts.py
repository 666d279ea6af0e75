"""Differences between two groups or two models: tested and sized.

Which test, and why:

* mean absolute error and bias of two groups of different people, one number a person: Welch's t, because the errors of
  two groups have no reason to share a variance;
* the same of two models, or two cohorts, of the same people: the paired t, because the person's own difficulty cancels;
* whatever is no mean of one number a person (R², slope, ratios, several photographs a person, some people in both
  groups): the difference over its standard error from the bootstrap over people, against the normal distribution
  (Wald).

Interval and p value always come from one and the same standard error. A p value is corrected where its family is known:
:mod:`fundus_core.analyses.multiple_testing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import Draws
from fundus_core.evaluation.intervals.estimate import CONFIDENCE, Estimate, not_estimable, reach
from fundus_core.records import Floats
from fundus_core.targets import target as find_target

Correction = Literal["holm", "bh"]
"""``holm`` keeps the chance of any false alarm below 5 %, ``bh`` the expected share of false alarms."""

CORRECTIONS = {
    "holm": "Holm (1979, doi:10.2307/4615733)",
    "bh": "Benjamini-Hochberg (1995, doi:10.1111/j.2517-6161.1995.tb02031.x)",
}
"""What stands beside an adjusted p value."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference, its standard error, and the distribution it is held against."""

    value: float
    """First minus second."""
    error: float
    """Standard error; above zero."""
    freedom: float
    """Degrees of freedom of Student's t; infinite for the normal distribution."""
    test: str
    """Name of the test."""

    @property
    def p(self) -> float:
        """Two-sided p value for no difference."""
        return float(2 * special.stdtr(self.freedom, -abs(self.value) / self.error))

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Interval of the difference."""
        away = reach(self.freedom, confidence) * self.error
        return self.value - away, self.value + away

    def equivalence_p(self, margin: float) -> float:
        """P value for |difference| >= margin: the larger of two one-sided tests.

        Schuirmann 1987, doi:10.1007/BF01068419. Below 0.05 the difference is shown to be smaller than the margin.

        >>> Contrast(0.0, 1.0, float("inf"), "").equivalence_p(5.0) < 0.001
        True
        """
        nearer = (margin - abs(self.value)) / self.error
        return float(special.stdtr(self.freedom, -nearer))


def welch(first: Floats, second: Floats) -> Contrast | None:
    """Compare two means of independent people without assuming equal variances (Welch 1947, doi:10.2307/2332510).

    ``None`` where a group has fewer than two people or nothing varies.

    >>> contrast = welch(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]))
    >>> round(contrast.value, 3), round(contrast.freedom, 3)
    (-2.0, 2.941)
    """
    if min(len(first), len(second)) < 2:
        return None
    a, b = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
    if not a + b > 0:
        return None
    freedom = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))
    return Contrast(float(first.mean() - second.mean()), float(np.sqrt(a + b)), float(freedom), "Welch's t test")


def paired(first: Floats, second: Floats) -> Contrast | None:
    """Compare two means on the same people by the paired t test; ``None`` where nothing varies.

    >>> paired(np.array([1.0, 2, 4]), np.array([1.0, 1, 1])).value
    1.3333333333333333
    """
    difference = first - second
    if len(difference) < 2 or not difference.std() > 0:
        return None
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    return Contrast(float(difference.mean()), error, len(difference) - 1.0, "paired t test")


def wald(value: float, replicates: Floats, draws: Draws) -> Contrast | None:
    """Compare by a difference and its bootstrap replicates; ``None`` where it has none or nothing varies."""
    usable = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or len(usable) < 0.95 * max(draws.number, 1) or not usable.std() > 0:
        return None
    name = say(
        "Wald test, standard error from {number} bootstrap draws over patients, seed {seed}",
        number=draws.number,
        seed=draws.seed,
    )
    return Contrast(value, float(usable.std(ddof=1)), float("inf"), name)


@dataclass(frozen=True, slots=True)
class Difference:
    """One comparison, as a row of a table."""

    target: str
    """Target id."""
    score: str
    """Which score differs."""
    first: str
    """Name of one side."""
    second: str
    """Name of the other side."""
    difference: Estimate
    """First minus second, with its interval."""
    effect: Estimate
    """Where the score is a mean of one number a person, the difference in standard deviations: Hedges' g, or d_z."""
    test: str
    """Name of the test; empty where there is none."""
    p: float | None
    """Two-sided, uncorrected."""


def difference(
    names: tuple[str, str, str, str], contrast: Contrast | None, effect: Estimate, value: float | None = None
) -> Difference:
    """Make a row (target, score, first, second) of a contrast; ``None`` where nothing could be tested.

    ``effect`` is the difference in standard deviations, or why there is none; ``value`` is first minus second, for a
    row that has a difference and no test.
    """
    target, score, first, second = names
    if contrast is None and (value is None or not np.isfinite(value)):
        missing = not_estimable("one side has no value")
        return Difference(target, score, first, second, missing, missing, "", None)
    if contrast is None:
        untested = Estimate(value, note="no test: too few people, or nothing varies")
        return Difference(target, score, first, second, untested, effect, "", None)
    estimate = Estimate(contrast.value, *contrast.interval(), method=contrast.test)
    return Difference(target, score, first, second, estimate, effect, contrast.test, contrast.p)


def standardised_change(first: Floats, second: Floats) -> Estimate:
    """Return Cohen's d_z: the mean difference within people in standard deviations of the differences.

    The interval is d +/- 1.96 sqrt(1/n + d²/(2n)) (Goulet-Pelletier & Cousineau 2018, doi:10.20982/tqmp.14.4.p242).

    >>> round(standardised_change(np.array([2.0, 3, 5]), np.array([1.0, 1, 1])).value, 3)
    1.528
    """
    change = first - second
    n = len(change)
    if n < 2 or not change.std() > 0:
        return not_estimable("fewer than two people, or every difference is the same")
    d = float(change.mean() / change.std(ddof=1))
    away = float(reach() * np.sqrt(1 / n + d**2 / (2 * n)))
    return Estimate(d, d - away, d + away, "Cohen's d_z, normal interval")


NO_EFFECT = Estimate(None, note="the difference is its own effect size: the score is not a mean of one number a person")
"""Stands in the place of Hedges' g where there is none."""


def hedges(first: Floats, second: Floats) -> Estimate:
    """Return Hedges' g: the difference of two means in pooled standard deviations, corrected for small samples.

    The interval is g +/- 1.96 sqrt(1/n1 + 1/n2 + g²/(2 (n1 + n2))) (Hedges & Olkin 1985, chapter 5).

    >>> round(hedges(np.array([1.0, 2, 3]), np.array([2.0, 3, 4])).value, 2)
    -0.8
    """
    n, m = len(first), len(second)
    if min(n, m) < 2:
        return not_estimable("a group has fewer than two people")
    pooled = np.sqrt(((n - 1) * first.var(ddof=1) + (m - 1) * second.var(ddof=1)) / (n + m - 2))
    if not pooled > 0:
        return not_estimable("nothing varies")
    g = float((first.mean() - second.mean()) / pooled * (1 - 3 / (4 * (n + m) - 9)))
    away = float(reach() * np.sqrt(1 / n + 1 / m + g**2 / (2 * (n + m))))
    return Estimate(g, g - away, g + away, "Hedges' g, normal interval")


def adjusted(p: Sequence[float], correction: Correction = "holm") -> list[float]:
    """Correct p values for their number.

    >>> adjusted([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    >>> [round(value, 3) for value in adjusted([0.01, 0.04, 0.03], "bh")]
    [0.03, 0.04, 0.04]
    """
    values = np.asarray(p, dtype=np.float64)
    if len(values) == 0:
        return []
    order, n = np.argsort(values, kind="stable"), len(values)
    if correction == "bh":
        steps = np.minimum.accumulate((values[order] * (n / np.arange(1, n + 1)))[::-1])[::-1]
    else:
        steps = np.maximum.accumulate(values[order] * np.arange(n, 0, -1))
    out = np.empty_like(values)
    out[order] = np.minimum(steps, 1)
    return [float(value) for value in out]


CONFIDENCE_OF_TWO_TESTS = 0.9
"""Of the interval that two one-sided tests at 5 % go with."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether two sides differ by less than a margin stated beforehand (two one-sided tests at 5 %)."""

    target: str
    """Target id."""
    score: str
    """Which score."""
    first: str
    """Name of one side."""
    second: str
    """Name of the other."""
    margin: float
    """Stated beforehand, in the target's unit."""
    difference: float | None
    """First minus second."""
    low: float | None
    """Lower end of the 90 % interval, which two one-sided tests at 5 % go with."""
    high: float | None
    """Upper end of the 90 % interval."""
    p: float | None
    """Of the two one-sided tests; below 0.05 the sides are equivalent within the margin."""
    verdict: str
    """In words."""


def equivalent(names: tuple[str, str, str, str], margin: float, contrast: Contrast | None) -> Equivalence:
    """Return the verdict on a difference (target, score, first, second); ``None`` where it cannot be tested.

    Schuirmann 1987, doi:10.1007/BF01068419.

    >>> equivalent(("sbp", "bias", "a", "b"), 2.0, Contrast(0.5, 0.5, float("inf"), "")).verdict
    'equivalent within 2 mmHg'
    """
    if contrast is None:
        return Equivalence(*names, margin, None, None, None, None, "not estimable: a cohort has too few people")
    p, unit = contrast.equivalence_p(margin), say(find_target(names[0]).unit)
    shown = (
        say("equivalent within {margin:g} {unit}", margin=margin, unit=unit)
        if p < 0.05
        else say("not shown to be within {margin:g} {unit}", margin=margin, unit=unit)
    )
    return Equivalence(*names, margin, contrast.value, *contrast.interval(CONFIDENCE_OF_TWO_TESTS), p, shown)
