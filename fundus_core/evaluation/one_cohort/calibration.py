"""Calibration: among all who are predicted 140, is the mean truth 140?

Bins read truth against prediction, the direction in which a calibrated model lies on the diagonal. The same
bins along the truth show regression to the mean instead and carry its note.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fundus_core.evaluation.intervals.bootstrap import SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate
from fundus_core.evaluation.intervals.interval_choice import Rule
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.sample import (
    Indices,
    Sample,
    check_level,
    units_of_analysis,
)
from fundus_core.evaluation.one_cohort.agreement import SLOPE_NOTE
from fundus_core.evaluation.one_cohort.scores import added_up, divide
from fundus_core.records import CohortTable, Floats
from fundus_core.targets import target as find_target

Axis = Literal["prediction", "truth"]
"""Along which values are put in bins."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Observations of similar prediction (or truth)."""

    low: float
    """Smallest value in the bin, in the target's unit."""
    high: float
    """Largest value in the bin."""
    n: int
    """Observations."""
    n_patients: int
    """People."""
    predicted: float
    """Mean prediction."""
    measured: Estimate
    """Mean truth; for a probability the share of positives."""
    bias: Estimate
    """Mean prediction - truth."""
    mae: Estimate
    """Mean absolute error."""


@dataclass(frozen=True, slots=True)
class Bins:
    """A cohort cut along the prediction or the truth."""

    target: str
    """Target id."""
    unit: str
    """Of every value."""
    along: Axis
    """What the bins follow."""
    bins: tuple[Bin, ...]
    """From low to high; none is empty."""
    note: str
    """What a reader has to know; empty along the prediction."""


def deciles(
    table: CohortTable,
    target: str,
    *,
    along: Axis = "prediction",
    bins: int = 10,
    level: str = "patient",
) -> Bins:
    """Cut a cohort into bins of about equal count and compare means in each; fewer bins where ties allow no more.

    Bins are along ``prediction`` for calibration and for residuals against the prediction, along ``truth`` for
    residuals against the truth.

    Raises:
        UsageError: Unknown target or level.

    >>> from fundus_core.evaluation import from_values
    >>> table = from_values("sbp", [110, 126, 130, 150], [120, 122, 134, 140])
    >>> [(each.n, each.predicted, each.measured.value) for each in deciles(table, "sbp", bins=2).bins]
    [(2, 121.0, 118.0), (2, 137.0, 140.0)]
    """
    of = find_target(target)
    sample = units_of_analysis(table, of, check_level(level))
    values = sample.p if along == "prediction" else sample.y
    place = equal_counts(values, bins)
    found = _means(sample, place)
    made = tuple(_bin(sample, values, place == k, found[k]) for k in range(len(found)))
    return Bins(target, of.unit, along, made, SLOPE_NOTE if along == "truth" and not of.binary else "")


def reliability(
    table: CohortTable,
    target: str = "sex",
    *,
    level: str = "patient",
) -> Bins:
    """Cut a probability into tenths (0 to 0.1, ...) and give the share of positives in each that is not empty."""
    of = find_target(target)
    sample = units_of_analysis(table, of, check_level(level))
    tenth = np.clip(np.floor(sample.p * 10 + 1e-9), 0, 9).astype(np.intp)
    place = np.unique(tenth, return_inverse=True)[1]
    found = _means(sample, place)
    made = tuple(_bin(sample, sample.p, place == k, found[k]) for k in range(len(found)))
    return Bins(target, of.unit, "prediction", made, "")


def equal_counts(values: Floats, bins: int) -> Indices:
    """Number the bin of each value so that bins hold about as many; ties share a bin, no bin is empty.

    >>> equal_counts(np.array([5.0, 1, 2, 2, 9, 7]), 3).tolist()
    [1, 0, 0, 0, 2, 2]
    """
    if len(values) == 0:
        return np.zeros(0, dtype=np.intp)
    edges = np.quantile(values, np.linspace(0, 1, min(bins, len(values)) + 1)[1:-1])
    place = np.searchsorted(edges, values)
    return np.asarray(np.unique(place, return_inverse=True)[1], dtype=np.intp)


def _means(sample: Sample, place: Indices) -> list[tuple[Estimate, Estimate, Estimate]]:
    """Per bin the mean truth, the bias and the mean absolute error."""
    return [_means_of(sample, place == k) for k in range(int(place.max(initial=-1)) + 1)]


def _means_of(sample: Sample, inside: NDArray[np.bool_]) -> tuple[Estimate, Estimate, Estimate]:
    d = sample.error
    columns = (inside, *(inside * of for of in (sample.y, d, np.abs(d))))

    def finish(sums: Floats) -> Floats:
        return np.column_stack([divide(total, sums[:, 0]) for total in sums[:, 1:].T])

    names, ways = (
        ("measured", "bias", "mae"),
        (Rule("share" if sample.target.binary else "t"), Rule(), Rule(scale="log")),
    )
    sums, everybody = added_up(sample, columns, len(columns)), np.arange(len(sample.patients))
    found = estimated(SumStatistic(everybody, names, ("the bin is empty",) * len(names), sums, finish, rules=ways))
    return found["measured"], found["bias"], found["mae"]


def _bin(sample: Sample, values: Floats, inside: NDArray[np.bool_], found: tuple[Estimate, Estimate, Estimate]) -> Bin:
    chosen = values[inside]
    people = len(np.unique(sample.group[inside]))
    return Bin(
        float(chosen.min()), float(chosen.max()), len(chosen), people, float(sample.p[inside].mean()), *found
    )  # fmt: skip
