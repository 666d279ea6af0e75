"""One chapter per target: its numbers, figures, subgroups, the two eyes, and what others have published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fundus_core.analyses import (
    Analysis,
    Canvas,
    Laid,
    Study,
    beyond_in_words,
    criteria,
    headline,
    labels,
    main_score,
    one_cohort,
    shown,
    side_by_side,
)
from fundus_core.analyses.labels import Say
from fundus_core.errors import say
from fundus_core.evaluation import PARTS, CriterionAssessment, TargetResult
from fundus_core.figures import Figure, Look
from fundus_core.figures.printing import svg
from fundus_core.report.content import Subject
from fundus_core.targets import TARGETS, Target


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a target."""

    title: str
    """Of the analysis."""
    question: str
    """What it answers."""
    table: Laid
    """As pages show it."""
    answer: str = ""
    """In sentences; empty where the table says it."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One target."""

    target: Target
    """Which."""
    result: TargetResult
    """Its numbers."""
    headline: str
    """Its name with the estimate that stands for it, interval and remark."""
    estimates: Laid
    """Every estimate."""
    scatter: str
    """Predicted against true, small: an SVG element for the first screen; empty where there is nothing to draw."""
    figures: tuple[str, ...]
    """The others, as SVG elements."""
    summary: str
    """One sentence."""
    beyond: str
    """What the prediction adds to what is known without it, in sentences."""
    sections: tuple[Section, ...]
    """Baselines, subgroups, the two eyes, what others have published; only those that say something."""


def chapters(subject: Subject, look: Look) -> Iterator[Chapter]:
    """Return a chapter per target, in the look's language."""
    study, tell = subject.study, look.say
    for name, result in subject.evaluation.targets.items():
        target = TARGETS[name]
        yield Chapter(
            target=target,
            result=result,
            headline=labels.remarked(headline(study, name, look), result.estimates[main_score(target)].note, tell),
            estimates=shown(study, one_cohort.SCORES, name, tell),
            scatter=_scatter(study, target, look) if result.n else "",
            figures=tuple(svg(one) for one in _figures(study, target, look)) if result.n else (),
            summary=_summary(target, result, tell),
            beyond=beyond_in_words(study, name, tell) if result.n else "",
            sections=tuple(_sections(study, target, tell)),
        )


def _sections(study: Study, target: Target, tell: Say) -> Iterator[Section]:
    for analysis in (*one_cohort.SECTIONS, side_by_side.PUBLISHED):
        if not analysis.needs(target):
            continue
        made = shown(study, analysis, target.id, tell, tell)
        if made.body:
            answer = analysis.sentences(study, target.id, tell)
            yield Section(tell(analysis.title), tell(analysis.asked(target.id)), made, answer)


def _scatter(study: Study, target: Target, look: Look) -> str:
    drawn = one_cohort.SCATTER.draw(study, target.id, Canvas(look, study.groups(target.id), height=SMALL))
    return svg(replace(drawn, head=(), title=""), width=SMALL) if drawn else ""


SMALL = 340
"""Pixels of a scatter on the first screen, on which several stand side by side."""


def _figures(study: Study, target: Target, look: Look) -> Iterator[Figure]:
    canvas = Canvas(look, study.groups(target.id))
    for analysis in one_cohort.PRINTED:
        first = analysis is one_cohort.SCATTER
        drawn = analysis.draw(study, target.id, canvas) if analysis.needs(target) and not first else None
        if drawn is not None:
            yield drawn


_CALIBRATION = ("brier", "brier_null", "calibration_intercept", "calibration_slope")


def _summary(target: Target, result: TargetResult, tell: Say) -> str:
    """Say the error beside its baselines in one sentence."""
    score = main_score(target)
    main = result.estimates[score]
    if main.value is None:
        return tell(say("not estimable: {why}", why=say(main.note)))
    names = [score, "mae_median", "mae_age_sex", "accuracy_majority", "prevalence", *_CALIBRATION]
    found = [(name, result.estimates[name]) for name in names if name in result.estimates]
    parts = [
        labels.remarked(
            f"{labels.name(name, target, tell)} {labels.written(one.value, labels.word(name).kind)}", one.note, tell
        )
        for name, one in found
        if one.value is not None
    ]
    published = target.published_accuracy if target.binary else target.published_mae
    if published is not None:
        figure = labels.written(published, labels.word(score).kind)
        parts.append(tell(say("published for the JOIR model, on other people: {figure}", figure=figure)))
    return tell(say("{all}.", all=parts))


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
