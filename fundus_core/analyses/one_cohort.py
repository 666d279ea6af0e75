"""Every analysis of one cohort under one model: what is computed, its table, and its figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from fundus_core import evaluation, figures
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.analyses.words import Kind, Word, name, word, written
from fundus_core.evaluation import (
    QUANTILES,
    BetweenEyes,
    Bins,
    CalibrationCurve,
    Cell,
    Classification,
    CriterionAssessment,
    ErrorDistribution,
    Estimate,
    Evaluation,
    StandardisedPredictions,
    Subgroups,
    TargetResult,
)
from fundus_core.figures import Figure, Look, Row, Steps
from fundus_core.targets import TARGETS, Target


def _is_number(target: Target) -> bool:
    return not target.binary


def main_score(target: Target) -> str:
    """Return the estimate that stands for a target where there is room for one."""
    return "accuracy" if target.binary else "mae"


# Scores ---------------------------------------------------------------------------------------------------------


def _points(study: Study, _target: str, _by: str) -> Evaluation:
    return evaluation.point_estimates(study.table, level=study.level)


def _scores(study: Study, target: str, *, ranked: bool) -> TargetResult:
    found = evaluation.evaluate(
        study.table, level=study.level, targets=[target], seed=study.seed, draws=study.draws, ranked=ranked
    )
    return found.targets[target]


POINTS = Analysis("points", "Values", "Every number without its interval.", _points, Evaluation, per_target=False)


def score_rows(found: TargetResult) -> Rows:
    """Return a target's estimates, a row each, as files and tables have them."""
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit}
    head |= {"n_photographs": found.n_photographs, "n_patients": found.n_patients, "n": found.n}
    return [{**head, "estimate": name, **estimate.as_json()} for name, estimate in found.estimates.items()]


_COUNTS = ("n_photographs", "n_patients", "n")
QUICK_SCORES = Analysis(
    "quick_scores",
    "Estimates",
    "How large are the errors? Without medians and ranks, which take a while on very many photographs.",
    lambda study, target, _by: _scores(study, target, ranked=False),
    TargetResult,
    score_rows,
    hide=_COUNTS,
)
SCORES = Analysis(
    "estimates",
    "Estimates",
    "How large are the errors, and how do predictions and measured values agree?",
    lambda study, target, _by: _scores(study, target, ranked=True),
    TargetResult,
    score_rows,
    hide=_COUNTS,
)


def evaluated(study: Study, *targets: str, ranked: bool = True) -> Evaluation:
    """Return the scores of some targets, of all without one, as one evaluation."""
    analysis = SCORES if ranked else QUICK_SCORES
    found = {name: study.get(analysis, name) for name in targets or study.targets}
    return Evaluation(study.level, study.seed, study.draws, MappingProxyType(found))


# Figures of observations ----------------------------------------------------------------------------------------


def _draw_scatter(study: Study, target: Target, canvas: Canvas) -> Figure | None:
    groups, look = canvas.groups, canvas.look
    estimates, people = _estimates(study, target), len(study.sample(target.id)[0].patients)
    if target.binary:
        names = (look.say("male"), look.say("female"))
        return figures.probabilities(target, groups, estimates, look, names=names, height=canvas.height)
    return figures.predicted_against_true(target, groups, estimates, look, people=people, height=canvas.height)


def _estimates(study: Study, target: Target) -> Mapping[str, Estimate]:
    return study.get(QUICK_SCORES, target.id).estimates


SCATTER = Analysis(
    "scatter",
    "Scatter",
    "On the dashed line prediction equals truth; the band is ± the mean absolute error. A flat cloud means that "
    "predictions shrink toward the mean.",
    lambda study, target, by: study.groups(target, by),
    draw=_draw_scatter,
)
AGREEMENT = Analysis(
    "agreement",
    "Bland–Altman",
    "Dotted: bias and the limits between which 95 % of differences lie. Predictions that shrink toward the mean always "
    "show a slope here.",
    lambda study, target, by: study.groups(target, by),
    draw=lambda study, target, canvas: figures.bland_altman(
        target, canvas.groups, _estimates(study, target), canvas.look, height=canvas.height
    ),
    needs=_is_number,
)
RESIDUALS = Analysis(
    "residuals",
    "Residuals",
    "Against the truth a slope is expected: regression to the mean.",
    lambda study, target, by: study.groups(target, by),
    draw=lambda _study, target, canvas: figures.residuals(
        target, canvas.groups, canvas.look, against="truth", height=canvas.height
    ),
    needs=_is_number,
)
RESIDUALS_OF_PREDICTION = Analysis(
    "residuals_of_prediction",
    "Residuals against the prediction",
    "A slope here is miscalibration.",
    lambda study, target, by: study.groups(target, by),
    draw=lambda _study, target, canvas: figures.residuals(
        target, canvas.groups, canvas.look, against="predicted", height=canvas.height
    ),
    needs=_is_number,
)


