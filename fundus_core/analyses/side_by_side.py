"""Every analysis of several cohorts, or of several models on one cohort."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from types import MappingProxyType
from typing import Any

from fundus_core import evaluation
from fundus_core.analyses.labels import Kind, Word
from fundus_core.analyses.multiple_testing import Tests
from fundus_core.analyses.shared_results import characteristics, imbalances, with_shared
from fundus_core.analyses.sites import EACH_SITE, SITES
from fundus_core.analyses.study import Analysis, Rows, Study
from fundus_core.evaluation import (
    Characteristic,
    Comparison,
    ModelComparison,
    Shift,
    Standardised,
    TargetComparison,
    Transfer,
)
from fundus_core.targets import Published


def _comparison(study: Study, target: str, _by: str) -> Comparison:
    if not target and study.targets:
        found = [study.get(COMPARISON, name) for name in study.targets]
        whole = {name: one for each in found for name, one in each.targets.items()}
        return replace(found[0], targets=MappingProxyType(whole))
    asked = [target] if target else None
    own = _compared(study, asked) if len(study.tables) > 1 or not study.shared else _alone(study, asked)
    return with_shared(own, study.shared, study.level, target) if study.shared else own


def _compared(study: Study, asked: Sequence[str] | None) -> Comparison:
    return evaluation.compare(
        study.tables,
        level=study.level,
        targets=asked,
        seed=study.seed,
        draws=study.draws,
        margins={name: margin for name, margin in study.settings.margins.items() if asked is None or name in asked}
        or None,
    )


def _alone(study: Study, asked: Sequence[str] | None) -> Comparison:
    """Return the one cohort that stands beside shared results, or none, as a comparison without differences."""
    made: dict[str, TargetComparison] = {}
    for name, table in study.tables.items():
        wanted = [one for one in study.targets if one in table.truth and one in table.predicted]
        wanted = [one for one in wanted if asked is None or one in asked]
        found = evaluation.evaluate(table, level=study.level, targets=wanted, ranked=False).targets
        for one, result in found.items():
            spread = result.estimates.get("sd_truth")
            spreads = {name: spread.value if spread else None}
            made[one] = TargetComparison(one, result.unit, {name: result}, spreads, (), (), None)
    return Comparison(tuple(study.tables), study.level, study.seed, study.draws, {}, made)


COMPARISON = Analysis(
    "comparison",
    "Cohorts side by side",
    "Do errors differ between cohorts, and would they on the same people?",
    _comparison,
    Comparison,
    asks="cohort",
)


def _part(
    name: str,
    title: str,
    question: str,
    part: Callable[[TargetComparison], Any],
    rows: Callable[[Any], Rows],
    tests: Tests | None = None,
    words: Mapping[str, Word] = MappingProxyType({}),
) -> Analysis[Any]:
    """Return an analysis that is a part of the comparison of one target."""

    def compute(study: Study, target: str, _by: str) -> Any:
        return part(study.get(COMPARISON, target).targets[target])

    return Analysis(name, title, question, compute, None, rows, words=words, tests=tests)


def _of_standardised(found: Standardised | None) -> Rows:
    if found is None:
        return ()
    return [
        {
            "target": found.target,
            "cohort": cohort.name,
            "n": cohort.n,
            "left_out": cohort.left_out,
            "effective_n": cohort.effective_n,
            "estimate": score,
            **estimate.as_json(),
        }
        for cohort in found.cohorts
        for score, estimate in cohort.estimates.items()
    ]


ESTIMATES = _part(
    "estimates", "Errors", "How large are the errors in each cohort?", lambda one: one, TargetComparison.rows
)


def _main_differences(study: Study, target: str) -> Rows:
    found = evaluation.main_differences(study.tables, target, level=study.level, seed=study.seed, draws=study.draws)
    return evaluation.rows(found)


DIFFERENCES = _part(
    "differences",
    "Differences",
    "First minus second: do errors differ by more than chance?",
    lambda one: one.differences,
    evaluation.rows,
    Tests(planned=True, quick=_main_differences),
)
STANDARDISED = _part(
    "standardised",
    "Case-mix-adjusted comparison",
    "Weighted so that truth, age and sex have the same mean and spread in all cohorts: what differs then is not a "
    "matter of these.",
    lambda one: one.standardised,
    _of_standardised,
)
BALANCE = _part(
    "standardised_balance",
    "What the weights achieved",
    "Have truth, age and sex the same mean and spread after weighting? The shapes of their distributions may differ.",
    lambda one: one.standardised,
    lambda found: [] if found is None else [{"target": found.target, **row} for row in evaluation.rows(found.balance)],
)
STANDARDISED_DIFFERENCES = _part(
    "standardised_differences",
    "Case-mix-adjusted differences",
    "First minus second, after weighting.",
    lambda one: one.standardised.differences if one.standardised else (),
    evaluation.rows,
    Tests(),
)
EQUIVALENCE = _part(
    "equivalence",
    "Equivalence",
    "Two one-sided tests at 5 % against the margin. Not shown is not the same as different.",
    lambda one: one.equivalences,
    evaluation.rows,
    Tests(explored=False),
    words={"difference": Word("Difference (90 % interval)", Kind.PLAIN, signed=True)},
)


CASE_MIX: Analysis[Sequence[Characteristic]] = Analysis(
    "case_mix",
    "Characteristics (Table 1)",
    "Numbers are mean (SD), of which n known where some are missing; categories n (share).",
    lambda study, _target, _by: (*evaluation.table_one(study.tables), *characteristics(study.shared)),
    tuple,
    rows=evaluation.rows,
    asks="cohort",
    at_level=False,
)
IMBALANCE = Analysis(
    "imbalance",
    "Standardised differences",
    "Standardised differences below 0.1 are often taken as negligible; an overlap of 1: one distribution.",
    lambda study, _target, _by: (*evaluation.imbalance(study.tables), *imbalances(study.get(CASE_MIX), study.shared)),
    tuple,
    rows=evaluation.rows,
    asks="cohort",
    at_level=False,
)


def _transfers(study: Study, target: str, _by: str) -> Sequence[Transfer]:
    if len(study.tables) < 2:
        return ()
    if not target:
        order = {pair: place for place, pair in enumerate(permutations(study.tables, 2))}
        found = [one for name in study.targets for one in study.get(RECALIBRATION, name)]
        return tuple(sorted(found, key=lambda one: order[one.fitted_on, one.tested_on]))
    return evaluation.transfers(study.tables, targets=[target], level=study.level, seed=study.seed, draws=study.draws)


RECALIBRATION = Analysis(
    "recalibration",
    "Recalibration",
    "A line from prediction to truth, learnt on one cohort, tested on the other: never on the same people.",
    _transfers,
    tuple,
    rows=evaluation.rows,
    asks="cohort",
    tests=Tests(),
)


def published_rows(found: Sequence[Published]) -> Rows:
    """Return what others have reported as a table, a row per figure."""
    return [
        {
            "target": each.target,
            "study": each.study.name,
            "estimate": each.score,
            **{name: getattr(each, name) for name in ("value", "low", "high", "baseline")},
            **{name: getattr(each.study, name) for name in ("people", "population", "source", "read")},
            "remark": each.note,
        }
        for each in found
    ]


PUBLISHED = Analysis(
    "published",
    "Published elsewhere",
    evaluation.SPREAD_SENTENCE,
    lambda _study, target, _by: evaluation.published(target),
    rows=published_rows,
    of_classes="Studies differ in who was photographed: prevalence and age change accuracy and AUC with the same "
    "model, so these figures are context, not a ranking.",
    at_level=False,
    words={"people": Word("people"), "r2": Word("R², as its authors define it", Kind.PLAIN)},
)


def _shift(study: Study, _target: str, _by: str) -> Sequence[Shift]:
    if len(study.tables) < 2:
        return ()
    return evaluation.prediction_shift(study.tables)


SHIFT = Analysis(
    "shift",
    "Shift in predictions (no reference values needed)",
    "How the predictions of two cohorts differ, a person each. A shift is no error.",
    _shift,
    tuple,
    rows=evaluation.rows,
    asks="cohort",
    at_level=False,
    tests=Tests(),
)
OUT_OF_DISTRIBUTION = Analysis(
    "out_of_distribution",
    "Out of distribution",
    "How many photographs are unlike those that the model was trained on?",
    lambda study, _target, _by: evaluation.out_of_distribution(study.tables),
    tuple,
    rows=evaluation.rows,
    asks="cohort",
    at_level=False,
)


def _models(study: Study, target: str, _by: str) -> ModelComparison:
    tables = {name: table for name, table in study.tables.items() if target in table.predicted}
    return evaluation.compare_models(tables, target, level=study.level, seed=study.seed, draws=study.draws)


def _main_of_models(study: Study, target: str) -> Rows:
    """A target that one model alone reads has no test."""
    several = sum(target in table.predicted for table in study.tables.values()) > 1
    return study.plain_rows(MODELS, target) if several else ()


MODELS = Analysis(
    "models",
    "Model against model",
    "On the photographs that every model predicted, the same people in each draw.",
    _models,
    ModelComparison,
    rows=lambda found: evaluation.rows(found.differences),
    tests=Tests(planned=True, quick=_main_of_models),
)

TABLES: Sequence[Analysis[Any]] = (
    CASE_MIX,
    IMBALANCE,
    ESTIMATES,
    SITES,
    EACH_SITE,
    DIFFERENCES,
    STANDARDISED,
    BALANCE,
    STANDARDISED_DIFFERENCES,
    RECALIBRATION,
    PUBLISHED,
    EQUIVALENCE,
    SHIFT,
    OUT_OF_DISTRIBUTION,
)
"""Analyses of cohorts side by side that are exported as tables, in the order of their files."""

SHOWN: Sequence[Analysis[Any]] = (
    SITES,
    EACH_SITE,
    DIFFERENCES,
    EQUIVALENCE,
    STANDARDISED,
    STANDARDISED_DIFFERENCES,
    RECALIBRATION,
    CASE_MIX,
    IMBALANCE,
    SHIFT,
    OUT_OF_DISTRIBUTION,
    MODELS,
)
"""Those that pages show under their titles."""
