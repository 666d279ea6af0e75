"""The error of the reference itself: what r, slope, RMSE and MAE would be against values measured without error.

A pressure measured once errs too. With y = t + e, e independent of the true value t and of the prediction, and the
reliability L = var(t) / var(y) (an intraclass correlation of repeated measurements): the correlation with t is that
with y over sqrt(L), the slope of the prediction on t that on y over L (regression dilution; Frost & Thompson 2000,
doi:10.1111/1467-985X.00164), and the mean squared error against t is that against y less (1 - L) var(y). The slope of
truth on prediction needs no correction. The MAE is taken to shrink as the RMSE does, which it does where errors are
normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fundus_core.errors import UsageError, say
from fundus_core.evaluation.gap.outcomes import columns_of, numbers_of, words_of
from fundus_core.evaluation.intervals.bootstrap import SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate, Rule, not_estimable
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.sample import Sample, check_level, sort_rows, units, units_of_analysis
from fundus_core.evaluation.one_cohort.scores import divide, per_patient
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import CohortTable, Floats
from fundus_core.targets import TARGETS
from fundus_core.targets import target as find_target

NAMES = ("pearson", "slope_on_truth", "rmse", "mae", "r2")
"""What is corrected; ``slope_on_truth`` is the slope of the prediction on the measured value."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """One estimate against measured values, and as it would be against values without error."""

    target: str
    """Target id."""
    unit: str
    """Of errors."""
    estimate: str
    """One of :data:`NAMES`."""
    n: int
    """Observations."""
    n_patients: int
    """People."""
    reliability: Estimate
    """Of one measurement; without an interval where it was stated."""
    measured: Estimate
    """Against the values as they were measured."""
    true: Estimate
    """Against values without error."""


def asked_of(asked: Sequence[str], target: str) -> str:
    """Return what was said of a target's reliability: a number or a column; empty where nothing was.

    Raises:
        UsageError: It is not ``TARGET=ICC`` or ``TARGET=COLUMN``.

    >>> asked_of(["sbp=0.8", "bmi=bmi_again"], "bmi")
    'bmi_again'
    """
    found = ""
    for each in asked:
        name, between, what = (part.strip() for part in each.partition("="))
        if not between or name not in TARGETS or not what:
            raise UsageError(
                "'{asked}' says no reliability; write TARGET=ICC (sbp=0.8) or TARGET=COLUMN with a second measurement.",
                asked=each,
            )
        found = what if name == target else found
    return found


def reference_error(
    table: CohortTable, target: str, reliability: str, *, level: str = "patient"
) -> tuple[Corrected, ...]:
    """Correct the estimates of a target for the error of its measured values.

    Args:
        table: A row per photograph, any order.
        target: Target id, of a number.
        reliability: The intraclass correlation of one measurement, between 0 and 1, or the name of a column that holds
            a second measurement: then it is ICC(1,1) of both (Shrout & Fleiss 1979, doi:10.1037/0033-2909.86.2.420).
        level: What one observation is.

    Raises:
        UsageError: Unknown target, level or column, or a number beyond 0 and 1.

    >>> from fundus_core.evaluation import from_values
    >>> y = np.tile([110.0, 130, 150, 120, 140], 8)
    >>> found = reference_error(from_values("sbp", y, 0.5 * y + np.repeat([60.0, 70], 20)), "sbp", "0.8")
    >>> round(found[0].true.value / found[0].measured.value, 6) == round(0.8**-0.5, 6)
    True
    """
    of, ordered = find_target(target), sort_rows(table)
    sample = units_of_analysis(ordered, of, check_level(level), ordered=True)
    stated, again = _read(ordered, sample, reliability)
    known = np.isfinite(again)
    sample, again = units(sample, known), again[known]
    head = (of.id, of.unit)
    people = len(sample.patients)
    if people < FEWEST_PEOPLE:
        few = not_estimable(say("needs {fewest} people", fewest=FEWEST_PEOPLE))
        return tuple(Corrected(*head, name, len(sample), people, few, few, few) for name in NAMES)
    found = estimated(_panel(sample, again, stated))
    known_as = Estimate(stated, note="as stated: taken as given") if stated is not None else found["reliability"]
    return tuple(
        Corrected(*head, name, len(sample), people, known_as, found[name], found[f"{name}_true"]) for name in NAMES
    )


def _read(ordered: CohortTable, sample: Sample, reliability: str) -> tuple[float | None, Floats]:
    """Return the number that was stated, or none and each observation's second measurement."""
    try:
        stated = float(reliability)
    except ValueError:
        if reliability not in columns_of(ordered):
            raise UsageError(
                "'{reliability}' is neither a number between 0 and 1 nor a column of the cohort; there are {there}.",
                reliability=reliability,
                there=columns_of(ordered) or say("none"),
            ) from None
        again = numbers_of(words_of(ordered, sample, reliability))
        if again is None or len(np.unique(again[np.isfinite(again)])) < 3:
            raise UsageError(
                "The column '{name}' holds words, or at most two different numbers: it is no second measurement.",
                name=reliability,
            ) from None
        return None, again
    if not 0 < stated <= 1:
        raise UsageError("The reliability is {value}; it must lie above 0 and at most be 1.", value=stated)
    return stated, np.zeros(len(sample))