# Calibration ----------------------------------------------------------------------------------------------------


def _calibration(study: Study, target: str, _by: str) -> Bins:
    cut = evaluation.reliability if TARGETS[target].binary else evaluation.deciles
    return cut(study.table, target, level=study.level, seed=study.seed, draws=study.draws)


def _calibration_rows(found: Bins) -> Rows:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit, "along": found.along}
    return [{**head, **row} for row in evaluation.rows(found.bins)]


def _draw_calibration(study: Study, target: Target, canvas: Canvas) -> Figure | None:
    bins = [one for one in study.get(CALIBRATION, target.id).bins if one.measured.value is not None]
    if not bins:
        return None
    measured, estimates = [one.measured for one in bins], _estimates(study, target)
    steps = Steps(
        predicted=np.array([one.predicted for one in bins]),
        truth=np.array([one.value for one in measured], dtype=np.float64),
        low=np.array([np.nan if one.low is None else one.low for one in measured]),
        high=np.array([np.nan if one.high is None else one.high for one in measured]),
        count=np.array([one.n for one in bins], dtype=np.float64),
    )
    slope, intercept = (estimates.get(name, Estimate(None)).value for name in ("slope", "intercept"))
    curve = study.get(CALIBRATION_CURVE, target.id)
    more = {"slope": slope, "intercept": intercept}
    return figures.calibration(
        target, steps, canvas.look, curve=curve, place=canvas.place, height=canvas.height, **more
    )


CALIBRATION = Analysis(
    "calibration",
    "Calibration",
    "Mean measured value in each tenth of the predictions; a slope of 1 means that a predicted difference is a real "
    "one.",
    _calibration,
    Bins,
    _calibration_rows,
    _draw_calibration,
)


def _curve(study: Study, target: str, _by: str) -> CalibrationCurve:
    return evaluation.smooth_calibration(study.table, target, level=study.level, seed=study.seed, draws=study.draws)


def _curve_rows(found: CalibrationCurve) -> Rows:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit}
    names = ("predicted", "measured", "measured_low", "measured_high")
    columns = zip(found.predicted, found.measured, found.low, found.high, strict=True)
    return [{**head, **dict(zip(names, map(float, values), strict=True)), "method": found.method} for values in columns]


CALIBRATION_CURVE = Analysis(
    "calibration_curve",
    "Smooth calibration curve",
    "What was measured along the prediction, without groups?",
    _curve,
    CalibrationCurve,
    _curve_rows,
)


# Errors ---------------------------------------------------------------------------------------------------------


def _error_rows(found: ErrorDistribution) -> Rows:
    return list(_each_error_row(found))


def _each_error_row(found: ErrorDistribution) -> Iterator[dict[str, Cell]]:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit}
    for low, high, count in zip(found.edges[:-1], found.edges[1:], found.counts, strict=True):
        yield {**head, "kind": "bar", "from": float(low), "to": float(high), "value": int(count)}
    for share, value in zip(QUANTILES, found.quantiles, strict=False):
        yield {**head, "kind": f"quantile {share:g}", "from": None, "to": None, "value": float(value)}


def _draw_errors(study: Study, target: Target, canvas: Canvas) -> Figure | None:
    found = study.get(ERRORS, target.id)
    if not len(found.counts):
        return None
    return figures.error_histogram(target, found, canvas.look, place=canvas.place, height=canvas.height)


