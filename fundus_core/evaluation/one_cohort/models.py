"""Differences on the same people: model against model, model against baseline.

What is hard about a person (a hazy lens, an unusual pressure) troubles both sides, so differences are taken within
people; an interval of each side alone would be too wide to tell them apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.evaluation.intervals.bootstrap import Draws, SumStatistic, dealt
from fundus_core.evaluation.intervals.contrasts import (
    NO_EFFECT,
    Contrast,
    Difference,
    Equivalence,
    difference,
    equivalent,
    paired,
    standardised_change,
    wald,
)
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED
from fundus_core.evaluation.intervals.jackknife_intervals import jackknife_error
from fundus_core.evaluation.observations.sample import (
    Sample,
    check_level,
    person_ids,
    select_rows,
    sort_rows,
    units_of_analysis,
)
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.evaluation.one_cohort.bootstrap_scores import (
    FEW,
    PER_PERSON,
    BootstrapScores,
    difference_of,
    score_together,
    too_few,
)
from fundus_core.evaluation.one_cohort.evaluate import TargetResult, target_result
from fundus_core.evaluation.one_cohort.statistics import binary_panel, score_panel
from fundus_core.records import CohortTable, Labels, Status
from fundus_core.targets import target as find_target

COMPARED = ("mae", "rmse", "bias", "r2", "pearson", "ccc", "slope")
"""Scores in which two models are compared."""

COMPARED_BINARY = ("auc", "accuracy", "sensitivity", "specificity", "brier")
"""The same for a probability."""


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Several models on the photographs that all of them predicted."""

    target: str
    """Target id."""
    left_out: Mapping[str, int]
    """Per model: photographs it predicted and another did not."""
    results: Mapping[str, TargetResult]
    """Per model: every estimate on the common photographs."""
    differences: tuple[Difference, ...]
    """Every pair of models, p values as they are."""


def compare_models(
    tables: Mapping[str, CohortTable],
    target: str,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
) -> ModelComparison:
    """Compare models on the same photographs, people drawn together.

    Args:
        tables: Per model the same cohort with that model's predictions; matched by person and photograph.
        target: Target id.
        level: What one observation is.
        seed: Of the bootstrap.
        draws: Of the bootstrap.

    Raises:
        UsageError: Fewer than two models, or an unknown target or level.
    """
    if len(tables) < 2:
        raise UsageError("To compare models, choose two or more; {tables} was given.", tables=len(tables))
    of, checked = find_target(target), check_level(level)
    common, left_out = _common(tables, target)
    samples = [(name, units_of_analysis(table, of, checked, ordered=True)) for name, table in common.items()]
    everybody = np.unique(np.concatenate([sample.patients for _, sample in samples]))
    drawn = Draws(len(everybody), draws, seed)
    scored = score_together(samples, everybody, drawn, ranked=False)
    scores = COMPARED_BINARY if of.binary else COMPARED
    differences = [_same_people(a, b, score, drawn) for a, b in combinations(scored, 2) for score in scores]
    results = {each.name: target_result(each) for each in scored}
    return ModelComparison(target, left_out, results, tuple(differences))


def _common(tables: Mapping[str, CohortTable], target: str) -> tuple[dict[str, CohortTable], dict[str, int]]:
    """Rows that every model predicted, in one order; the first table's truth for all."""
    predicted = {name: sort_rows(_predicted(table, target)) for name, table in tables.items()}
    keys = {name: np.char.add(np.char.add(person_ids(t), "\n"), t.photograph) for name, t in predicted.items()}
    shared = next(iter(keys.values()))
    for other in keys.values():
        shared = np.intersect1d(shared, other)
    kept = {name: select_rows(table, _first(keys[name], shared)) for name, table in predicted.items()}
    truth = next(iter(kept.values())).truth
    common = {name: replace(table, truth=truth) for name, table in kept.items()}
    return common, {name: len(predicted[name]) - len(shared) for name in tables}


def _first(keys: Labels, wanted: Labels) -> Indices:
    order = np.argsort(keys, kind="stable")
    return np.asarray(order[np.searchsorted(keys[order], wanted)])


def _predicted(table: CohortTable, target: str) -> CohortTable:
    values = table.predicted.get(target, np.full(len(table), np.nan))
    return select_rows(table, (table.status == Status.PREDICTED.value) & np.isfinite(values))


def _same_people(a: BootstrapScores, b: BootstrapScores, score: str, draws: Draws) -> Difference:
    value = difference_of(a.estimates[score].value, b.estimates[score].value)
    names = (a.sample.target.id, score, a.name, b.name)
    if too_few(a.sample, b.sample):
        return difference(names, None, FEW, value)
    if score in PER_PERSON and a.sample.one_a_person:
        first, second = PER_PERSON[score](a.sample), PER_PERSON[score](b.sample)
        return difference(names, paired(first, second), standardised_change(first, second), value)
    return difference(names, wald(value, a.replicates[score] - b.replicates[score], draws), NO_EFFECT, value)


