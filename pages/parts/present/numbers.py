"""The slides of numbers: a scatter per target, and every target beside its yardsticks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fundus_core import figures
from fundus_core.analyses import (
    Canvas,
    Study,
    beyond_in_words,
    labels,
    meaning_in_words,
    observed,
    one_cohort,
    plan_results,
    shown,
)
from fundus_core.errors import joined
from fundus_core.evaluation import Evaluation, TargetResult
from fundus_core.figures import Look, error, heading, predicted_against_true
from fundus_core.report.slides import Page, layouts
from fundus_core.targets import TARGETS
from pages.parts.shared import studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, said, tell, worded


def scatter(view: View, found: Evaluation, target_id: str, look: Look) -> Page:
    """Return a target's slide."""
    target, result = TARGETS[target_id], found.targets[target_id]
    group = observed(studies.study(view).get(one_cohort.DRAWN, target_id), view.name, view.place)
    drawn = predicted_against_true(target, [group], result.estimates, look, height=round(layouts.PLOT.h))
    few = {"x": replace(drawn.x, ticks=6), "y": replace(drawn.y, ticks=6)}  # letters of a slide are large
    figure = replace(drawn, title="", head=(), **few)
    point = _("A point is a visit of a person.") if found.level == "visit" else _("A point is a person.")
    notes = _(
        "On the dashed line prediction equals truth; the band is plus and minus the mean "
        "absolute error. Predictions of a well-calibrated model vary less than the truth, so that the cloud is flat. "
        "Intervals are 95 % and over people."
    )
    return layouts.scatter(
        heading(_(target.name)),
        figure,
        f"{error(result.estimates['mae'].value)} {_(target.unit)}",
        _under(result),
        [*_facts(result), *_beyond(view, target_id)],
        f"{point} {notes} {beyond_in_words(studies.study(view), target_id, tell)}",
    )


def _beyond(view: View, target_id: str) -> list[tuple[str, str]]:
    """Return what the prediction adds to age and sex, as the page and the report write it."""
    found = studies.study(view).get(one_cohort.BEYOND, target_id)[0]
    facts = {name: getattr(found, name) for name in ("partial_r", "r2_gain")}
    return [
        (_short(name), labels.with_interval(one, labels.word(name), tell))
        for name, one in facts.items()
        if one.value is not None
    ]


def _short(name: str) -> str:
    """Return what an estimate is called where there is little room."""
    return heading(tell(labels.word(name).short or labels.word(name).name))


def _under(result: TargetResult) -> list[str]:
    mae = result.estimates["mae"]
    around = labels.interval(mae.low, mae.high, labels.word("mae"), tell)
    first = " · ".join(filter(None, [_("mean absolute error"), around]))
    people = worded("{n:,} {n:person|people}", n=result.n_patients)
    ratio = result.estimates["mae_over_median"].value
    if ratio is None:
        return [first, people]
    return [first, f"{figures.beside_the_median(ratio, _)} · {people}", *_remarks(result)]


def _remarks(result: TargetResult) -> list[str]:
    """Return in one line what must be known of the numbers of a slide: the few people or the part they rest on."""
    target, found = TARGETS[result.target], result.estimates
    of_each: dict[str, list[str]] = {}
    for name in ("mae", *_FACTS):
        if name in found and found[name].value is not None and found[name].note:
            of_each.setdefault(found[name].note, []).append(labels.name(name, target, tell))
    return ["; ".join(f"{', '.join(names)}: {tell(note)}" for note, names in of_each.items())] if of_each else []


