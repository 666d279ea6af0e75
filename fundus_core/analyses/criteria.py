"""Clinical criteria of one cohort: who meets them, how often, and whether acting on the probability would help."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from fundus_core import evaluation, figures
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.analyses.words import Say
from fundus_core.evaluation import Cell, Classification, Criterion, CriterionAssessment, Estimate
from fundus_core.figures import Figure, Look

CriteriaFound = Sequence[CriterionAssessment]
"""Every criterion that a cohort can tell."""


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
            **{
                f"{by}_{what}": getattr(counts, what)
                for by, counts in (("measured", each.measured), ("predicted", each.predicted))
                for what in ("yes", "no", "indeterminate")
            },
        }
        for each in found
    ]


_SHARES = ("prevalence", "called", "expected", "auc", "brier")


def _shares(found: CriteriaFound) -> Rows:
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


def _draw_prevalences(study: Study, _name: str, canvas: Canvas) -> Figure | None:
    judged = {short(each.criterion, canvas.look.say): each.judged for each in study.get(CRITERIA) if each.judged}
    return figures.prevalences(judged, canvas.look) if judged else None


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
    "Number of people. Indeterminate: what is unknown (lipids, a missing value) would decide.",
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
    rows=_shares,
    draw=_draw_prevalences,
    asks="cohort",
    at_level=False,
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
CURVES = (ROC, PRECISION_RECALL, DECISIONS)
"""Figures of one criterion."""
