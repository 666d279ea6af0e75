"""The section on clinical criteria: hypertension, hyperglycaemia, waist, metabolic syndrome."""

from dataclasses import dataclass

from fundus_core.analyses import Canvas, Laid, Study, criteria, one_cohort, shown
from fundus_core.evaluation import PARTS, CriterionAssessment
from fundus_core.figures import Look
from fundus_core.figures.printing import svg


@dataclass(frozen=True, slots=True)
class OneCriterion:
    """One criterion with its figures."""

    name: str
    """As its authors call it."""
    source: str
    """Whose definition, and what is taken for granted."""
    figures: tuple[str, ...]
    """SVG elements; empty where there is no probability."""
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
    title: str = one_cohort.PREVALENCES.title
    """Of the shares."""
    warning: str = one_cohort.PREVALENCES.question
    """What must be read before the shares."""
    reading: str = one_cohort.DECISIONS.question
    """How to read the thresholds."""
    parts: int = PARTS
    """Into how many parts the people were split."""


def criteria_section(study: Study, look: Look) -> CriteriaSection:
    """Return the section; its tables are empty where no criterion has its targets."""
    bars = one_cohort.PREVALENCES.draw(study, "", Canvas(look))
    return CriteriaSection(
        counts=shown(study, one_cohort.COUNTS),
        shares=shown(study, one_cohort.PREVALENCES),
        figure=svg(bars) if bars else "",
        each=tuple(_one(study, study.get(one_cohort.CRITERION, each), look) for each in study.criteria),
    )


def _one(study: Study, one: CriterionAssessment, look: Look) -> OneCriterion:
    drawn = (analysis.draw(study, one.criterion.id, Canvas(look)) for analysis in one_cohort.CURVES)
    return OneCriterion(
        name=criteria.full(one.criterion),
        source=f"{one.criterion.source}. {one.criterion.note}".strip(),
        figures=tuple(svg(figure) for figure in drawn if figure),
        thresholds=shown(study, one_cohort.DECISIONS, one.criterion.id),
        note=one.note,
    )
