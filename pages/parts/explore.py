"""The gallery's parts: filters, sorting, the grid of pictures, and selecting some of them."""

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from fundus_core import pipeline
from fundus_core.errors import say
from fundus_core.evaluation import selected_rows
from fundus_core.figures import number
from fundus_core.quality import KINDS, Kind
from fundus_core.records import Eye, Rule
from fundus_core.store import Ids, Item, Selection, Where
from fundus_core.targets import TARGETS
from pages.parts.shared import controls, current_selection, photo_panel, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address, home, menu
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, count, literal, said

PER_PAGE = 18
_ORDERS = ("absolute_error", "quality", "distance", "name", "truth", "predicted")
WITH_TARGET = ("absolute_error", "truth", "predicted")
_LARGEST_FIRST = ("absolute_error", "distance", "truth", "predicted")


def filters(view: View) -> tuple[Rule, str, str, bool]:
    """Draw filters and sorting; return what to show, the order, the target, and whether the largest come first."""
    kinds, unnamed = _kinds(view)
    with st.container(horizontal=True):
        status = controls.one_of(_("Outcome"), _statuses(), "status")
        eye = controls.one_of(_("Eye"), _eyes(), "eye")
    several = len(kinds) > 2  # all, and more than one
    with st.grid(min_column_width=140, gap="small"):
        order = address.pick(st.selectbox, _("Sort by"), _ORDERS, key="order", words=_orders())
        target = address.pick(st.selectbox, _("Target"), list(TARGETS), key="target", words=_targets())
        least = address.pick(st.selectbox, _("Quality"), list(_least()), key="quality", words=_least())
        pick = {"key": "kind", "words": kinds, "lenient": True, "help": unnamed}  # another cohort has others
        kind = address.pick(st.selectbox, _("Kind of picture"), list(kinds), **pick) if several else "all"
        text = st.text_input(_("Search"), key="find", placeholder=_("name or patient"), bind="query-params")
        column, words = _column(view)
    rule = Rule(
        statuses=() if status == "all" else (status,),
        kinds=() if kind == "all" else (kind,),
        eye="" if eye == "both" else eye,
        quality=0.0 if least == "any" else float(least),
        text=text or "",
        column=column,
        words=words,
    )
    return rule, order, target, order in _LARGEST_FIRST


def _column(view: View) -> tuple[str, tuple[str, ...]]:
    """Let the user choose a column of the cohort and one of its groups; neither where it has none."""
    study = studies.study(view)
    if (view.cohort.photographs >= studies.MANY and not study.memory.has("columns")) or not study.columns:
        return "", ()
    known = {"any": _("any"), **{name: controls.column_words().get(name, name) for name in study.columns}}
    column = address.pick(st.selectbox, _("Column"), list(known), key="column", words=known)
    if column == "any":
        return "", ()
    groups, _numbers = pipeline.groups(study, column)
    told = {name: said(name) or "–" for name in groups}
    return column, (address.pick(st.selectbox, _("Group"), groups, key="group", words=told),)


def where(view: View, rule: Rule, within: Selection | None) -> Where:
    """Return how the store finds the photographs of a filter, of all or within a selection."""
    names: tuple[str, ...] = ()
    ids: Ids | None = None
    study, some = studies.study(view), within is not None
    if rule.column and not some:
        ids = pipeline.in_group(home.store(), view.cohort, study, rule.column, rule.words[0])
    some = some or (bool(rule.column) and ids is None)
    if some:
        table = study.table
        mine = selected_rows(table, Rule(column=rule.column, words=rule.words))
        mine &= selected_rows(table, within.rule if within else Rule())
        names = tuple(map(str, table.photograph[mine]))
    return Where(
        statuses=rule.statuses,
        kinds=rule.kinds,
        text=rule.text,
        eye=Eye(rule.eye) if rule.eye else None,
        quality=(rule.quality, 1.0) if rule.quality else None,
        names=names or (("",) if some else ()),  # nobody has no name
        ids=ids,
    )


