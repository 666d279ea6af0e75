"""What every page lets the user choose: cohort, model, target, level. All of it is in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from fundus_core.store import Cohort
from fundus_core.targets import TARGETS
from pages.parts.shared import cards, naming
from pages.parts.shared.results import View
from pages.parts.shell import address, home, menu, places, sample
from pages.parts.shell.language import _


def view() -> View | None:
    """Let the user choose a cohort and, where it was read by several, a model; ``None`` in an empty store."""
    cohorts = home.store().cohorts()
    if not cohorts:
        return None
    names = [cohort.name for cohort in cohorts]
    latest = max(cohorts, key=lambda cohort: cohort.created_at).name
    with menu.choices():
        words = {name: naming.cohort(name) for name in names}
        name = address.pick(st.selectbox, _("Cohort"), names, key="cohort", default=latest, words=words, always=True)
        place = names.index(name)
        models = [version.model for version in home.store().models(cohorts[place].id)]
        model = models[0] if models else ""
        if len(models) > 1:
            words = {name: cards.title(name) for name in models}
            model = address.pick(st.selectbox, _("Model"), models, key="model", words=words, always=True)
    return View(cohorts[place], model)


def require_view(title: str = "") -> View:
    """As ``view``; an empty store stops the page, under its title where that is not drawn yet, with what to do."""
    chosen = view()
    if chosen is None:
        if title:
            st.title(title, anchor=False)
        st.info(_("There is no cohort yet. Bring photographs and a table of measured values to begin."))
        st.page_link(menu.path("new_cohort"), label=_("New cohort"), icon=":material/add_photo_alternate:")
        st.stop()
    return chosen


def target(ids: Sequence[str]) -> str:
    """Let the user choose one of these targets."""
    return one_of(_("Target"), {name: short(name) for name in ids}, "target")


def level() -> str:
    """Let the user choose what one observation is."""
    words = {"patient": _("People"), "eye": _("Eyes"), "photograph": _("Photographs")}
    tip = _("Two eyes of one person are not two observations: people are the default.")
    return address.pick(st.selectbox, _("Count by"), list(words), key="level", words=words, help=tip)


def grouping(columns: Sequence[str]) -> str:
    """Let the user colour observations by a column; empty without one."""
    if not columns:
        return ""
    words = {
        "-": _("one colour"),
        "age": _("age"),
        "sex": _("sex"),
        "eye": _("eye"),
        "quality": _("quality"),
        "out_of_distribution": _("distance"),
    }
    chosen = address.pick(st.selectbox, _("Colour by"), ["-", *columns], key="by", words=words)
    return "" if chosen == "-" else chosen


def one_of(label: str, words: Mapping[str, str], key: str) -> str:
    """Let the user choose one of a few things, shown as words, kept under short names in the address."""
    return address.pick(
        st.segmented_control,
        label,
        list(words),
        key=key,
        words=words,
        required=True,
        wrap=True,
        label_visibility="collapsed",
    )


def short(target_id: str) -> str:
    """Return a target's short name in the reader's language."""
    return _(TARGETS[target_id].short)


def offer_sample(cohorts: Sequence[Cohort]) -> None:
    """Offer the sample cohort to a store that does not hold it."""
    if any(cohort.name == sample.NAME for cohort in cohorts):
        return
    if st.button(_("Bring the sample cohort"), icon=":material/science:"):
        sample.again(home.store(), places.folder())
        st.rerun()