ERRORS = Analysis(
    "errors",
    "Errors",
    "How often each error occurs; nine of ten people lie between the dotted lines.",
    lambda study, target, _by: evaluation.error_distribution(study.table, target, level=study.level),
    None,
    _error_rows,
    _draw_errors,
    _is_number,
)
BASELINES = Analysis(
    "baselines",
    "Comparison with baselines",
    "Below zero the photograph adds something to what is known without it. Both baselines are fitted without the "
    "person they predict.",
    lambda study, target, _by: evaluation.against_baselines(
        study.table, target, level=study.level, seed=study.seed, draws=study.draws
    ),
    None,
    evaluation.rows,
    needs=_is_number,
)


# Parts of the cohort --------------------------------------------------------------------------------------------


def _subgroups(study: Study, target: str, by: str) -> Subgroups:
    return evaluation.subgroups(study.table, by, target, level=study.level, seed=study.seed, draws=study.draws)


def _draw_subgroups(study: Study, target: Target, canvas: Canvas) -> Figure | None:
    """One column's groups, or every column's below one another."""
    columns = [canvas.by] if canvas.by else study.columns
    rows = [row for by in columns for row in _forest_rows(study.get(SUBGROUPS, target.id, by), canvas, len(columns))]
    if len(rows) < (1 if canvas.by else 2):
        return None
    score, look = main_score(target), canvas.look
    whole = _estimates(study, target)[score].value
    more = {"reference": whole, "reference_name": look.say("whole cohort")}
    return forest(rows, score, target, look, **more)


def forest(rows: Sequence[Row], score: str, target: Target, look: Look, **more: Any) -> Figure:
    """Draw one score of cohorts, groups or models below one another, written as tables write it."""
    kind = word(score).kind
    return figures.forest(rows, name(score, target, look.say), look, write=lambda value: written(value, kind), **more)


def _forest_rows(found: Subgroups, canvas: Canvas, columns: int) -> Iterator[Row]:
    say, score = canvas.look.say, main_score(TARGETS[found.target])
    for place, group in enumerate(group for group in found.groups if group.n_patients):
        label = say(group.name) if columns == 1 else f"{say(found.by.replace('_', ' '))}: {say(group.name)}"
        estimate = group.estimates.get(score) or Estimate(None, note=group.withheld)
        yield forest_row(label, estimate, group.n_patients, canvas, place if columns == 1 else 0)


def forest_row(name: str, estimate: Estimate | None, people: int, canvas: Canvas, place: int) -> Row:
    """Return one row of a forest plot."""
    found = estimate or Estimate(None)
    return Row(name, found.value, found.low, found.high, people, canvas.look.say(found.note), place)


def _difference_rows(found: Subgroups) -> Rows:
    return [{"by": found.by, **row} for row in evaluation.rows(found.differences)]


SUBGROUPS = Analysis(
    "subgroups",
    "Subgroups",
    "Each part of the cohort on its own; parts with fewer than 20 people are withheld. A smaller spread of true values "
    "alone makes errors smaller.",
    _subgroups,
    Subgroups,
    Subgroups.rows,
    _draw_subgroups,
    cut=True,
    display=lambda rows: [row for row in rows if row["estimate"] in ("mae", "accuracy", "")],
    hide=("n", "n_photographs"),
)
SUBGROUP_DIFFERENCES = Analysis(
    "subgroup_differences",
    "Differences between subgroups",
    "Do errors differ between groups by more than chance?",
    lambda study, target, by: study.get(SUBGROUPS, target, by),
    None,
    _difference_rows,
    cut=True,
)


# Eyes and criteria ----------------------------------------------------------------------------------------------

_OF_EYES = ("icc", "mean_absolute_difference", "bias", "loa_low", "loa_high")


def _eyes_rows(found: BetweenEyes) -> Rows:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit, "people": len(found.patient)}
    names = _OF_EYES if len(found.patient) else ()
    return [{**head, "estimate": name, **getattr(found, name).as_json()} for name in names]


EYES = Analysis(
    "eyes",
    "Right and left eye",
    "How well do the predictions for a person's two eyes agree? No truth is needed.",
    lambda study, target, _by: evaluation.between_eyes(study.table, target, seed=study.seed, draws=study.draws),
    BetweenEyes,
    _eyes_rows,
    at_level=False,
    words={"bias": Word("mean difference, right − left", Kind.UNIT, signed=True)},
    hide=("people",),
)