def change(view: View, target_id: str, look: Look) -> Page | None:
    """Return the slide of a target's change between visits; ``None`` where two people do not have two visits."""
    study, target = studies.study(view), TARGETS[target_id]
    figure = one_cohort.CHANGE.draw(study, target_id, Canvas(look, place=view.place, height=round(layouts.PLOT.h)))
    if figure is None:
        return None
    found = study.get(one_cohort.CHANGE, target_id).estimates
    r = found["change_r"]
    under = [labels.word("change_r").name, labels.interval(r.low, r.high, labels.word("change_r"), tell)]
    names = [name for name in found if name.startswith("change_") and found[name].value is not None]
    facts = [
        (heading(labels.name(name, target, tell)), labels.with_interval(found[name], labels.word(name), tell))
        for name in names
    ]
    title = f"{_(one_cohort.CHANGE.title)}: {_(target.short)}"
    figure = replace(figure, notes=(), x=replace(figure.x, ticks=6), y=replace(figure.y, ticks=6))
    main = f"r = {labels.written(r.value, labels.Kind.PLAIN)}"
    return layouts.scatter(title, figure, main, [tell(under[0]), under[1]], facts, _(one_cohort.CHANGE.question))


def answer_slides(study: Study, place: int, look: Look) -> Iterator[Page]:
    """Yield a slide for every analysis that answers in sentences: all targets on one, of the gap one each and drawn."""
    for analysis in one_cohort.SECTIONS:
        told = {name: analysis.sentences(study, name, tell) for name in study.of_interest(analysis)}
        told = {name: text for name, text in told.items() if text}
        canvas = Canvas(look, place=place, height=round(layouts.PLOT.h))
        drawn = {name: analysis.draw(study, name, canvas) for name in told} if analysis is one_cohort.GAP else {}
        for name, figure in drawn.items():
            title = f"{_(analysis.title)}: {_(TARGETS[name].short)}"
            alone = replace(figure, notes=()) if figure else None
            yield layouts.answer(title, sentences(told[name]), alone, notes=_(analysis.question))
        lines = _once(
            {heading(_(TARGETS[name].short)): sentences(text) for name, text in told.items() if name not in drawn}
        )
        for some in layouts.parted(lines):
            made = shown(study, analysis, next(iter(told)), tell) if len(lines) == 1 else None
            rows = [made.head, *made.body] if made else []
            yield layouts.answer(_(analysis.title), some, rows=rows, notes=_(analysis.question))


