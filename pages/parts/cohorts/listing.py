"""The list of cohorts: searched and paged where it is long, each with what can be done with it, sharing too."""

import base64
import math
from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from fundus_core.errors import UsageError
from fundus_core.store import Cohort
from pages.parts.cohorts import dialogs, registry_export
from pages.parts.shared import display
from pages.parts.shared.studies import View
from pages.parts.shell import address, asking, cards, home, menu, people, sample
from pages.parts.shell.language import _, literal, moment, said, worded


def is_mine(cohort: Cohort) -> bool:
    """Return whether a cohort is one's own; on one's own machine all are."""
    return not people.shared() or cohort.owner == asking.asker().id


@st.dialog(" ", width="medium")
def share(cohort: Cohort) -> None:
    """Show whom a cohort is shared with, and let its owner change that."""
    st.header(_("Share {name}").format(name=sample.typed(cohort.name)), anchor=False)
    st.caption(_("Readers see everything of it and change nothing; export, copy and delete stay yours."))
    names = {"": _("The cohort"), **{one.key: one.name for one in home.store().selections(cohort.id)}}
    rights = {"read": _("read"), "write": _("read and change")}
    for one in home.store().shares(cohort.id):
        with st.container(horizontal=True, vertical_alignment="center"):
            what = names.get(one.selection, _("a selection"))
            st.markdown(f"**{literal(one.who)}** · {rights[one.right]} · {literal(what)}")
            if st.button(_("Take back"), key=f"unshare-{one.who}-{one.selection}"):
                _do(cohort, one.who, "", one.selection)
    who = st.text_input(_("With whom"), placeholder="name@hospital.example, group:retina, *", key="share_with")
    right = st.segmented_control(
        _("What they may do"), list(rights), format_func=rights.get, default="read", required=True, key="share_right"
    )
    what = st.selectbox(_("What"), list(names), format_func=names.get, key="share_what")
    if st.button(_("Share"), icon=":material/group_add:", type="primary", disabled=not who.strip()):
        _do(cohort, who, str(right), str(what or ""))


def _do(cohort: Cohort, who: str, right: str, selection: str) -> None:
    try:
        home.store().share(cohort.id, who, right, selection=selection)
    except UsageError as fault:
        st.error(said(fault))
    else:
        st.rerun(scope="fragment")


PER_PAGE = 20
"""Cohorts on a page: each is a row of buttons, and a browser draws some hundred quickly."""
_FEW = 8
"""Up to here there is nothing to search or to sort."""


def draw(cohorts: Sequence[Cohort]) -> None:
    """Draw the cohorts that are searched for, a page of them."""
    found = _sought(cohorts) if len(cohorts) > _FEW else list(cohorts)
    if cohorts and not found:
        st.info(_("No cohort has this in its name or note. Search for something else."))
    pages = max(1, math.ceil(len(found) / PER_PAGE))
    place = st.container()
    at = st.pagination(pages, key=f"cohort-pages-{len(found)}") if pages > 1 else 1
    with place:
        for cohort in found[(at - 1) * PER_PAGE : at * PER_PAGE]:
            _card(cohort)


def _sought(cohorts: Sequence[Cohort]) -> list[Cohort]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(_("Search"), key="find_cohort", placeholder=_("name or note"), bind="query-params")
        words = {"name": _("name"), "newest": _("newest first"), "largest": _("largest first")}
        order = address.pick(st.selectbox, _("Sort by"), list(words), key="cohort_order", words=words, width=200)
        st.caption(worded("{n:,} {n:cohort|cohorts}", n=len(cohorts)), width="content")
    kept = [each for each in cohorts if text.casefold() in f"{each.name}\n{each.note}".casefold()]
    keys = {"newest": lambda each: -each.created_at, "largest": lambda each: -each.photographs}
    return sorted(kept, key=keys[order]) if order in keys else kept


def _card(cohort: Cohort) -> None:
    with st.container(border=True):
        st.markdown(f"{_dot(cohort)} **{sample.typed(cohort.name)}**")
        st.caption(_facts(cohort))
        if cohort.note:
            st.markdown(literal(said(cohort.note)))
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            _links(cohort)
            if not is_mine(cohort):
                return
            if people.shared() and st.button(_("Share"), icon=":material/group:", key=f"share{cohort.key}"):
                share(cohort)
            if st.button(_("Edit"), icon=":material/edit:", key=f"edit{cohort.key}"):
                dialogs.edit(cohort)
            if st.button(_("Export"), icon=":material/archive:", key=f"export{cohort.key}"):
                dialogs.export(cohort)
            if st.button(_("De-identified export"), icon=":material/shield_person:", key=f"registry-of-{cohort.key}"):
                registry_export.export(cohort)
            if st.button(_("Delete"), icon=":material/delete:", key=f"delete{cohort.key}"):
                dialogs.delete(cohort)


def _links(cohort: Cohort) -> None:
    pages = (
        ("evaluate", _("Evaluate"), "query_stats"),
        ("explore", _("Explore"), "photo_library"),
        ("present", _("Present"), "slideshow"),
    )
    add = {"to": cohort.key}
    st.page_link(menu.path("new_cohort"), label=_("Add"), icon=":material/add_circle:", query_params=add)
    for page, label, icon in pages:
        link = {"cohort": cohort.key}
        st.page_link(menu.path(page), label=label, icon=f":material/{icon}:", query_params=link)


def _dot(cohort: Cohort) -> str:
    """Return the cohort's colour, the same as in every figure, as a drawing within text."""
    view = View(cohort, "")
    ink = display.figure_look().palette.cohort(view.place)
    circle = f"<circle cx='6.5' cy='6.5' r='6' fill='{ink}'/>"
    drawing = f"<svg xmlns='http://www.w3.org/2000/svg' width='13' height='13'>{circle}</svg>"
    return f"![](data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()})"


def _facts(cohort: Cohort) -> str:
    models = ", ".join(literal(cards.title(version.model)) for version in home.store().models(cohort.id))
    parts = [
        worded("{n:,} {n:photograph|photographs}", n=cohort.photographs),
        moment(datetime.fromtimestamp(cohort.created_at)),
    ]
    parts += [_("read by {models}").format(models=models)] if models else [_("not read yet")]
    if cohort.owner and not is_mine(cohort):
        parts.append(_("shared by {name}").format(name=literal(cohort.owner)))
    parts += [_("rendered photographs")] if cohort.rendered else []
    if cohort.selected_from:
        parts.append(_("selected from {name}").format(name=sample.typed(cohort.selected_from)))
    return " · ".join(parts)
