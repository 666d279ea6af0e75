"""Clinical criteria of one cohort: who meets them, how often, and whether acting on the probability would help."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fundus_core import evaluation, figures
from fundus_core.analyses.labels import Say
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.evaluation import Cell, Classification, Criterion, CriterionAssessment, Estimate
from fundus_core.figures import Figure, Look

CriteriaFound = Sequence[CriterionAssessment]
"""Every criterion that a cohort can tell."""


def _criterion(study: Study, criterion: str, _by: str) -> CriterionAssessment:
    people = study.memory.kept("criteria", None, lambda: evaluation.both_person_means(study.ordered))
    return evaluation.assess(people, criterion, seed=study.seed)


CRITERION = Analysis(
    "criterion",
    "Clinical criterion",
    "How many people meet a criterion, and how well is that predicted?",
    _criterion,
    CriterionAssessment,
    CriterionAssessment.rows,
    asks="criterion",
    at_level=False,
)


CRITERIA = Analysis(
    "criteria",
    "Clinical criteria",
    "What measured and predicted values say about hypertension, hyperglycaemia, waist and the metabolic syndrome.",
    lambda study, _target, _by: tuple(study.get(CRITERION, each) for each in study.criteria),
    None,
    lambda found: [row for each in found for row in each.rows()],
    asks="cohort",
    at_level=False,
)


def _counts(found: CriteriaFound) -> Rows:
    return [
        {
            "criterion": each.criterion.name,
            **_spread_of({"prevalence_least": each.least, "prevalence_most": each.most}),
            "complete_cases": each.complete,
            **{
                f"{by}_{what}": getattr(counts, what)
                for by, counts in (("measured", each.measured), ("predicted", each.predicted))
                for what in ("yes", "no", "indeterminate")
            },
        }
        for each in found
    ]


_SHARES = ("prevalence", "called", "expected", "auc")
_CALIBRATION = ("calibration_intercept", "calibration_slope", "brier", "brier_null")


def _judged(names: Sequence[str]) -> Callable[[CriteriaFound], Rows]:
    """Return some scores of the criteria that have complete cases, a row each."""
    return lambda found: [
        {"criterion": each.criterion.name, "complete_cases": each.judged.n, **_spread(each.judged, names)}
        for each in found
        if each.judged is not None
    ]


def _calibrations(found: CriteriaFound) -> Rows:
    of = [each for each in found if each.judged is not None]
    advice = [each.judged.advice for each in of if each.judged is not None]
    return [{**row, "remark": said} for row, said in zip(_judged(_CALIBRATION)(of), advice, strict=True)]


def _bounds(found: CriterionAssessment) -> Rows:
    return [
        {
            "estimate": each.estimate,
            "threshold": each.threshold,
            **_spread_of({"complete": each.complete, "least": each.least, "most": each.most}),
        }
        for each in found.bounds
    ]


def _tenths(found: CriterionAssessment) -> Rows:
    made = found.judged.tenths if found.judged else ()
    return [{"criterion": found.criterion.name, **row} for row in evaluation.rows(made)]


def _treated(found: CriteriaFound) -> Rows:
    return [{"criterion": each.criterion.name, **row} for each in found for row in evaluation.rows(each.treated)]


def _spread(of: object, names: Sequence[str]) -> dict[str, Cell]:
    """Return estimates with their intervals and notes in columns of their own."""
    return _spread_of({name: getattr(of, name) for name in names})


def _spread_of(found: Mapping[str, Estimate]) -> dict[str, Cell]:
    row: dict[str, Cell] = {}
    for column, one in found.items():
        row |= {column: one.value, f"{column}_low": one.low, f"{column}_high": one.high, f"{column}_note": one.note}
    return row


def _draw_prevalences(study: Study, _name: str, canvas: Canvas) -> Figure | None:
    found = {short(each.criterion, canvas.look.say): each for each in study.get(CRITERIA)}
    return figures.prevalences(found, canvas.look) if found else None


def short(one: Criterion, say: Say = str) -> str:
    """Return a criterion's name without its thresholds.

    >>> short(evaluation.criterion("hypertension"))
    'hypertension'
    """
    return re.split("[:：]", say(one.name))[0]


def full(one: Criterion, say: Say = str) -> str:
    """Return a criterion's name with its thresholds, as it is printed."""
    return say(one.name).replace(">=", "≥")


