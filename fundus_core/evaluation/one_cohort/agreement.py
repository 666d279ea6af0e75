"""Agreement: of prediction and truth point by point, and of a person's two eyes.

The Bland-Altman figure of a model is not that of two instruments: a calibrated model predicts values nearer the mean
than the truth is (regression to the mean), so its differences slope against the truth, and against the mean of both,
by construction. :data:`SLOPE_NOTE` says so and belongs under every such figure.
"""

from dataclasses import dataclass

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.evaluation.intervals.bootstrap import SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate, Rule
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.sample import check_level, sort_rows, units_of_analysis
from fundus_core.evaluation.one_cohort.scores import LIMITS_OF_AGREEMENT, divide
from fundus_core.evaluation.one_cohort.statistics import score_panel, slope_panel
from fundus_core.records import CohortTable, Eye, Floats, Labels, Status
from fundus_core.targets import target as find_target

SLOPE_NOTE = (
    "Differences slope downwards here by construction: predictions of a calibrated model spread less than the truth, "
    "so low values are predicted too high and high values too low. This is compatible with regression to the mean and "
    "no sign of a faulty scale; calibration is read from truth against prediction."
)
"""Stands under every figure of errors against the truth or against the mean of truth and prediction."""


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Differences against means, with what is drawn across them."""

    target: str
    """Target id."""
    unit: str
    """Of everything here."""
    patient: Labels
    """Whose each of the n points is."""
    mean: Floats
    """(truth + prediction) / 2, n."""
    truth: Floats
    """Measured, n, for the other usual horizontal axis."""
    difference: Floats
    """Prediction - truth, n."""
    bias: Estimate
    """Mean difference."""
    loa_low: Estimate
    """bias - 1.96 sd."""
    loa_high: Estimate
    """bias + 1.96 sd."""
    trend: Estimate
    """Slope of the differences on the means; read :data:`SLOPE_NOTE`."""
    note: str = SLOPE_NOTE
    """What a reader has to know."""


def bland_altman(table: CohortTable, target: str, *, level: str = "patient") -> BlandAltman:
    """Return the Bland-Altman table (Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8).

    Assumes differences of about constant spread; intervals are over people, so several photographs of a person do not
    narrow them, and need no draws.

    Raises:
        UsageError: The target is a probability, or target or level is unknown.

    >>> from fundus_core.evaluation import from_values
    >>> table = from_values("sbp", [120, 120, 135, 150], [124, 128, 131, 141], patient_id=["a", "a", "b", "c"])
    >>> found = bland_altman(table, "sbp")
    >>> found.difference.tolist(), round(found.bias.value, 3)
    ([6.0, -4.0, -9.0], -2.333)
    """
    of = find_target(target)
    if of.binary:
        raise UsageError(
            "'{target}' is a probability: its agreement is read from reliability(), not from differences.",
            target=target,
        )
    sample = units_of_analysis(table, of, check_level(level))
    middle = (sample.y + sample.p) / 2
    found = estimated(score_panel(sample, sample.patients))
    found |= estimated(slope_panel(sample, sample.patients, middle, sample.error))
    return BlandAltman(
        target, of.unit, sample.patients[sample.group], middle, sample.y, sample.error,
        found["bias"], found["loa_low"], found["loa_high"], found["trend"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BetweenEyes:
    """How well a model's answers for a person's two eyes agree; no truth is needed."""

    target: str
    """Target id."""
    unit: str
    """Of differences."""
    patient: Labels
    """People with a prediction for both eyes, n."""
    right: Floats
    """Prediction of the right eye (mean of its photographs), n."""
    left: Floats
    """Prediction of the left eye, n."""
    icc: Estimate
    """Intraclass correlation ICC(A,1): two-way, absolute agreement, single eye."""
    mean_absolute_difference: Estimate
    """Mean |right - left|."""
    bias: Estimate
    """Mean right - left."""
    loa_low: Estimate
    """bias - 1.96 sd of right - left."""
    loa_high: Estimate
    """bias + 1.96 sd of right - left."""


_EYE_RULES = (
    Rule(scale="z", related=True),
    Rule(scale="log"),
    Rule(),
    *(Rule("limits", related=True, centre="bias"),) * 2,
)


def between_eyes(table: CohortTable, target: str) -> BetweenEyes:
    """Compare the predictions for the right and the left eye of each person.

    ICC(A,1) = (MSR - MSE) / (MSR + MSE + 2 (MSC - MSE) / n) with the mean squares of people, error and side (McGraw &
    Wong 1996, doi:10.1037/1082-989X.1.1.30). Intervals need no draws.

    >>> from fundus_core.evaluation import from_values
    >>> p, eye = [120, 124, 140, 138, 131, 131], ["right", "left"] * 3
    >>> table = from_values("sbp", [0] * 6, p, patient_id=["a", "a", "b", "b", "c", "c"], eye=eye)
    >>> round(between_eyes(table, "sbp").mean_absolute_difference.value, 3)
    2.0
    """
    of = find_target(target)
    who, right, left = _both_eyes(table, target)
    middle = (right.sum() + left.sum()) / max(2 * len(who), 1)
    u, v = right - middle, left - middle
    sums = np.column_stack([np.ones_like(u), u, v, u * u, v * v, u * v, np.abs(u - v)])
    needs = ("fewer than two people have both eyes, or nothing varies",) * 5
    names = ("icc", "mean", "bias", "low", "high")
    panel = SumStatistic(np.arange(len(who)), names, needs, sums, _eye_statistics, rules=_EYE_RULES)
    icc, mean, bias, low, high = estimated(panel).values()
    return BetweenEyes(target, of.unit, who, right, left, icc, mean, bias, low, high)


def _both_eyes(table: CohortTable, target: str) -> tuple[Labels, Floats, Floats]:
    ordered = sort_rows(table)
    values = ordered.predicted.get(target, np.full(len(ordered), np.nan))
    usable = (ordered.status == Status.PREDICTED.value) & np.isfinite(values)
    who, person = np.unique(ordered.patient_id, return_inverse=True)
    means = []
    for eye in (Eye.RIGHT, Eye.LEFT):
        rows = usable & (ordered.eye == eye.value)
        count = np.bincount(person[rows], minlength=len(who)).astype(np.float64)
        total = np.bincount(person[rows], weights=values[rows], minlength=len(who)).astype(np.float64)
        means.append(divide(total, count))
    both = np.isfinite(means[0]) & np.isfinite(means[1])
    return who[both], means[0][both], means[1][both]


def _eye_statistics(sums: Floats) -> Floats:
    n, u, v, uu, vv, uv, absolute = sums.T
    right, left = divide(u, n), divide(v, n)
    bias = right - left
    squared = np.maximum(uu + vv - 2 * uv - n * bias**2, 0)
    sd = np.sqrt(divide(squared, n - 1))
    people = divide(np.maximum(uu + vv + 2 * uv - n * (right + left) ** 2, 0) / 2, n - 1)
    error, side = sd**2 / 2, n * bias**2 / 2
    icc = divide(people - error, people + error + divide(2 * (side - error), n), 1e-12)
    reach = LIMITS_OF_AGREEMENT * sd
    return np.column_stack([icc, divide(absolute, n), bias, bias - reach, bias + reach])


MOST_BINS = 60
"""Bars of the histogram at most."""

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Quantiles that are listed."""


