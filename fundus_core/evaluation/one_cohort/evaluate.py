"""Every number of one cohort under one model: computed, and the records that say it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fundus_core.evaluation.intervals.bootstrap import Draws
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Cell, Estimate, Method
from fundus_core.evaluation.observations.sample import (
    Level,
    bootstrap_population,
    check_level,
    shared_targets,
    sort_rows,
    units_of_analysis,
)
from fundus_core.evaluation.one_cohort.bootstrap_scores import (
    BootstrapScores,
    score_alone,
    score_points,
    score_together,
)
from fundus_core.records import CohortTable

METRICS_VERSION = 3
"""Of ``metrics.json``: in 3 ``coverage`` and ``interval_width`` are of the level's observations, a mean of several
photographs with the interval that fits it (in 2 of photographs, or of the mean of their intervals). In 2
``mae_age_sex`` is a median regression with a curve for each sex (in 1, which says no version, a straight line),
``mae_median`` and ``mae_over_median`` stand beside ``mae_null``, and intervals are each estimate's own."""


@dataclass(frozen=True, slots=True)
class TargetResult:
    """Every estimate of one target."""

    target: str
    """Its id."""
    unit: str
    """Unit of errors and values; empty for a probability."""
    n_photographs: int
    """Photographs with a measured and a predicted value."""
    n_patients: int
    """People they show."""
    n: int
    """Observations at the evaluation's level."""
    estimates: Mapping[str, Estimate]
    """By name: those of ``metrics.json`` first."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One cohort under one model."""

    level: Level
    """What one observation is."""
    seed: int
    """Of the bootstrap."""
    draws: int
    """Of the bootstrap."""
    targets: Mapping[str, TargetResult]
    """By target id, in the order of :data:`fundus_core.targets.TARGETS`."""

    def as_json(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds; only numbers, words and ``None`` inside."""
        return {
            "version": METRICS_VERSION,
            "level": self.level,
            "seed": self.seed,
            "draws": self.draws,
            "targets": {
                name: {
                    "unit": result.unit,
                    "n_photographs": result.n_photographs,
                    "n_patients": result.n_patients,
                    "n": result.n,
                    **{key: estimate.as_json() for key, estimate in result.estimates.items()},
                }
                for name, result in self.targets.items()
            },
        }

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per target and estimate, for tables and CSV files."""
        return [
            {
                "target": result.target,
                "unit": result.unit,
                "level": self.level,
                "n_photographs": result.n_photographs,
                "n_patients": result.n_patients,
                "n": result.n,
                "estimate": name,
                **estimate.as_json(),
            }
            for result in self.targets.values()
            for name, estimate in result.estimates.items()
        ]


def evaluate(
    table: CohortTable,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
    targets: Sequence[str] | None = None,
    interval: Method = "own",
    ranked: bool = True,
) -> Evaluation:
    """Score a cohort's predictions against its measured values.

    Args:
        table: A row per photograph; the order of rows does not matter.
        level: What one observation is: ``patient`` (the default: a person's photographs are averaged),
            ``eye`` or ``photograph``. People are drawn for the intervals at every level.
        seed: Of the bootstrap.
        draws: Of the bootstrap.
        targets: Ids of targets; by default all with a truth column and a prediction column.
        interval: ``own``: each estimate's own, which nothing beside it changes; ``percentile`` and ``bca`` draw
            people.
        ranked: Whether to add the statistics that need an order (median absolute error, Spearman; calibration of a
            probability); they take most of the time on a very large cohort. The area under the ROC curve is always
            computed.

    Returns:
        Per target every estimate; a statistic without a value says why instead.

    Raises:
        UsageError: Unknown level or target, no draw, or a seed below zero.

    >>> from fundus_core.evaluation import from_values
    >>> table = from_values("sbp", [120, 120, 135, 150], [124, 128, 131, 141], patient_id=["a", "a", "b", "c"])
    >>> found = evaluate(table).targets["sbp"]
    >>> found.n_photographs, found.n, round(found.estimates["mae"].value, 3)
    (4, 3, 6.333)
    >>> str(found.estimates["mae"].note)
    'no interval: 3 people, fewer than 10'
    """
    checked = check_level(level)
    ordered = sort_rows(table)
    everybody = bootstrap_population(ordered)
    wanted = shared_targets(table, targets)
    samples = (units_of_analysis(ordered, each, checked, ordered=True) for each in wanted)  # one in memory at a time
    drawn = Draws(len(everybody), draws, seed)
    if interval == "own":
        found = {sample.target.id: target_result(score_alone(sample, ranked=ranked)) for sample in samples}
    else:
        named = [(sample.target.id, sample) for sample in samples]
        scored = score_together(named, everybody, drawn, interval=interval, ranked=ranked)
        found = {each.name: target_result(each) for each in scored}
    return Evaluation(checked, seed, draws, MappingProxyType(found))


def point_estimates(table: CohortTable, *, level: str = "patient", targets: Sequence[str] | None = None) -> Evaluation:
    """Score a cohort without intervals: what a page shows before anybody was drawn, in a hundredth of the time.

    The values of :func:`evaluate` without medians and ranks; ``draws`` is 0.

    Raises:
        UsageError: Unknown level or target.

    >>> from fundus_core.evaluation import from_values
    >>> found = point_estimates(from_values("sbp", [120, 135], [124, 131]))
    >>> found.draws, found.targets["sbp"].estimates["mae"].value
    (0, 4.0)
    """
    checked = check_level(level)
    ordered = sort_rows(table)
    everybody = bootstrap_population(ordered)
    wanted = shared_targets(table, targets)
    samples = (units_of_analysis(ordered, each, checked, ordered=True) for each in wanted)  # one in memory at a time
    found = {sample.target.id: target_result(score_points(sample, everybody)) for sample in samples}
    return Evaluation(checked, SEED, 0, MappingProxyType(found))


def target_result(scored: BootstrapScores) -> TargetResult:
    """Keep of a scored sample what is shown."""
    sample = scored.sample
    target, people = sample.target, len(sample.patients)
    return TargetResult(target.id, target.unit, sample.n_photographs, people, len(sample), scored.estimates)