def _panel(sample: Sample, again: Floats, stated: float | None) -> SumStatistic:
    y, p = sample.y - sample.y.mean(), sample.p - sample.y.mean()
    other = again - sample.y.mean() if stated is None else y
    d, mean, half = p - y, (y + other) / 2, (y - other) ** 2 / 2
    columns = np.array([np.ones_like(y), y, y * y, p, p * p, y * p, np.abs(d), d * d, mean, mean * mean, half])

    def finish(sums: Floats) -> Floats:
        n, sy, syy, sp, spp, syp, absolute, square, sm, smm, within = sums.T
        vy, vp, cov = (divide(a - divide(b * c, n), n) for a, b, c in ((syy, sy, sy), (spp, sp, sp), (syp, sy, sp)))
        icc = _icc(n, sm, smm, within) if stated is None else np.full(len(n), stated)
        icc = np.where(icc > 0, icc, np.nan)
        r, slope, mse, mae = divide(cov, np.sqrt(vy * vp)), divide(cov, vy), divide(square, n), divide(absolute, n)
        left = mse - (1 - icc) * vy
        left = np.where(left > 0, left, np.nan)
        true_r = r / np.sqrt(icc)
        return np.column_stack([
            icc, r, slope, np.sqrt(mse), mae, 1 - divide(mse, vy),
            np.where(np.abs(true_r) < 1, true_r, np.nan), slope / icc, np.sqrt(left), mae * np.sqrt(divide(left, mse)),
            1 - divide(left, icc * vy),
        ])  # fmt: skip

    plain, log, z = Rule(related=True), Rule(scale="log", related=True), Rule(scale="z", related=True)
    rest = Rule(scale="rest", related=True)
    lost = "the measured values err as much as the predictions seem to: the reliability is stated too low"
    beyond = "the corrected correlation would be above 1: the reliability is stated too low"
    needs = ("the two measurements do not agree at all", *("nothing varies",) * 5, beyond, "nothing varies", lost, lost)
    names = ("reliability", *NAMES, *(f"{name}_true" for name in NAMES))
    rules = (z, z, plain, log, log, rest, z, plain, log, log, rest)
    return SumStatistic(
        np.arange(len(sample.patients)), names, (*needs, lost), per_patient(sample, columns), finish, rules=rules
    )


def _icc(n: Floats, total: Floats, squares: Floats, within: Floats) -> Floats:
    """ICC(1,1) of two measurements each, from sums of their means, squared means and half squared differences."""
    between = 2 * divide(squares - divide(total**2, n), n - 1)
    error = divide(within, n)
    return np.asarray(divide(between - error, between + error))
