"""The section on clinical criteria: hypertension, hyperglycaemia, waist, metabolic syndrome."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fundus_core.analyses import Analysis, Canvas, Laid, Study, criteria, one_cohort, shown
from fundus_core.analyses.labels import Say
from fundus_core.evaluation import PARTS, CriterionAssessment
from fundus_core.figures import Look
from fundus_core.figures.printing import svg
from fundus_core.report.target_sections import Section


@dataclass(frozen=True, slots=True)
class OneCriterion:
    """One criterion with its figures."""

    name: str
    """As its authors call it."""
    source: str
    """Whose definition, and what is taken for granted."""
    said: str
    """How many meet it, and how many cannot be told, in a sentence."""
    advice: str
    """Whether the probability may be preferred; empty where there is none."""
    figures: tuple[str, ...]
    """SVG elements; empty where there is no probability."""
    tables: tuple[Section, ...]
    """What acting from each threshold does, calibration by tenth, bounds over everybody; only those with rows."""
    note: str
    """Why there is no probability; empty where there is one."""


@dataclass(frozen=True, slots=True)
class CriteriaSection:
    """All of them."""

    counts: Laid
    """How many people meet each, by measured values and by cutting predictions."""
    tables: tuple[Section, ...]
    """How many people meet each, prevalences, calibration, and how the treated are handled; only those with rows."""
    warning: str
    """What must be read before the shares."""
    figure: str
    """SVG of the shares; empty where none could be judged."""
    each: tuple[OneCriterion, ...]
    """In the order of definitions."""
    parts: int = PARTS
    """Into how many parts the people were split."""


def criteria_section(study: Study, look: Look) -> CriteriaSection:
    """Return the section; its tables are empty where no criterion has its targets."""
    bars = one_cohort.PREVALENCES.draw(study, "", Canvas(look))
    return CriteriaSection(
        counts=shown(study, one_cohort.COUNTS, say=look.say),
        tables=tuple(_laid(study, one_cohort.OF_ALL_CRITERIA, look.say)),
        warning=look.say(one_cohort.PREVALENCES.question),
        figure=svg(bars) if bars else "",
        each=tuple(_one(study, study.get(one_cohort.CRITERION, each), look) for each in study.criteria),
    )


def _laid(study: Study, analyses: Sequence[Analysis[Any]], tell: Say, about: str = "") -> Iterator[Section]:
    for analysis in analyses:
        table = shown(study, analysis, about, tell)
        if table.body:
            yield Section(tell(analysis.title), tell(analysis.question), table)


def _one(study: Study, one: CriterionAssessment, look: Look) -> OneCriterion:
    drawn, tell = (analysis.draw(study, one.criterion.id, Canvas(look)) for analysis in one_cohort.CURVES), look.say
    about = (one.criterion.source, one.criterion.note, *one.remarks)
    return OneCriterion(
        name=criteria.full(one.criterion, tell),
        source=" ".join(tell(each).rstrip(".") + "." for each in about if each),
        said=tell(one.in_words),
        advice=tell(one.judged.advice) if one.judged else "",
        figures=tuple(svg(figure) for figure in drawn if figure),
        tables=tuple(
            _laid(study, (one_cohort.DECISIONS, one_cohort.TENTHS, one_cohort.BOUNDS), tell, one.criterion.id)
        ),
        note=one.note,
    )
