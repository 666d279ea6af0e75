"""The gap: predicted minus measured, freed of what follows from the measured value and from age.

Predictions shrink toward the mean, so that a raw gap is high where the measured value is low, whatever the person's
health: its association with anything that goes with the measured value is built in (Butler 2021,
doi:10.1002/hbm.25533). de Lange & Cole 2020 (doi:10.1016/j.nicl.2020.102229) take off what a line through predictions
against measured values says. Here it is a curve of the measured value and of age, for predictions need not shrink along
a line, and each person's is fitted to other people.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import NotEstimableError, say
from fundus_core.evaluation.gap.cox import cox, proportional
from fundus_core.evaluation.gap.outcomes import Outcome
from fundus_core.evaluation.gap.regression import Fit, linear, logistic
from fundus_core.evaluation.observations.sample import Sample
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.evaluation.one_cohort.baselines import (
    FEWEST_PEOPLE,
    cross_fitted,
    folds_of,
    knots_for,
    natural_spline,
    standardised,
)
from fundus_core.records import Floats


@dataclass(frozen=True, slots=True)
class Gap:
    """Of n observations."""

    raw: Floats
    """Predicted minus measured, in the target's unit."""
    corrected: Floats
    """The same less what the measured value and age say of it; NaN where age is not known or there are too few."""
    freed: tuple[str, ...]
    """Of what it was freed besides the measured value: ``age``, or nothing where nobody's age is known."""


def corrected_gap(sample: Sample) -> Gap:
    """Free the gap of its dependence on the measured value and on age, each tenth by what the others show.

    >>> from fundus_core.evaluation import from_values, units_of_analysis
    >>> from fundus_core.targets import target
    >>> truth = np.linspace(100, 180, 60)
    >>> gap = corrected_gap(units_of_analysis(from_values("sbp", truth, 90 + 0.3 * truth), target("sbp"), "patient"))
    >>> round(float(gap.raw[0]), 6), bool(np.abs(gap.corrected).max() < 1e-9)
    (20.0, True)
    """
    with_age = sample.target.id != "age" and np.isfinite(sample.age).any()
    known = np.isfinite(sample.age) if with_age else np.ones(len(sample), dtype=bool)
    corrected = np.full(len(sample), np.nan)
    people = len(np.unique(sample.group[known]))
    if people >= FEWEST_PEOPLE:
        knots = knots_for(people)
        along = [sample.y[known], *([sample.age[known]] if with_age else [])]
        curve = standardised(np.column_stack([natural_spline(column, knots) for column in along]))
        error = sample.error[known]
        corrected[known] = error - cross_fitted(curve, error, folds_of(sample, known), "squared")
    return Gap(sample.error, corrected, ("age",) if with_age else ())


@dataclass(frozen=True, slots=True)
class Check:
    """One assumption of the adjusted regression."""

    check: str
    """What was looked at."""
    value: float | None
    """What was found."""
    p: float | None
    """Of the assumption, where it is tested."""
    remark: str
    """What it means."""


@dataclass(frozen=True, slots=True)
class ColumnOnGap:
    """What every regression of one column shares."""

    gap: Gap
    """Of every observation."""
    against: Outcome
    """The column."""
    known: NDArray[np.bool_]
    """Which observations have all that a regression needs."""
    group: Indices
    """People of those, as numbers from 0."""

    @property
    def value(self) -> Floats:
        """The column's numbers."""
        return self.against.value[self.known]

    @property
    def event(self) -> NDArray[np.bool_]:
        """Whether the event came."""
        return self.against.event[self.known]

    @property
    def people(self) -> int:
        """How many people there are."""
        return len(np.unique(self.group))

    def counted(self) -> tuple[int | None, int]:
        """People with the event where there is one, and how many people a regression may use up."""
        if self.against.kind == "linear":
            return None, self.people
        yes = self.event if self.against.kind == "cox" else self.value == 1
        of_yes = len(np.unique(self.group[yes]))
        if self.against.kind == "cox":
            return of_yes, of_yes
        return of_yes, min(of_yes, len(np.unique(self.group[~yes])))

    def fit(self, x: Floats) -> Fit:
        """Fit columns beside a constant, where the regression has one; the gap's coefficient is the first."""
        if self.against.kind == "cox":
            return cox(x, self.value, self.event, self.group)
        whole = np.column_stack([x, np.ones(len(x))])
        return (linear if self.against.kind == "linear" else logistic)(whole, self.value, self.group)


def spread_of(values: Floats) -> float:
    """Return the standard deviation; NaN of fewer than two values."""
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def checks(part: ColumnOnGap, fit: Fit, gap: Floats, beside: Floats) -> tuple[Check, ...]:
    """Look at what the adjusted regression assumes."""
    spread = spread_of(gap)
    found = [_curved(part, gap / spread, beside), _influence(fit), _per_column(part, beside.shape[1] + 1)]
    if part.against.kind == "linear":
        found += _residuals(fit)
    if part.against.kind == "cox":
        x = np.column_stack([gap / spread, beside])
        square, p = proportional(x, part.value, part.event, fit, 0)
        words = say("a hazard ratio that changes with time is an average over the time of follow-up")
        found.insert(0, Check(say("proportional hazards: change with time"), square, p, words))
    return tuple(found)


def _curved(part: ColumnOnGap, gap: Floats, beside: Floats) -> Check:
    words = say("linearity: the gap's square beside it")
    try:
        fit = part.fit(np.column_stack([gap**2, gap, beside]))
    except NotEstimableError as error:
        return Check(words, None, None, str(error))
    return Check(words, float(fit.beta[0]), fit.p(0), say("a small p means that the association is no straight line"))


def _influence(fit: Fit) -> Check:
    """Return by how many standard errors the gap's coefficient moves without its most influential person."""
    moved = fit.of_people[:, 0] / fit.error(0)
    most = float(moved[np.abs(moved).argmax()])
    words = say("of the coefficient, without the one person that moves it most; beyond 1 the result hangs on a person")
    return Check(say("influence: standard errors"), most, None, words)


def _per_column(part: ColumnOnGap, columns: int) -> Check:
    _events, enough = part.counted()
    words = say("people, of answers the rarer, of times events, for each coefficient")
    return Check(say("size: people or events per coefficient"), enough / columns, None, words)


def _residuals(fit: Fit) -> list[Check]:
    from scipy import stats  # as long to import as a small cohort takes to evaluate, and only few ask

    left = fit.residual
    p, p_heavy = (float(test(left).pvalue) for test in (stats.skewtest, stats.kurtosistest))
    words = say("with many people the interval does not need normal residuals")
    return [
        Check(say("normal residuals: skewness"), float(stats.skew(left)), p, words),
        Check(say("normal residuals: excess kurtosis"), float(stats.kurtosis(left)), p_heavy, words),
    ]
