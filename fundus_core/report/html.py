"""One self-contained HTML file: opens offline, prints, and is the same file for the same input."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2

from fundus_core import __version__
from fundus_core.analyses import (
    CANNOT,
    Analysis,
    Laid,
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
from fundus_core.analyses.labels import Say
from fundus_core.errors import say
from fundus_core.evaluation import SPREAD_SENTENCE
from fundus_core.figures import Look, heading, number
from fundus_core.figures.printing import svg
from fundus_core.models.recalibrated import in_words
from fundus_core.records import Eye, QualityCheck
from fundus_core.report.checklist import CHECKLISTS
from fundus_core.report.content import Pair, Subject
from fundus_core.report.paper import outcome, paper_of, paper_of_pair
from fundus_core.report.target_sections import SMALL, Section, chapters, criteria_section
from fundus_core.targets import TARGETS

if TYPE_CHECKING:
    from fundus_core.store import Item


def render(subject: Subject, tell: Say = str, language: str = "en") -> str:
    """Return the report of one cohort as one HTML file, without any reference to another file or machine.

    The same subject gives the same text. ``tell`` puts it into the language, whose code the file names.
    """
    look = Look(rendered=subject.rendered, opaque=True, say=tell)
    return (
        environment(tell, language)
        .get_template("report.html.jinja")
        .render(
            subject=subject,
            paper=paper_of(subject, tell),
            flow=subject.flow,
            chapters=list(chapters(subject, look)),
            criteria=criteria_section(subject.study, look),
            checklists=CHECKLISTS,
            planned=_planned(subject.study, tell),
            recalibrations={card.id: in_words(card) for card in subject.cards},
            refused=_refused(subject.study, tell),
            targets=TARGETS,
            spread=SPREAD_SENTENCE,
            version=__version__,
        )
    )


def _refused(study: Study, tell: Say) -> Section | None:
    of = one_cohort.REFUSED
    table = shown(study, of, say=tell)
    return Section(tell(of.title), tell(of.question), table, of.sentences(study, "", tell)) if table.body else None


@dataclass(frozen=True, slots=True)
class _Planned:
    """What a plan asked for, and what came of it."""

    stated: StatedPlan
    success: str
    sections: tuple[Section, ...]


def _planned(study: Study, tell: Say) -> _Planned | None:
    if study.plan is None:
        return None
    made = _laid(study, plan_results.TABLES, tell)
    return _Planned(study.plan, plan_results.success_in_words(study, tell), tuple(made))


def _laid(study: Study, analyses: Sequence[Analysis[Any]], tell: Say) -> list[Section]:
    made = (Section(tell(each.title), tell(each.question), shown(study, each, say=tell)) for each in analyses)
    return [each for each in made if each.table.body]


def render_comparison(pair: Pair, tell: Say = str, language: str = "en") -> str:
    """Return the report of cohorts side by side as one HTML file, in a language."""
    look = Look(rendered=pair.rendered, opaque=True, say=tell)
    return (
        environment(tell, language)
        .get_template("comparison.html.jinja")
        .render(
            pair=pair,
            paper=paper_of_pair(pair, tell),
            scatters=_scatters(pair, look),
            sections=_sections(pair, tell),
            figures=_forests(pair, look),
            planned=_planned(pair.study, tell),
            sites={name: sites_in_words(pair.study, name, say=tell) for name in pair.comparison.targets},
            cannot=CANNOT if pair.study.shared else "",
            targets=TARGETS,
            spread=SPREAD_SENTENCE,
            version=__version__,
        )
    )


def _sections(pair: Pair, tell: Say) -> list[Section]:
    """Return every table of the comparison but those of its figures; of equivalence only where a margin was stated."""
    wanted = [each for each in side_by_side.TABLES if each is not side_by_side.CASE_MIX]
    return _laid(pair.study, wanted, tell)


def environment(tell: Say = str, language: str = "en") -> jinja2.Environment:
    """Return where templates are read, in a language; what is put into them is escaped.

    Templates have ``say`` for a sentence, and ``worded`` for one with values.
    """

    def read(name: str) -> str:
        return resources.files("fundus_core.report").joinpath(name).read_text(encoding="utf-8")

    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(read), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    made.globals.update(say=tell, worded=say, outcome=outcome, language=language)
    made.globals["named"] = lambda target: heading(tell(target.name))
    return made


def _forests(pair: Pair, look: Look) -> dict[str, list[str]]:
    """Draw per target every compared score: a row per cohort, what others have published, and the mean over sites."""
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


def _scatters(pair: Pair, look: Look) -> dict[str, list[tuple[str, str]]]:
    """Draw each cohort's predictions against measured values: what they found, and the figure."""
    drawn = {}
    for name in pair.comparison.targets:
        found = small_multiples(pair.study, name, look, height=SMALL)
        drawn[name] = [(one.title, svg(replace(one, title="", head=()), width=SMALL)) for one in found.values()]
    return {name: each for name, each in drawn.items() if each}


