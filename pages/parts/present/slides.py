"""A cohort as slides: what stands on each, as HTML of our own with everything foreign escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from pathlib import Path

import numpy as np

from fundus_core.evaluation import Evaluation, TargetResult
from fundus_core.figures import (
    Look,
    Points,
    error,
    heading,
    number,
    predicted_against_true,
    small_scatter,
    with_unit,
)
from fundus_core.report import slides as report
from fundus_core.store import Item
from fundus_core.targets import TARGETS
from pages.parts.shared import cards, photo, results, show
from pages.parts.shared.results import View
from pages.parts.shell import home
from pages.parts.shell.language import _, count, moment

EYES = 3
"""Eyes on the slide of telling eyes: the smallest, the middle and the largest error."""


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide; it stands alone."""

    title: str
    """What it says, as a heading."""
    body: str
    """HTML below the heading."""
    printed: report.Slide
    """The same for a PowerPoint file."""


def of_cohort(view: View, *, dark: bool) -> list[Slide]:
    """Return the slides of a cohort: title, method, a scatter per target, yardsticks, three eyes, limits."""
    found = results.evaluated(view)
    ids = results.targets(found)
    look = Look(dark=dark, say=_, rendered=bool(show.caveat(view)))
    scatters = [name for name in ids if not TARGETS[name].binary]
    slides = [_title(view, found), _method(view)]
    slides += [_scatter(view, found.targets[name], look) for name in scatters]
    slides += [_yardsticks(found, ids)] if ids else []
    slides += [_eyes(view, scatters[0])] if scatters else []
    return [*slides, _limits(view)]


def _title(view: View, found: Evaluation) -> Slide:
    people = max((result.n_patients for result in found.targets.values()), default=0)
    lines = [
        _("{n} photographs of {people} people").format(n=count(view.cohort.photographs), people=count(people)),
        cards.title(view.model) if view.model else "",
        moment(datetime.now()),
    ]
    lines = [line for line in lines if line]
    body = "".join(f"<p class='lead'>{escape(line)}</p>" for line in lines)
    printed = report.Slide(view.cohort.name, tuple(lines))
    return Slide(view.cohort.name, f"<div class='centre'>{body}</div>", printed)


def _method(view: View) -> Slide:
    table = results.table(view)
    status = table.status
    steps = [
        (_("Photographs"), count(len(table))),
        (_("Readable"), count(int((status != "failed").sum()))),
        (_("Good enough"), count(int(((status == "predicted") | (status == "queued")).sum()))),
        (_("Predicted"), count(int((status == "predicted").sum()))),
    ]
    boxes = "<span class='arrow'>→</span>".join(
        f"<div class='step'><b>{escape(n)}</b><span>{escape(words)}</span></div>" for words, n in steps
    )
    remark = _("Each photograph is cut to its retina, checked, and read once; no photograph is dropped silently.")
    unit = _("Eyes of one person are averaged; intervals are 95 %, by bootstrap over people.")
    body = f"<div class='flow'>{boxes}</div><p>{escape(remark)}</p><p>{escape(unit)}</p>"
    cells = (tuple(words for words, _n in steps), tuple(n for _words, n in steps))
    return Slide(_("Method"), body, report.Slide(_("Method"), (remark, unit), cells, headed=True))