COUNTS = Analysis(
    "criteria_counts",
    "Who meets each criterion",
    "Everybody with a prediction. At least: meets the criterion for certain; at most: meets it or cannot be told, as "
    "what is unknown (lipids, a missing value) would decide. Complete cases have everything measured.",
    lambda study, _target, _by: study.get(CRITERIA),
    rows=_counts,
    asks="cohort",
    at_level=False,
)
PREVALENCES = Analysis(
    "prevalences",
    "Predicted against true prevalence",
    evaluation.SHRUNKEN_NOTE,
    lambda study, _target, _by: study.get(CRITERIA),
    rows=_judged(_SHARES),
    draw=_draw_prevalences,
    asks="cohort",
    at_level=False,
)
CRITERIA_CALIBRATION = Analysis(
    "criteria_calibration",
    "Calibration of the probabilities",
    "Complete cases. The probability is preferred where at least 100 of them meet the criterion and 100 do not, and "
    "the intervals hold an intercept of 0 and a slope of 1; nowhere else.",
    lambda study, _target, _by: study.get(CRITERIA),
    rows=_calibrations,
    asks="cohort",
    at_level=False,
)
TREATED_PREVALENCES = Analysis(
    "treated_prevalences",
    "Prevalence by how treated people are handled",
    "Complete cases. By definition a treated person meets a pressure item; measured pressures are lowered by the drug. "
    "Where the ways differ, the prevalence hangs on treatment.",
    lambda study, _target, _by: study.get(CRITERIA),
    rows=_treated,
    asks="cohort",
    at_level=False,
)
TREATED = Analysis(
    "treated",
    "Errors by how treated people are handled",
    "Drugs lower measured pressures: as measured, treated people left out, and 10 mmHg (systolic) or 5 mmHg "
    "(diastolic) added to theirs.",
    lambda study, target, _by: evaluation.treated_errors(
        study.ordered, target, level=study.level, seed=study.seed, draws=study.draws
    ),
    rows=evaluation.rows,
    needs=lambda target: target.id in evaluation.TREATED_TARGETS,
)

_DECISIONS = ("sensitivity", "specificity", "ppv", "npv", "net_benefit")


def _thresholds(found: CriterionAssessment) -> Rows:
    if found.judged is None:
        return ()
    made = evaluation.at_thresholds(found.judged).thresholds
    return [{"threshold": each.threshold, **_spread(each, _DECISIONS)} for each in made]


def _curve(
    id: str, title: str, question: str, curve: Callable[[Classification, Look, int], Figure | None], rows: Any = None
) -> Analysis[CriterionAssessment]:
    """Return a figure of a criterion's probability; nothing is drawn where there is none."""

    def draw(study: Study, criterion: str, canvas: Canvas) -> Figure | None:
        judged = study.get(CRITERION, criterion).judged
        return None if judged is None else curve(judged, canvas.look, canvas.place)

    return Analysis(
        id,
        title,
        question,
        lambda study, criterion, _by: study.get(CRITERION, criterion),
        rows=rows or (lambda _found: ()),
        draw=draw,
        asks="criterion",
        at_level=False,
        hide=("criterion",),
    )


ROC = _curve(
    "roc",
    "ROC",
    "Sensitivity against the false positive rate at every threshold; on the dashed line the model guesses.",
    lambda judged, look, place: figures.roc(judged, look, place=place),
)
PRECISION_RECALL = _curve(
    "pr",
    "Precision and recall",
    "How many of those predicted positive are positive, for each share of the positive people that is found.",
    lambda judged, look, place: figures.precision_recall(judged, look, place=place),
)
DECISIONS = _curve(
    "decision",
    "Decision curve",
    "Thresholds are stated in advance; none is picked on these data. Acting helps where the model's line is above both "
    "others.",
    lambda judged, look, _place: figures.decision_curve(judged, look),
    _thresholds,
)
TENTHS = _curve(
    "criterion_calibration",
    "Calibration by tenth",
    "Complete cases by rising probability, in groups of about equal number: on the dashed line the observed share is "
    "the expected one.",
    lambda judged, look, place: figures.criterion_calibration(judged, look, place=place),
    _tenths,
)
CURVES = (ROC, PRECISION_RECALL, DECISIONS, TENTHS)
"""Figures of one criterion."""
BOUNDS = Analysis(
    "criterion_bounds",
    "Bounds over everybody",
    "Complete cases, and the least and the most that the estimate can be over everybody with a probability, whatever "
    "those who cannot be told are.",
    lambda study, criterion, _by: study.get(CRITERION, criterion),
    rows=_bounds,
    asks="criterion",
    at_level=False,
)