@dataclass(frozen=True, slots=True)
class Single:
    """What a report of one photograph is about."""

    title: str
    """Name of the photograph."""
    cohort: str
    """Name of its cohort."""
    model: str
    """Title of the model."""
    item: Item
    """What the store knows of it."""
    picture: bytes
    """The crop as JPEG; empty where none may be shown."""
    checks: Sequence[QualityCheck]
    """Of its quality; empty where nobody looked."""
    notice: str
    """What must stand beside every number."""


def render_photograph(single: Single, tell: Say = str, language: str = "en") -> str:
    """Return the report of one photograph as one HTML file, in a language, without reference to another file."""
    item = single.item
    measured = {"quality": item.quality, "distance": item.out_of_distribution}
    found = [f"{tell(name)} {value:.2f}" for name, value in measured.items() if math.isfinite(value)]
    return (
        environment(tell, language)
        .get_template("photograph.html.jinja")
        .render(
            single=single,
            picture=base64.b64encode(single.picture).decode(),
            facts=" · ".join(
                [
                    single.cohort,
                    single.model,
                    tell(f"{item.eye.value} eye" if item.eye is not Eye.UNKNOWN else "eye unknown"),
                    *found,
                ]
            ),
            reason=item.reason,
            values=_values(item, tell),
            checks=_checks(single.checks, tell),
            version=__version__,
        )
    )


def _values(item: Item, tell: Say) -> Laid:
    head = (say("Target"), say("Predicted"), say("90 % prediction interval"), say("Measured"))
    named = (*map(tell, head), tell(say("Predicted − measured")))
    return Laid(named, tuple(_value(item, name, tell) for name in TARGETS if name in item.predictions), ())


def _value(item: Item, name: str, tell: Say) -> tuple[str, ...]:
    target, made, true = TARGETS[name], item.predictions[name], item.truth.get(name)
    around = [number(end, target) for end in (made.low, made.high)]
    inside = tell("{low} to {high}").format(low=around[0], high=around[1]) if math.isfinite(made.low) else "–"
    told = "–" if true is None else tell(target.said(true)) if target.binary else number(true, target)
    off = "–" if true is None or target.binary else number(made.value - true, target, signed=True)
    unit = f" ({tell(target.unit)})" if target.unit else ""
    return f"{heading(tell(target.name))}{unit}", number(made.value, target), str(inside), told, off


def _checks(found: Sequence[QualityCheck], tell: Say) -> Laid:
    body = (
        (
            tell(each.code.replace("_", " ")),
            f"{each.value:.3g}",
            f"{each.limit:.3g}",
            tell(say("kept") if each.passed else say("not kept")),
        )
        for each in found
    )
    return Laid((*map(tell, (say("Check"), say("Measured"), say("Limit"))), ""), tuple(body), ())