def _scatter(view: View, result: TargetResult, look: Look) -> Slide:
    target = TARGETS[result.target]
    groups = results.groups(view, target.id, "patient")
    picture = small_scatter(target, groups, result.estimates, look)
    rows = [("mae", "MAE"), ("mae_null", _("predicting the mean")), ("mae_age_sex", _("age and sex only"))]
    facts: list[tuple[str, Value]] = [(words, _estimate(result, name)) for name, words in rows]
    if target.published_mae is not None:
        facts.append((_("published (JOIR)"), Value(error(target.published_mae))))
    facts += [("R²", _estimate(result, "r2")), (_("slope"), _estimate(result, "slope"))]
    facts.append((_("bias"), _estimate(result, "bias")))
    title = heading(with_unit(target, look))
    figure = predicted_against_true(target, groups, result.estimates, replace(look, opaque=True, size=15), height=580)
    printed = report.Slide(title, table=tuple((words, value.plain) for words, value in facts), figure=figure)
    return Slide(title, f"<div class='two'><div class='plot'>{picture}</div>{_table(facts)}</div>", printed)


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its interval, for a cell."""

    number: str
    """As shown."""
    interval: str = ""
    """In brackets; empty where there is none."""

    @property
    def html(self) -> str:
        """As HTML."""
        return f"{self.number} <small>{self.interval}</small>" if self.interval else self.number

    @property
    def plain(self) -> str:
        """As text."""
        return f"{self.number} {self.interval}".strip()


def _estimate(result: TargetResult, name: str) -> Value:
    found = result.estimates[name]
    if found.low is None or found.high is None:
        return Value(error(found.value))
    return Value(error(found.value), f"({error(found.low)}–{error(found.high)})")


def _table(facts: Sequence[tuple[str, Value]]) -> str:
    rows = "".join(f"<tr><td>{escape(words)}</td><td>{value.html}</td></tr>" for words, value in facts)
    return f"<table class='facts'>{rows}</table>"


def _yardsticks(found: Evaluation, ids: Sequence[str]) -> Slide:
    head = [_("Target"), _("Model"), _("Mean"), _("Age and sex"), _("Published")]
    cells = "".join(f"<th>{escape(word)}</th>" for word in head)
    found_rows = [list(_row(found.targets[name])) for name in ids]
    rows = "".join(f"<tr>{''.join(f'<td>{cell.html}</td>' for cell in row)}</tr>" for row in found_rows)
    remark = _("Mean absolute error; for sex the share classified correctly.")
    title = _("Against the yardsticks")
    table = (tuple(head), *(tuple(cell.plain for cell in row) for row in found_rows))
    body = f"<table class='wide'><tr>{cells}</tr>{rows}</table><p>{escape(remark)}</p>"
    return Slide(title, body, report.Slide(title, (remark,), table, headed=True))


def _row(result: TargetResult) -> Iterator[Value]:
    target = TARGETS[result.target]
    yield Value(heading(_("sex") if target.binary else _(target.name)))
    if target.binary:
        yield _estimate(result, "accuracy")
        yield from (Value("–"), Value("–"), Value(error(target.published_accuracy)))
        return
    yield _estimate(result, "mae")
    yield Value(error(result.estimates["mae_null"].value))
    yield Value(error(result.estimates["mae_age_sex"].value))
    yield Value(error(target.published_mae))


def _eyes(view: View, target_id: str) -> Slide:
    group = results.groups(view, target_id, "photograph")[0]
    words = (_("smallest error"), _("middle error"), _("largest error"))
    items = _telling(view, group)
    told = [f"{word}: {_numbers(item, target_id)}" for word, item in zip(words, items, strict=False)]
    eyes = "".join(map(_eye, items, told))
    title = _("Three eyes: {name}").format(name=_(TARGETS[target_id].name))
    pictures = tuple(
        report.Picture(Path(path).read_bytes(), line)
        for path, line in zip(map(photo.picture, items), told, strict=True)
        if path != photo.MISSING
    )
    return Slide(title, f"<div class='eyes'>{eyes}</div>", report.Slide(title, pictures=pictures))


def _telling(view: View, group: Points) -> list[Item]:
    if not len(group):
        return []
    order = np.argsort(np.abs(group.predicted - group.truth), kind="stable")
    places = dict.fromkeys([int(order[0]), int(order[len(order) // 2]), int(order[-1])])
    store, model = home.store(), view.model or None
    return [store.photograph(view.cohort.id, str(group.ids[at]), model=model) for at in places][:EYES]


def _numbers(item: Item, target_id: str) -> str:
    target = TARGETS[target_id]
    words = _("true {true} · predicted {predicted}").format(
        true=number(item.truth[target_id], target),
        predicted=number(item.predictions[target_id].value, target),
    )
    return f"{words} {_(target.unit)}".strip()


def _eye(item: Item, told: str) -> str:
    word, _colon, numbers = told.partition(": ")
    alt = escape(photo.describe(item), quote=True)
    return (
        f"<figure><img src='{_inline(photo.picture(item))}' alt='{alt}'>"
        f"<figcaption><b>{escape(word)}</b><br>{escape(numbers)}</figcaption></figure>"
    )


def _inline(path: str) -> str:
    kind = "svg+xml" if path.endswith(".svg") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(Path(path).read_bytes()).decode()}"


def _limits(view: View) -> Slide:
    card = cards.known().get(view.model)
    lines = [_(show.RESEARCH)]
    if sentence := show.caveat(view):
        lines.insert(0, _(sentence))
    lines.append(_("Predictions are drawn to the mean: extreme values are underestimated."))
    if card is not None:
        lines += [text for text in (card.citation, card.acknowledgement) if text]
    body = "".join(f"<li>{escape(line)}</li>" for line in lines)
    title = _("Limits and citation")
    return Slide(title, f"<ul class='limits'>{body}</ul>", report.Slide(title, tuple(lines)))


def footer(view: View) -> str:
    """Return the line at the foot of every slide."""
    words = [view.cohort.name, _(show.RESEARCH)]
    if show.caveat(view):
        words.append(_("Rendered eyes.") if view.cohort.rendered else _("Model of rendered eyes."))
    return " · ".join(words)
