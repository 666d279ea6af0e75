"""One self-contained HTML file: opens offline, prints, and is the same file for the same input."""

from dataclasses import dataclass, replace
from importlib import resources

import jinja2

from fundus_core import __version__
from fundus_core.analyses import (
    CANNOT,
    StatedPlan,
    Study,
    drawn_scores,
    forest_of,
    one_cohort,
    plan_results,
    shown,
    side_by_side,
    sites_forest,
    sites_in_words,
    small_multiples,
)
from fundus_core.evaluation import SPREAD_SENTENCE
from fundus_core.figures import Look
from fundus_core.figures.printing import svg
from fundus_core.models.recalibrated import in_words
from fundus_core.report.checklist import CHECKLISTS
from fundus_core.report.content import Pair, Subject
from fundus_core.report.criteria import criteria_section
from fundus_core.report.paper import paper_of, paper_of_pair
from fundus_core.report.target_sections import SMALL, Section, chapters
from fundus_core.targets import TARGETS


def render(subject: Subject) -> str:
    """Return the report of one cohort as one HTML file, without any reference to another file or machine.

    The same subject gives the same text.
    """
    return (
        environment()
        .get_template("report.html.jinja")
        .render(
            subject=subject,
            paper=paper_of(subject),
            flow=subject.flow,
            chapters=list(chapters(subject)),
            criteria=criteria_section(subject.study, Look(rendered=subject.rendered, opaque=True)),
            checklists=CHECKLISTS,
            planned=_planned(subject.study),
            recalibrations={card.id: in_words(card) for card in subject.cards},
            refused=_refused(subject.study),
            targets=TARGETS,
            spread=SPREAD_SENTENCE,
            version=__version__,
        )
    )


def _refused(study: Study) -> Section | None:
    of = one_cohort.REFUSED
    table = shown(study, of)
    return Section(of.title, of.question, table, of.sentences(study, "", str)) if table.body else None


@dataclass(frozen=True, slots=True)
class _Planned:
    """What a plan asked for, and what came of it."""

    stated: StatedPlan
    success: str
    sections: tuple[Section, ...]


def _planned(study: Study) -> _Planned | None:
    if study.plan is None:
        return None
    made = [Section(each.title, each.question, shown(study, each)) for each in plan_results.TABLES]
    return _Planned(study.plan, plan_results.success_in_words(study), tuple(each for each in made if each.table.body))


def render_comparison(pair: Pair) -> str:
    """Return the report of cohorts side by side as one HTML file."""
    return (
        environment()
        .get_template("comparison.html.jinja")
        .render(
            pair=pair,
            paper=paper_of_pair(pair),
            scatters=_scatters(pair),
            sections=_sections(pair),
            figures=_forests(pair),
            planned=_planned(pair.study),
            sites={name: sites_in_words(pair.study, name) for name in pair.comparison.targets},
            cannot=CANNOT if pair.study.shared else "",
            targets=TARGETS,
            spread=SPREAD_SENTENCE,
            version=__version__,
        )
    )


def _sections(pair: Pair) -> list[Section]:
    """Return every table of the comparison but those of its figures; of equivalence only where a margin was stated."""
    drawn = (side_by_side.CASE_MIX,)
    wanted = [each for each in side_by_side.TABLES if each not in drawn]
    made = [Section(each.title, each.question, shown(pair.study, each)) for each in wanted]
    return [each for each in made if each.table.body]


def environment() -> jinja2.Environment:
    """Return where templates are read; what is put into them is escaped."""

    def read(name: str) -> str:
        return resources.files("fundus_core.report").joinpath(name).read_text(encoding="utf-8")

    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(read), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return made


def _forests(pair: Pair) -> dict[str, list[str]]:
    """Draw per target every compared score: a row per cohort, what others have published, and the mean over sites."""
    look = Look(rendered=pair.rendered, opaque=True)
    drawn: dict[str, list[str]] = {}
    for name, each in pair.comparison.targets.items():
        places = {cohort: place for place, cohort in enumerate(each.results)}
        drawn[name] = []
        for score in drawn_scores(each.results):
            results = {cohort: result for cohort, result in each.results.items() if score in result.estimates}
            figure = forest_of(results, score, look, places=places, literature=True)
            pooled = sites_forest(pair.study, name, look, score, places=places)
            drawn[name] += [svg(one, width=640) for one in (figure, pooled) if one is not None]
    return drawn


def _scatters(pair: Pair) -> dict[str, list[tuple[str, str]]]:
    """Draw each cohort's predictions against measured values: what they found, and the figure."""
    look, drawn = Look(rendered=pair.rendered, opaque=True), {}
    for name in pair.comparison.targets:
        found = small_multiples(pair.study, name, look, height=SMALL)
        drawn[name] = [(one.title, svg(replace(one, title="", head=()), width=SMALL)) for one in found.values()]
    return {name: each for name, each in drawn.items() if each}