def _criterion(study: Study, criterion: str, _by: str) -> CriterionAssessment:
    people = study.memory.kept("criteria", None, lambda: evaluation.both_person_means(study.table))
    return evaluation.assess(people, criterion, seed=study.seed, draws=study.draws)


CRITERION = Analysis(
    "criterion",
    "Clinical criterion",
    "How many people meet a criterion, and how well is that predicted?",
    _criterion,
    CriterionAssessment,
    CriterionAssessment.rows,
    per_target=False,
    at_level=False,
)


def criteria_of(study: Study) -> Sequence[str]:
    """Return the ids of the clinical criteria that the cohort can tell."""
    return evaluation.applicable_criteria(study.table)


CRITERIA = Analysis(
    "criteria",
    "Clinical criteria",
    "What measured and predicted values say about hypertension, hyperglycaemia, waist and the metabolic syndrome.",
    lambda study, _target, _by: tuple(study.get(CRITERION, each) for each in criteria_of(study)),
    None,
    lambda found: [row for each in found for row in each.rows()],
    per_target=False,
    at_level=False,
)


def criterion_counts(found: Sequence[CriterionAssessment]) -> Rows:
    """Return how many people meet each criterion, by measured values and by cutting the predictions."""
    return [
        {
            "criterion": each.criterion.name,
            **{
                f"{by}_{what}": getattr(counts, what)
                for by, counts in (("measured", each.measured), ("predicted", each.predicted))
                for what in ("yes", "no", "indeterminate")
            },
        }
        for each in found
    ]


_SHARES = ("prevalence", "called", "expected", "auc", "brier")


def criterion_shares(found: Sequence[CriterionAssessment]) -> Rows:
    """Return observed and predicted prevalence of each criterion that has a probability."""
    return [
        {"criterion": each.criterion.name, "people": each.judged.n, **_spread(each.judged, _SHARES)}
        for each in found
        if each.judged is not None
    ]


def _spread(of: object, names: Sequence[str]) -> dict[str, Cell]:
    """Return estimates with their intervals and notes in columns of their own."""
    row: dict[str, Cell] = {}
    for column in names:
        one: Estimate = getattr(of, column)
        row |= {column: one.value, f"{column}_low": one.low, f"{column}_high": one.high, f"{column}_note": one.note}
    return row


_DECISIONS = ("sensitivity", "specificity", "ppv", "npv", "net_benefit")


def criterion_thresholds(judged: Classification) -> Rows:
    """Return what acting from each threshold stated in advance does."""
    made = evaluation.at_thresholds(judged).thresholds
    return [{"threshold": each.threshold, **_spread(each, _DECISIONS)} for each in made]


NEIGHBOURS = Analysis(
    "neighbours",
    "Most similar predictions",
    "Which photographs of other people have predictions most like those of one?",
    lambda study, _target, _by: evaluation.standardised_predictions(study.table),
    per_target=False,
    at_level=False,
)


def nearest(study: Study, photograph: str, number: int) -> tuple[list[str], list[float], int]:
    """Return the photographs most like one in their predictions, how far they are, and over how many targets."""
    among: StandardisedPredictions = study.get(NEIGHBOURS)
    names, distances = evaluation.nearest_neighbours(among, photograph, number)
    return names.tolist(), distances.tolist(), len(among.targets)


SECTIONS: Sequence[Analysis[Any]] = (BASELINES, SUBGROUPS, SUBGROUP_DIFFERENCES, EYES)
"""Tables of one target that stand below its estimates in a report."""

TABLES: Sequence[Analysis[Any]] = (
    BASELINES,
    SUBGROUPS,
    SUBGROUP_DIFFERENCES,
    CALIBRATION,
    CALIBRATION_CURVE,
    ERRORS,
    EYES,
    CRITERIA,
)
"""Analyses of one cohort that are exported as tables beside its estimates, in the order of their files."""

FIGURES: Sequence[Analysis[Any]] = (SCATTER, AGREEMENT, CALIBRATION, ERRORS, RESIDUALS, SUBGROUPS)
"""Figures of one target that a page offers."""

PRINTED: Sequence[Analysis[Any]] = (
    SCATTER,
    AGREEMENT,
    CALIBRATION,
    ERRORS,
    RESIDUALS,
    RESIDUALS_OF_PREDICTION,
    SUBGROUPS,
)
"""Figures of one target that a report prints."""