def sorting(view: View, order: str, target: str) -> tuple[str, Sequence[int] | None]:
    """Return how the store shall sort, and the first photographs of a large cohort where its job has sorted them.

    By a target's values a large one is not sorted before, and the page says so.
    """
    if order == "name" or view.cohort.photographs < studies.MANY:
        return order, None
    of = target if order in WITH_TARGET else ""
    found = pipeline.ranked(home.store(), view.cohort, studies.study(view), order, of, known=True)
    if of and found is None:
        words = _(
            "Not sorted yet: so many photographs are sorted by a target with the analyses of the page Evaluate. Until "
            "then they stand in the order in which they were added."
        )
        st.caption(words)
        order = "added"
    return order, found


def within(selection: Selection | None) -> Selection | None:
    """Let the user look at the selection alone, where there is one, or at all photographs."""
    if selection is None:
        return None
    words = {"selected": _("the selection"), "all": _("all photographs")}
    return selection if controls.one_of(_("Show"), words, "show") == "selected" else None


def select(view: View, rule: Rule, inside: Selection | None, total: int) -> None:
    """Offer to select the photographs that the filters leave."""
    if not total or (inside and rule == Rule()):
        return
    label = say(_("Select {n:,} {n:photograph|photographs}"), n=total)
    if st.button(label, icon=":material/select_check_box:", key="select-these"):
        if inside:
            table = studies.study(view).table
            both = selected_rows(table, rule) & selected_rows(table, inside.rule)
            rule = Rule(level="photograph", names=tuple(map(str, table.photograph[both])))
        current_selection.choose(view, rule)
        st.rerun()


def _tick(view: View, selection: Selection | None, name: str, key: str) -> None:
    """Take a photograph into the selection, or out of it."""
    table = studies.study(view).table
    mine = selected_rows(table, selection.rule) if selection else np.zeros(len(table), dtype=np.bool_)
    names = table.photograph[mine ^ (table.photograph == name)]
    current_selection.choose(view, Rule(level="photograph", names=tuple(map(str, names))) if len(names) else None)
    photo_panel.select(view, name if st.session_state.get(key) else "")
    st.query_params["show"] = "all"  # the next one to tick stays where it was


def _statuses() -> dict[str, str]:
    return {
        "all": _("All"),
        "predicted": _("Predicted"),
        "refused": _("Refused"),
        "failed": _("Failed"),
        "queued": _("Waiting"),
    }


def _kinds(view: View) -> tuple[dict[str, str], str | None]:
    """Return the kinds of pictures in the cohort, the commonest first, each with how many there are.

    The sentence says how many photographs were read before pictures were named, so that no kind counts them.
    """
    there, unnamed = home.store().kinds(view.cohort.id, view.model or None)
    named = {name: f"{said(KINDS[Kind(name)].name)} ({count(n)})" for name, n in there.items()}
    told = _("Photographs whose kind is not known, as those read by an older version: {n}.").format(n=count(unnamed))
    return {"all": _("All"), **named}, told if unnamed else None


def _eyes() -> dict[str, str]:
    return {"both": _("Both eyes"), "right": _("Right"), "left": _("Left")}


def _least() -> dict[str, str]:
    return {"any": _("any"), **{step: _("at least {n}").format(n=step) for step in ("0.25", "0.5", "0.75")}}


def _orders() -> dict[str, str]:
    return {
        "absolute_error": _("largest error"),
        "quality": _("lowest quality"),
        "distance": _("least like the training photographs"),
        "name": _("name"),
        "truth": _("largest true value"),
        "predicted": _("largest prediction"),
    }


def _targets() -> dict[str, str]:
    return {name: controls.short(name) for name in TARGETS}


def page_turner(total: int, shown: int) -> None:
    """Go back to the first page where the filters have left fewer; a ``GoneError`` where a link asked for the page."""
    if total and not shown:
        if told := address.told("page"):
            raise GoneError(_("Page"), told, keys=["page"])
        address.forget("page")
        st.rerun()
    address.write("page", st.query_params.get("page", "1"), "1")


def page_number() -> int:
    """Return which page of the gallery is shown; a ``GoneError`` where the address says no page."""
    text = st.query_params.get("page", "1")
    number = address.whole(text)
    if not number:
        raise GoneError(_("Page"), text, keys=["page"])
    return number


