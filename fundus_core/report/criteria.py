"""The section on clinical criteria: hypertension, hyperglycaemia, waist, metabolic syndrome."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from fundus_core import figures
from fundus_core.analyses import Laid, layout, one_cohort
from fundus_core.evaluation import (
    PARTS,
    SHRUNKEN_NOTE,
    Classification,
    CriterionAssessment,
)
from fundus_core.figures import Look, Shares
from fundus_core.figures.printing import svg


@dataclass(frozen=True, slots=True)
class OneCriterion:
    """One criterion with its figures."""

    name: str
    """As its authors call it."""
    source: str
    """Whose definition, and what is taken for granted."""
    figures: tuple[str, ...]
    """SVG elements: ROC, precision-recall and decision curve; empty where there is no probability."""
    thresholds: Laid
    """What acting from each threshold does."""
    note: str
    """Why there is no probability; empty where there is one."""


@dataclass(frozen=True, slots=True)
class CriteriaSection:
    """All of them."""

    counts: Laid
    """How many people meet each, by measured values and by cutting predictions."""
    shares: Laid
    """Observed and predicted prevalence, AUC and Brier score."""
    figure: str
    """SVG of the shares; empty where none could be judged."""
    each: tuple[OneCriterion, ...]
    """In the order of definitions."""
    warning: str = SHRUNKEN_NOTE
    """What must be read before the shares."""
    parts: int = PARTS
    """Into how many parts the people were split."""


def criteria_section(found: tuple[CriterionAssessment, ...], look: Look) -> CriteriaSection:
    """Return the section; its tables are empty where no criterion has its targets."""
    judged = [(one, one.judged) for one in found if one.judged is not None]
    bars = [Shares(short(one), at.prevalence, at.called, at.expected) for one, at in judged]
    return CriteriaSection(
        counts=layout(one_cohort.criterion_counts(found)),
        shares=layout(one_cohort.criterion_shares(found)),
        figure=svg(figures.prevalences(bars, look)) if bars else "",
        each=tuple(_one(each, look) for each in found),
    )


def short(one: CriterionAssessment) -> str:
    """Return a criterion's name without its thresholds.

    >>> from fundus_core.evaluation import from_values
    >>> from fundus_core.evaluation.criteria.criterion_assessment import assess_cohort
    >>> short(assess_cohort(from_values("waist", [80], [84], sex=[0]), "hypertension", draws=10))
    'hypertension'
    """
    return one.criterion.name.split(":")[0]


def full(one: CriterionAssessment) -> str:
    """Return a criterion's name with its thresholds, as it is printed."""
    return one.criterion.name.replace(">=", "≥")


def _one(one: CriterionAssessment, look: Look) -> OneCriterion:
    source = f"{one.criterion.source}. {one.criterion.note}".strip()
    if one.judged is None:
        return OneCriterion(full(one), source, (), layout(()), one.note)
    drawn = [*_ranked(one.judged, look), figures.decision_curve(one.judged, look)]
    table = layout(one_cohort.criterion_thresholds(one.judged))
    return OneCriterion(full(one), source, tuple(svg(figure) for figure in drawn), table, "")


def _ranked(at: Classification, look: Look) -> list[go.Figure]:
    """Draw ROC and precision-recall; nothing where everybody is alike."""
    if at.auc.value is None or at.prevalence.value is None:
        return []
    curves = at.curves
    return [
        figures.roc(curves.false_positive_rate, curves.sensitivity, at.auc, look),
        figures.precision_recall(curves.sensitivity, curves.precision, at.average_precision, at.prevalence.value, look),
    ]
