"""The calibration curve: mean truth along the prediction, without bins to choose."""

from dataclasses import dataclass

import numpy as np

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import Draws, Statistic, SumStatistic, resample
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, not_estimable
from fundus_core.evaluation.intervals.intervals import described
from fundus_core.evaluation.intervals.matmul import matmul
from fundus_core.evaluation.observations.sample import (
    Indices,
    Sample,
    bootstrap_population,
    check_level,
    units_of_analysis,
)
from fundus_core.evaluation.one_cohort.calibration import equal_counts
from fundus_core.evaluation.one_cohort.scores import divide
from fundus_core.records import CohortTable, Floats
from fundus_core.targets import target as find_target

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