@dataclass(frozen=True, slots=True)
class ErrorDistribution:
    """Errors (prediction - truth) of one target."""

    target: str
    """Target id."""
    unit: str
    """Of errors."""
    edges: Floats
    """Edges of the histogram, bars + 1; symmetric about zero; empty without data."""
    counts: Floats
    """Observations per bar."""
    quantiles: Floats
    """At :data:`QUANTILES`, linearly interpolated; empty without data."""


def error_distribution(table: CohortTable, target: str, *, level: str = "patient") -> ErrorDistribution:
    """Count errors in bars of equal width (Freedman & Diaconis 1981, doi:10.1007/BF01025868).

    Raises:
        UsageError: Unknown target or level.
    """
    of = find_target(target)
    sample = units_of_analysis(table, of, check_level(level))
    error = sample.error
    if len(error) == 0:
        nothing = np.empty(0)
        return ErrorDistribution(target, of.unit, nothing, nothing, nothing)
    edges = _edges(error)
    counts = np.histogram(error, edges)[0].astype(np.float64)
    return ErrorDistribution(target, of.unit, edges, counts, np.quantile(error, QUANTILES))


def _edges(error: Floats) -> Floats:
    reach = max(float(np.abs(error).max()) * (1 + 1e-9), 1e-9)
    quartiles = np.quantile(error, [0.25, 0.75])
    width = 2 * float(quartiles[1] - quartiles[0]) / len(error) ** (1 / 3)
    half = int(np.clip(np.ceil(reach / width), 1, MOST_BINS // 2)) if width > 0 else MOST_BINS // 2
    return np.linspace(-reach, reach, 2 * half + 1)
