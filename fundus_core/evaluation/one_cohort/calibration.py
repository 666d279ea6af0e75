"""Calibration: among all who are predicted 140, is the mean truth 140?

Bins read truth against prediction, the direction in which a calibrated model lies on the diagonal. The same
bins along the truth show regression to the mean instead and carry its note.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import Draws, Statistic, SumStatistic, matmul, resample
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Estimate, Rule, not_estimable
from fundus_core.evaluation.intervals.intervals import described
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.sample import Sample, bootstrap_population, check_level, units_of_analysis
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.evaluation.one_cohort.agreement import SLOPE_NOTE
from fundus_core.evaluation.one_cohort.scores import divide, per_patient
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
    sums, everybody = per_patient(sample, columns, len(columns)), np.arange(len(sample.patients))
    found = estimated(SumStatistic(everybody, names, ("the bin is empty",) * len(names), sums, finish, rules=ways))
    return found["measured"], found["bias"], found["mae"]


def _bin(sample: Sample, values: Floats, inside: NDArray[np.bool_], found: tuple[Estimate, Estimate, Estimate]) -> Bin:
    chosen = values[inside]
    people = len(np.unique(sample.group[inside]))
    return Bin(
        float(chosen.min()), float(chosen.max()), len(chosen), people, float(sample.p[inside].mean()), *found
    )  # fmt: skip


SMOOTH_BINS = 50
"""The smooth curve is fitted to at most this many bins of equal count."""

GRID = 40
"""Points at which the smooth curve is given."""

SPAN = 0.6
"""Share of the observations that each point of the curve looks at."""


FEWEST = 5
"""People, and different predictions, below which there is no curve."""


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """A smooth curve of the mean truth along the prediction."""

    target: str
    """Target id."""
    unit: str
    """Of all values."""
    predicted: Floats
    """Where the curve is given, from the 1st to the 99th percentile of the predictions."""
    measured: Floats
    """Mean truth there."""
    low: Floats
    """Lower end of the pointwise 95 % interval."""
    high: Floats
    """Upper end of the pointwise 95 % interval."""
    method: str
    """How it was made."""
    note: str
    """Why there is none; empty where there is one."""


def smooth_calibration(
    table: CohortTable, target: str, *, level: str = "patient", seed: int = SEED, draws: int = NUMBER_OF_DRAWS
) -> CalibrationCurve:
    """Fit truth against prediction by local lines (loess of degree one; Cleveland 1979, doi:10.2307/2286407).

    The observations are first gathered in at most 50 bins of equal count, each weighing as many as it holds; the
    tricube weight at a point reaches as far as 60 % of the observations lie. Reach and bins stay as they are when
    people are drawn for the pointwise interval.
    """
    of = find_target(target)
    sample = units_of_analysis(table, of, check_level(level))
    drawn = Draws(len(everybody := bootstrap_population(table)), draws, seed)
    if len(np.unique(sample.p)) < FEWEST or len(sample.patients) < FEWEST:
        none = np.empty(0)
        note = not_estimable(say("needs {fewest} people and as many different predictions", fewest=FEWEST)).note
        return CalibrationCurve(target, of.unit, none, none, none, none, "", note)
    grid = np.linspace(np.quantile(sample.p, 0.01), np.quantile(sample.p, 0.99), GRID)
    panel = _curve_panel(sample, np.searchsorted(everybody, sample.patients), drawn.unit(), grid)
    point, replicates = panel.point(), resample(drawn, [panel])[0]
    seen = np.isfinite(point) & (np.isfinite(replicates).mean(axis=0) > 0.95)
    low, high = np.nanquantile(replicates[:, seen], [0.025, 0.975], axis=0)
    return CalibrationCurve(
        target, of.unit, grid[seen], point[seen], low, high, say("loess, {drawn}", drawn=described(drawn)), ""
    )


def _curve_panel(sample: Sample, in_pool: Indices, unit: Indices, grid: Floats) -> SumStatistic:
    """Sums of each bin over what is drawn: people, or of very many groups of them, for which one of each stands.

    ``in_pool`` says where the sample's people are in the pool, ``unit`` what each of the pool is drawn with.
    """
    place = equal_counts(sample.p, min(SMOOTH_BINS, max(FEWEST, len(sample) // 4)))
    bins = int(place.max()) + 1
    centre = np.bincount(place, weights=sample.p) / np.bincount(place)
    kernel = _tricube(grid, centre, sample.p)
    names = tuple(f"{x:g}" for x in grid)
    drawn, first, of = np.unique(unit[in_pool], return_index=True, return_inverse=True)
    cell, number = of[sample.group] * bins + place, len(drawn) * bins
    parts = [np.bincount(cell, weights=each, minlength=number).reshape(-1, bins) for each in (None, sample.y)]
    sums = np.concatenate(parts, axis=1).astype(np.float64)
    return SumStatistic(in_pool[first], names, ("",) * len(names), sums, _local_lines(kernel, centre, grid))


def _tricube(grid: Floats, centre: Floats, p: Floats) -> Floats:
    """Weight of each bin at each point: grid x bins; reaches at least three bins."""
    reach = np.array([np.quantile(np.abs(point - p), SPAN) for point in grid])
    third = np.sort(np.abs(grid[:, None] - centre), axis=1)[:, min(3, len(centre) - 1)]
    distance = np.abs(grid[:, None] - centre) / (np.maximum(reach, third)[:, None] * 1.0001)
    return np.asarray(np.clip(1 - distance**3, 0, 1) ** 3)


def _local_lines(kernel: Floats, x: Floats, grid: Floats) -> Statistic:
    """Value at each grid point of a weighted line through the bins: from sums, draws x 2 bins, to draws x grid."""
    offset = x - grid[:, None]

    def finish(sums: Floats) -> Floats:
        n, y = np.split(sums, 2, axis=1)
        s0, s1, s2 = (matmul(n, (kernel * offset**k).T) for k in range(3))
        t0, t1 = (matmul(y, (kernel * offset**k).T) for k in range(2))
        return divide(s2 * t0 - s1 * t1, s0 * s2 - s1 * s1)

    return finish
