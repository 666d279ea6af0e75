"""Slides on the screen and as files that need nothing else, made once per revision of a cohort."""

from dataclasses import replace
from datetime import date
from typing import Any

import streamlit as st

from fundus_core.analyses import Study
from fundus_core.figures import Figure
from fundus_core.report import slides
from fundus_core.report.slides import Deck, Drawing
from pages.parts.present import contents
from pages.parts.shared import controls, studies
from pages.parts.shared.studies import Key, View
from pages.parts.shell.language import _, current


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    starting = """
export default function (component) {
  return present(component.parentElement.querySelector(".root"), component.data);
}
"""
    html = '<div class="holder"><div class="root"></div></div>'
    script = slides.asset("slides.js") + starting
    return st.components.v2.component("fundus_lab_slides", html=html, css=slides.asset("slides.css"), js=script)


@st.cache_resource(max_entries=8, show_spinner=False)
def _made(
    key: Key,
    title: str,
    dark: bool,  # noqa: FBT001
    language: str,
    on: date,
    asked: str,
    _view: View,
    _study: Study,
) -> tuple[Deck, dict[str, Any]]:
    deck = contents.of_cohort(_view, _study, dark=dark)
    return deck, slides.data_of(deck, _words())


def ask(view: View) -> Study:
    """Let the user ask for more slides: the gap and other columns, and errors of the measured values."""
    study = studies.study(view)
    with st.popover(_("More slides"), icon=":material/add:"):
        study = controls.gap(study)
        for name in study.targets:
            study = controls.reliable(study, name)
    return study


def deck_of(view: View, study: Study, *, dark: bool) -> tuple[Deck, dict[str, Any]]:
    """Return the slides of a cohort and what was asked of it, and what the script on the page shows of them."""
    return _made(view.key, view.title, dark, current(), date.today(), str(study.settings), view, study)


def chosen(place: Any, made: Deck, data: dict[str, Any]) -> tuple[Deck, dict[str, Any]]:
    """Let the user choose slides and their order at a place; return those, all as they are where nothing was chosen."""
    titles = {str(at): f"{at + 1} · {' '.join(page.title.lines)}" for at, page in enumerate(made.pages)}
    with place, st.popover(_("Choose slides"), icon=":material/checklist:"):
        picked = st.multiselect(
            _("Slides, in the order in which you choose them"),
            list(titles),
            format_func=lambda at: titles.get(at, at),
            placeholder=_("All slides in their order"),
            key=f"slides-{current()}-{len(titles)}",
        )
    order = [int(at) for at in picked]
    if not order or order == list(range(len(made.pages))):
        return made, data
    some = replace(made, pages=tuple(made.pages[at] for at in order))
    return some, slides.data_of(some, _words())


def _words() -> dict[str, str]:
    return {"back": _("Back"), "next": _("Next"), "full": _("Full screen")}


def show(data: dict[str, Any]) -> None:
    """Draw the slides on the page."""
    _component()(key="slides", data=data)


def figures(deck: Deck) -> list[Figure]:
    """Return the figures on slides."""
    return [part.figure for page in deck.pages for part in page.parts if isinstance(part, Drawing)]


def as_file(deck: Deck) -> str:
    """Return the slides as one HTML file."""
    return slides.as_file(deck, _words())


def as_powerpoint(deck: Deck) -> bytes:
    """Return the slides as a PowerPoint file."""
    from fundus_core.report.slides.powerpoint import as_pptx  # a second to import; only who asks for the file waits

    return as_pptx(deck)