def _once(told: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a line for each target under its name, and one of what is said of all of them alike."""
    of_all = [one for one in next(iter(told.values()), ()) if all(one in each for each in told.values())]
    alike = of_all if len(told) > 1 else []
    own = {name: tell(joined([one for one in each if one not in alike])) for name, each in told.items()}
    return [*(f"{name}: {text}" for name, text in own.items() if text), *filter(None, [tell(joined(alike))])]


def meaning(study: Study) -> Page:
    """Return what the numbers mean, with their uncertainty, in a line for each target."""
    notes = _(
        "In brackets 95 % intervals over people. An error is read beside that of one value for everybody; beyond age "
        "and sex: whether the photograph adds to what is known without it."
    )
    return layouts.answer(_("What this means"), meaning_in_words(study, tell), notes=notes)


def sentences(text: str) -> list[str]:
    """Return a paragraph's sentences."""
    return [part for part in re.split(r"(?<=[.。])\s+|(?<=。)", text) if part]


def criterion(view: View, look: Look) -> Page | None:
    """Return the slide of the first criterion with complete cases: bounds, shares, whether calibration was shown."""
    study = studies.study(view)
    able = (study.get(one_cohort.CRITERION, name) for name in study.criteria)
    one = next((each for each in able if each.judged is not None), None)
    if one is None or one.judged is None:
        return None
    drawn = one_cohort.TENTHS.draw(study, one.criterion.id, Canvas(look, place=view.place))
    if drawn is None:
        return None
    figure = replace(
        drawn,
        notes=(),
        head=(),
        title="",
        height=round(layouts.PLOT.h),
        x=replace(drawn.x, ticks=6),
        y=replace(drawn.y, ticks=6),
    )
    ends = [labels.written(end.value, labels.Kind.SHARE) for end in (one.least, one.most)]
    main = _("{low} to {high}").format(low=ends[0], high=ends[1]) if one.measured.indeterminate else ends[0]
    facts = [
        (_short(name), labels.with_interval(getattr(one.judged, name), labels.word(name), tell))
        for name in _OF_CRITERION
    ]
    people = worded("{n:,} {n:person|people}", n=one.judged.n)
    under = [tell(labels.word("prevalence").name), f"{tell(labels.word('complete_cases').name)}: {people}"]
    title = heading(tell(one.criterion.name).split(":")[0].split("：")[0])
    return layouts.scatter(title, figure, main, under, facts, f"{said(one.in_words)} {said(one.judged.advice)}")


_OF_CRITERION = (
    *("prevalence", "called", "expected", "auc"),
    *("calibration_intercept", "calibration_slope", "brier", "brier_null"),
)
_FACTS = ("mae_median", "mae_age_sex", "r2", "slope", "bias")


def _facts(result: TargetResult) -> list[tuple[str, str]]:
    target, found = TARGETS[result.target], result.estimates
    known = [(name, found[name]) for name in _FACTS if name in found and found[name].value is not None]
    facts = [(_short(name), labels.with_interval(one, labels.word(name), tell)) for name, one in known]
    if target.published_mae is not None:
        facts.append((heading(_("published (JOIR)")), labels.written(target.published_mae, labels.Kind.UNIT)))
    return facts


def comparison(found: Evaluation, ids: Sequence[str]) -> Page:
    """Return every target beside its yardsticks."""
    head = ["", "", _("Model"), _("Median"), _("Age and sex"), _("Published")]
    bars = [_bar(found.targets[name]) for name in ids]
    legend = _(
        "Bar: mean absolute error as a share of that of predicting the median (line at the right), with its 95 % "
        "interval; upright mark: age and sex only."
    )
    remark = _("Published: the JOIR models, on other people.")
    if any(TARGETS[name].binary for name in ids):
        remark += " " + _("Yes/no: the share classified correctly, beside that of the majority's class.")
    notes = _("Both baselines are fitted without the person they predict.")
    return layouts.comparison(_("Comparison with baselines"), head, bars, [legend], remark, notes)


def _bar(result: TargetResult) -> layouts.Bar:
    target, found = TARGETS[result.target], result.estimates
    name = heading(_(target.name))
    if target.binary:
        cells = (
            heading(_(target.short)),
            _share(found["accuracy"].value),
            _share(found["accuracy_majority"].value),
            "–",
            _share(target.published_accuracy),
        )
        return layouts.Bar(cells, None, None, None, None)
    ratio, null, rival = found["mae_over_median"], found["mae_median"].value, found["mae_age_sex"].value
    numbers = (found["mae"].value, null, rival, target.published_mae)
    return layouts.Bar(
        (f"{name} ({_(target.unit)})", *map(error, numbers)),
        ratio.value,
        ratio.low,
        ratio.high,
        rival / null if rival is not None and null else None,
    )


def plan(view: View) -> list[Page]:
    """Return the slide of the cohort's analysis plan: what counted as success, and what came of it."""
    study = studies.study(view)
    if study.plan is None:
        return []
    stated = study.plan
    lines = [plan_results.success_in_words(study, tell)]
    lines += [f"{tell(one.verdict)}: {tell(TARGETS[one.target].short)}, {tell(one.criterion)}{_found(one)}" for one in study.get(plan_results.SUCCESS)]  # fmt: skip  # noqa: E501
    lines += [f"{_('not done')}: {tell(one.planned)} ({tell(one.why)})" for one in study.get(plan_results.DEVIATIONS)]
    head = _("“{title}”, stated by {who} on {at}; SHA-256 {hash}.")
    at = {"title": stated.plan.title, "who": stated.plan.written_by, "at": stated.stated_at}
    kept = [head.format(**at, hash=stated.plan.sha256), tell(stated.order)]
    return layouts.limits(_("Planned analyses"), list(filter(None, lines)), _("The plan"), kept)


def _found(one: plan_results.Judged) -> str:
    of = labels.word(one.estimate)
    around = labels.interval(one.low, one.high, of, tell)
    return f": {labels.written(one.value, of.kind)} ({around})" if around else ""


def _share(value: float | None) -> str:
    return labels.written(value, labels.Kind.SHARE)
