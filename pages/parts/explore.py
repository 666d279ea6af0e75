"""The gallery's parts: filters, sorting, the grid of pictures, and saving what is shown as a cohort."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from fundus_core.errors import UsageError
from fundus_core.figures import number
from fundus_core.records import Eye
from fundus_core.store import Item, Where
from fundus_core.targets import TARGETS
from pages.parts.new_cohort import intake
from pages.parts.shared import choose, display_names, photo, show, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address, home, menu
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, count, said

PER_PAGE = 24
_ORDERS = ("absolute_error", "quality", "distance", "name", "truth", "predicted")
_WITH_TARGET = ("absolute_error", "truth", "predicted")
_LARGEST_FIRST = ("absolute_error", "distance", "truth", "predicted")


def controls(view: View) -> tuple[Where, str, str, bool]:
    """Draw filters and sorting; return what to show, the order, its target, and whether the largest come first."""
    with st.container(horizontal=True):
        status = choose.one_of(_("Outcome"), _statuses(), "status")
        eye = choose.one_of(_("Eye"), _eyes(), "eye")
    with st.grid(4, min_column_width=140, gap="small"):
        order = address.pick(st.selectbox, _("Sort by"), _ORDERS, key="order", words=_orders())
        target = address.pick(st.selectbox, _("Target"), list(TARGETS), key="target", words=_targets())
        least = address.pick(st.selectbox, _("Quality"), list(_least()), key="quality", words=_least())
        text = st.text_input(_("Search"), key="find", placeholder=_("name or patient"), bind="query-params")
    where = Where(
        statuses=() if status == "all" else (status,),
        text=text or "",
        eye={"right": Eye.RIGHT, "left": Eye.LEFT}.get(eye),
        quality=None if least == "any" else (float(least), 1.0),
    )
    needed = target if order in _WITH_TARGET else ""
    return where, order, needed, order in _LARGEST_FIRST


def _statuses() -> dict[str, str]:
    return {
        "all": _("All"),
        "predicted": _("Predicted"),
        "refused": _("Refused"),
        "failed": _("Failed"),
        "queued": _("Waiting"),
    }


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
    return {name: choose.short(name) for name in TARGETS}


def turn_back(total: int, shown: int) -> None:
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


def grid(view: View, items: Sequence[Item], target: str) -> None:
    """Draw photographs as cards."""
    with st.grid(min_column_width=150, gap="small"):
        for item in items:
            with st.container(border=True, gap="xsmall", height="stretch"):
                st.image(photo.picture(item, large=False), width="stretch", alt=photo.describe(item))
                st.page_link(
                    menu.path("one_photograph"),
                    label=item.name.rsplit("/", 1)[-1],
                    query_params=view.link(item),
                )
                if badge := error(item, target):
                    st.badge(badge, color="gray")
                st.caption(line(item, target))
                if remark := photo.note(item):
                    st.caption(f":material/info: {remark}")


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
        return photo.reason(item)
    if target and target in item.predictions:
        said = number(item.predictions[target].value, TARGETS[target])
        if target in item.truth:
            words = _("true {true} · predicted {predicted}")
            return words.format(true=number(item.truth[target], TARGETS[target]), predicted=said)
        return _("predicted {predicted}").format(predicted=said)
    return photo.measured(item)


def save_lasso(view: View, level: str, chosen: Sequence[str]) -> None:
    """Offer to save the photographs behind some observations as a cohort of its own."""
    st.markdown(_("**{n}** observations selected").format(n=count(len(chosen))))
    save_selection(view, Where(names=tuple(studies.photographs_of(view, level, chosen))))


def save_selection(view: View, where: Where) -> None:
    """Offer to save what the filters leave as a cohort of its own."""
    with st.popover(_("Save as cohort"), icon=":material/bookmark_add:"):
        taken = [cohort.name for cohort in home.store().cohorts()]
        wish = intake.free_name(taken, _("Selection of {name}").format(name=display_names.cohort(view.cohort.name)))
        name = st.text_input(_("Name of the cohort"), wish, key="selection_name")
        if st.button(_("Save"), type=show.button_type()):
            try:
                made = home.store().select(view.cohort.id, name, where, model=view.model or None)
            except UsageError as fault:
                st.error(said(fault))
            else:
                st.success(_("Saved: {n} photographs.").format(n=made.photographs))
