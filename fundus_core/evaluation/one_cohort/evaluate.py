"""Every number of one cohort under one model."""

from collections.abc import Sequence
from types import MappingProxyType

from fundus_core.evaluation.intervals.bootstrap import Draws
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Method
from fundus_core.evaluation.observations.sample import (
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
from fundus_core.evaluation.one_cohort.result import Evaluation, TargetResult
from fundus_core.records import CohortTable


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