def against_baselines(
    table: CohortTable,
    target: str,
    *,
    level: str = "patient",
) -> tuple[Difference, ...]:
    """Test each error against the constant that is best for it, on the same people (standard errors: jackknife).

    Args:
        table: A row per photograph.
        target: Target id.
        level: What one observation is.

    Returns:
        The model's mean absolute error minus that of the median of the others, its root mean squared error minus that
        of their mean; of a yes/no target its accuracy minus the majority's, its Brier score minus the prevalence's.
        What it adds to age and sex is told by :mod:`fundus_core.evaluation.one_cohort.beyond`.

    >>> from fundus_core.evaluation import from_values
    >>> table = from_values("sbp", [110, 126, 130, 150], [114, 122, 134, 146])
    >>> round(against_baselines(table, "sbp")[0].difference.value, 3)
    -9.0
    """
    checked, of = check_level(level), find_target(target)
    sample = units_of_analysis(table, of, checked)
    panel = (binary_panel if of.binary else score_panel)(sample, sample.patients)
    return tuple(_minus(sample, panel, *each) for each in (AGAINST_BINARY if of.binary else AGAINST))


ONE_SIDED = (
    "paired t test, jackknife over patients, one-sided at 2.5 % as the interval is: p is 1 where the model is no better"
)
"""Asked is whether the model is better; that one which reads nothing is worse than a constant is no finding."""

NOTHING_READ = (
    "p is 1: a function of age and sex errs less than a constant and reads nothing; whether the photograph reads "
    "anything is told by the gain beyond age and sex, which is not shown"
)
"""Stands beside a difference that would be read as one of the photograph."""


def not_shown(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return differences from a constant of a prediction that is not shown to add anything to age and sex."""
    said = (replace(each, difference=replace(each.difference, note=NOTHING_READ)) for each in differences)
    return tuple(each if each.p is None else replace(each, p=1.0) for each in said)


AGAINST = (("mae", "mae_median", "median of the others"), ("rmse", "rmse_null", "mean of the others"))
"""An error, the error of the constant that is best for it, and what that constant is called."""

AGAINST_BINARY = (
    ("accuracy", "accuracy_majority", "majority of the others"), ("brier", "brier_null", "prevalence of the others")
)  # fmt: skip
"""The same for a probability."""


def _minus(sample: Sample, panel: SumStatistic, score: str, baseline: str, called: str) -> Difference:
    names = (sample.target.id, score, "model", called)
    one, other = panel.names.index(score), panel.names.index(baseline)
    if len(sample.patients) < 2:
        return difference(names, None, NO_EFFECT, None)
    point, without = panel.point(), dealt(panel).without_each()
    change = without[:, one] - without[:, other]
    error = jackknife_error(change) if np.isfinite(change).all() else 0.0
    value, freedom = float(point[one] - point[other]), len(change) - 1.0
    enough = error > 0 and not too_few(sample, sample)
    contrast = Contrast(value, error, freedom, ONE_SIDED) if enough else None
    found = difference(names, contrast, NO_EFFECT, value)
    better = value > 0 if score == "accuracy" else value < 0
    return found if better or found.p is None else replace(found, p=1.0)


def equivalence_of_means(table: CohortTable, target: str, margin: float, *, level: str = "patient") -> Equivalence:
    """Test whether predictions are on average within a margin of what was measured: two one-sided tests at 5 %.

    Args:
        table: A row per photograph.
        target: Id of a target that is a number.
        margin: Stated beforehand, above zero, in the target's unit.
        level: What one observation is; the standard error is the jackknife's over people at every one.

    >>> from fundus_core.evaluation import from_values
    >>> table = from_values("sbp", range(100, 120), [y + (1 if y % 2 else -1) for y in range(100, 120)])
    >>> equivalence_of_means(table, "sbp", 2.0).verdict
    'equivalent within 2 mmHg'
    """
    sample = units_of_analysis(table, find_target(target), check_level(level))
    names = (target, "bias", "predicted", "measured")
    if too_few(sample, sample):
        return equivalent(names, margin, None)
    panel = score_panel(sample, sample.patients)
    at, without = panel.names.index("bias"), dealt(panel).without_each()
    error = jackknife_error(without[:, at])
    mean = Contrast(float(panel.point()[at]), error, len(without) - 1.0, "") if error > 0 else None
    return equivalent(names, margin, mean)
