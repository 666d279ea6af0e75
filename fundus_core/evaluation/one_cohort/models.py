"""Differences on the same people: model against model, model against baseline.

What is hard about a person (a hazy lens, an unusual pressure) troubles both sides, so differences are taken within
people; an interval of each side alone would be too wide to tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.evaluation.intervals.bootstrap import Draws, SumStatistic, resample
from fundus_core.evaluation.intervals.contrasts import (
    NO_EFFECT,
    Contrast,
    Correction,
    Difference,
    corrected,
    difference,
    paired,
    standardised_change,
    wald,
)
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED
from fundus_core.evaluation.observations.sample import (
    Indices,
    Sample,
    bootstrap_population,
    check_level,
    person_ids,
    select_rows,
    sort_rows,
    units_of_analysis,
)
from fundus_core.evaluation.one_cohort.baselines import age_and_sex, mean_of_others
from fundus_core.evaluation.one_cohort.bootstrap_scores import (
    PER_PERSON,
    BootstrapScores,
    difference_of,
    score_together,
)
from fundus_core.evaluation.one_cohort.evaluate import target_result
from fundus_core.evaluation.one_cohort.result import TargetResult
from fundus_core.evaluation.one_cohort.scores import divide, per_patient
from fundus_core.records import CohortTable, Floats, Labels, Status
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
    """Every pair of models, corrected for their number."""


def compare_models(
    tables: Mapping[str, CohortTable],
    target: str,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
    correction: Correction = "holm",
) -> ModelComparison:
    """Compare models on the same photographs, people drawn together.

    Args:
        tables: Per model the same cohort with that model's predictions; matched by person and photograph.
        target: Target id.
        level: What one observation is.
        seed: Of the bootstrap.
        draws: Of the bootstrap.
        correction: For the number of pairs and scores.

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
    return ModelComparison(target, left_out, results, corrected(differences, correction))


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
    if score in PER_PERSON and a.sample.one_a_person:
        first, second = PER_PERSON[score](a.sample), PER_PERSON[score](b.sample)
        return difference(names, paired(first, second), standardised_change(first, second), value)
    return difference(names, wald(value, a.replicates[score] - b.replicates[score], draws), NO_EFFECT, value)


def against_baselines(
    table: CohortTable,
    target: str,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
) -> tuple[Difference, ...]:
    """Test the mean absolute error against both baselines, on the same people.

    Returns:
        ``model`` minus ``predict the mean`` and ``model`` minus ``age and sex``, Holm-corrected; below zero the
        photograph adds something to what is known without it.

    >>> from fundus_core.evaluation import from_values
    >>> table = from_values("sbp", [110, 126, 130, 150], [114, 122, 134, 146])
    >>> round(against_baselines(table, "sbp")[0].difference.value, 3)
    -10.667
    """
    checked = check_level(level)
    sample = units_of_analysis(table, find_target(target), checked)
    drawn = Draws(len(everybody := bootstrap_population(table)), draws, seed)
    baselines = {"predict the mean": mean_of_others(sample), "age and sex": age_and_sex(sample)}
    found = []
    for name, prediction in baselines.items():
        gain = np.abs(sample.error) - np.abs(prediction - sample.y)
        known = np.isfinite(gain)
        value = float(gain[known].mean()) if known.any() else None
        contrast = _within(sample, gain, everybody, drawn)
        effect = standardised_change(gain[known], np.zeros(int(known.sum()))) if sample.one_a_person else NO_EFFECT
        found.append(difference((target, "mae", "model", name), contrast, effect, value))
    return corrected(found)


def _within(sample: Sample, gain: Floats, everybody: Labels, draws: Draws) -> Contrast | None:
    known = np.isfinite(gain)
    if not known.any():
        return None
    if sample.one_a_person:
        return paired(gain[known], np.zeros(int(known.sum())))
    sums = per_patient(sample, np.array([known, np.where(known, gain, 0)], dtype=np.float64))
    in_pool = np.searchsorted(everybody, sample.patients)
    panel = SumStatistic(in_pool, ("gain",), ("",), sums, lambda s: divide(s[:, 1], s[:, 0])[:, None])
    return wald(float(panel.point()[0]), resample(draws, [panel])[0][:, 0], draws)