def pages(total: int) -> None:
    """Draw the page numbers."""
    last = math.ceil(total / PER_PAGE)
    if last > 1:
        chosen = st.pagination(last, default=min(page_number(), last), key=f"pages-{total}")
        if chosen != page_number():
            address.write("page", str(chosen), "1")
            st.rerun()


def grid(view: View, items: Sequence[Item], target: str, selection: Selection | None) -> None:
    """Draw photographs as cards, and the one chosen last on any page; a tick takes one into the selection."""
    chosen = frozenset(current_selection.marked(view, selection, "photograph"))
    last = photo_panel.selected(view)
    if last is not None and last.name not in {item.name for item in items}:
        items = [last, *items]
    made = selection.key if selection else ""
    remarked = any(map(photo_panel.note, items))
    with st.container(key="thumbs"), st.grid(min_column_width=150, gap="small"):
        for item in items:
            with st.container(border=True, gap="xsmall", height="stretch"):
                st.image(photo_panel.picture(item, large=False), width="stretch", alt=photo_panel.describe(item))
                st.page_link(
                    menu.path("one_photograph"),
                    label=literal(middle_cut(item.name.rsplit("/", 1)[-1])),
                    query_params=view.link(item),
                )
                tick = f"tick-{item.id}-{made}"
                st.checkbox(
                    _("selected"), item.name in chosen, key=tick, on_change=_tick,
                    args=(view, selection, item.name, tick),
                )  # fmt: skip
                if last is not None and item.name == last.name:
                    st.badge(_("chosen last"), icon=":material/my_location:", color="primary")
                if target and any(error(one, target) for one in items):
                    st.badge(error(item, target) or "–", color="gray")
                told, note = line(item, target), photo_panel.note(item)
                more = " ".join(each for each in (told, note) if len(each) > _LINE)
                lines = [literal(facts(item)), literal(end_cut(told))]
                if remarked:
                    lines.append(f":material/info: {literal(end_cut(note))}" if note else "&nbsp;")
                st.caption("  \n".join(lines), help=more or None)


_NAME, _LINE = 20, 44
"""Letters of a name and of a sentence on a card; cards of one gallery are of one height."""


def middle_cut(name: str) -> str:
    """Return a file's name, cut in its middle: its end says which eye.

    >>> middle_cut("P0001_R.jpg"), middle_cut("20240401_hospital_0000123_R.jpg")
    ('P0001_R.jpg', '20240401_…00123_R.jpg')
    """
    return name if len(name) <= _NAME + 1 else f"{name[: _NAME // 2 - 1]}…{name[-(_NAME // 2 + 1) :]}"


def end_cut(text: str) -> str:
    """Return a sentence as long as a card has room for; the whole stands in its help."""
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"


def facts(item: Item) -> str:
    """Return eye, site and camera, as far as they are known."""
    known = [item.covariates.get(name, "") for name in ("site", "camera")]
    return " · ".join(filter(None, [photo_panel.eye(item.eye), *known]))


def error(item: Item, target: str) -> str:
    """Return a photograph's error with its unit; empty where it has none."""
    if item.status != "predicted" or target not in item.predictions or target not in item.truth:
        return ""
    value = number(item.predictions[target].value - item.truth[target], TARGETS[target], signed=True)
    return _("error {value} {unit}").format(value=value, unit=_(TARGETS[target].unit)).rstrip()


def line(item: Item, target: str) -> str:
    """Return what matters about a photograph in one line: its values, its quality, or why there are none."""
    if item.status == "queued":
        return _("waiting")
    if item.status != "predicted":
        return photo_panel.reason(item)
    if target and target in item.predictions:
        shown = number(item.predictions[target].value, TARGETS[target])
        if target in item.truth:
            words = _("true {true} · predicted {predicted}")
            return words.format(true=number(item.truth[target], TARGETS[target]), predicted=shown)
        return _("predicted {predicted}").format(predicted=shown)
    return photo_panel.measured(item)
