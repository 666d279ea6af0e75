"""The section on clinical criteria: hypertension, hyperglycaemia, waist, metabolic syndrome."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from fundus_core import figures
from fundus_core.evaluation import (
    PARTS,
    SHRUNKEN_NOTE,
    AtThreshold,
    Classification,
    CriterionAssessment,
    Estimate,
    at_thresholds,
)
from fundus_core.figures import Look, Shares
from fundus_core.figures.printing import svg
from fundus_core.report.words import minus

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneCriterion:
    """One criterion with its figures."""

    name: str
    """As its authors call it."""
    source: str
    """Whose definition, and what is taken for granted."""
    figures: tuple[str, ...]
    """SVG elements: ROC, precision-recall and decision curve; empty where there is no probability."""
    thresholds: tuple[Cells, ...]
    """Probability, sensitivity, specificity, PPV, NPV, net benefit, each with its interval."""
    note: str
    """Why there is no probability; empty where there is one."""


@dataclass(frozen=True, slots=True)
class CriteriaSection:
    """All of them."""

    counts: tuple[Cells, ...]
    """Criterion; yes, no, indeterminate by measured values; the same by cutting predictions."""
    shares: tuple[Cells, ...]
    """Criterion, people, true share, called share, expected share, AUC, Brier score."""
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
        counts=tuple(_counts(one) for one in found),
        shares=tuple(_shares(one, at) for one, at in judged),
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


def _counts(one: CriterionAssessment) -> Cells:
    both = (one.measured, one.predicted)
    return full(one), *(f"{n:,}" for counts in both for n in (counts.yes, counts.no, counts.indeterminate))


def _shares(one: CriterionAssessment, at: Classification) -> Cells:
    shown = (_percent(each) for each in (at.prevalence, at.called, at.expected))
    return short(one), f"{at.n:,}", *shown, _number(at.auc), _number(at.brier)


def _one(one: CriterionAssessment, look: Look) -> OneCriterion:
    source = f"{one.criterion.source}. {one.criterion.note}".strip()
    if one.judged is None:
        return OneCriterion(full(one), source, (), (), one.note)
    drawn = [*_ranked(one.judged, look), figures.decision_curve(one.judged, look)]
    table = tuple(_at(row) for row in at_thresholds(one.judged).thresholds)
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


def _at(row: AtThreshold) -> Cells:
    shares = (row.sensitivity, row.specificity, row.ppv, row.npv)
    return f"{row.threshold:g}", *(_percent(each) for each in shares), _number(row.net_benefit)


def _percent(estimate: Estimate) -> str:
    if estimate.value is None:
        return estimate.note
    ends = (
        ""
        if estimate.low is None or estimate.high is None
        else f" ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"
    )
    return f"{100 * estimate.value:.1f} %{ends}"


def _number(estimate: Estimate) -> str:
    if estimate.value is None:
        return estimate.note
    ends = "" if estimate.low is None or estimate.high is None else f" ({estimate.low:.3f} to {estimate.high:.3f})"
    return minus(f"{estimate.value:.3f}{ends}")
