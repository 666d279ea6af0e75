"""Every number of one cohort under one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fundus_core.evaluation.bootstrap import Draws, resample
from fundus_core.evaluation.estimate import NUMBER_OF_DRAWS, SEED, Estimate, Method
from fundus_core.evaluation.intervals import estimates
from fundus_core.evaluation.panels import panels_of
from fundus_core.evaluation.result import Evaluation, TargetResult
from fundus_core.evaluation.sample import Sample, canonical, check_level, draw_sample, pool, shared_targets
from fundus_core.records import CohortTable


def evaluate(
    table: CohortTable,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
    targets: Sequence[str] | None = None,
    interval: Method = "percentile",
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
        interval: ``percentile`` or ``bca``.
        ranked: Whether to add the statistics that need sorting on every draw (median absolute error,
            Spearman); they take most of the time on a very large cohort. The area under the ROC curve is
            always computed.

    Returns:
        Per target every estimate; a statistic without a value says why instead.

    Raises:
        UsageError: Unknown level or target.
    """
    checked = check_level(level)
    ordered = canonical(table)
    everybody = pool(ordered)
    samples = [draw_sample(ordered, each, checked, ordered=True) for each in shared_targets(table, targets)]
    panels = [panels_of(sample, everybody, ranked=ranked) for sample in samples]
    drawn = Draws(len(everybody), draws, seed)
    replicates = iter(resample(drawn, [panel for several in panels for panel in several]))
    results = {}
    for sample, several in zip(samples, panels, strict=True):
        found: dict[str, Estimate] = {}
        for panel in several:
            found |= estimates(panel, next(replicates), drawn, interval)
        results[sample.target.id] = _result(sample, found)
    return Evaluation(checked, seed, draws, MappingProxyType(results))


def _result(sample: Sample, found: Mapping[str, Estimate]) -> TargetResult:
    return TargetResult(
        sample.target.id,
        sample.target.unit,
        sample.n_photographs,
        len(sample.patients),
        len(sample),
        MappingProxyType(dict(found)),
    )
