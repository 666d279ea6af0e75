"""Slides on the screen and as files that need nothing else, made once per revision of a cohort.

Their figures are drawn in another process, after the rest is shown.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from threading import Lock
from typing import Any

import streamlit as st

from fundus_core import processes
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


class Made:
    """Slides, and whether their figures are drawn."""

    def __init__(self, deck: Deck) -> None:
        self.deck, self._guard = deck, Lock()

    @property
    def drawn(self) -> bool:
        """Whether every figure is."""
        return all(part.svg for part in _drawings(self.deck))

    def draw(self) -> None:
        """Have the figures drawn; whoever looks at the same slides waits for the same pictures."""
        with self._guard:
            if not self.drawn:
                self.deck = processes.apart(slides.pictured, self.deck)


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
) -> Made:
    return Made(contents.of_cohort(_view, _study, dark=dark))


def ask(view: View) -> Study:
    """Let the user ask for more slides: the gap and other columns, and errors of the measured values."""
    study = studies.study(view)
    with st.popover(_("More slides"), icon=":material/add:"):
        study = controls.gap(study)
        for name in study.targets:
            study = controls.reliable(study, name)
    return study


def deck_of(view: View, study: Study, *, dark: bool) -> Made:
    """Return the slides of a cohort and what was asked of it."""
    return _made(view.key, view.title, dark, current(), date.today(), str(study.settings), view, study)


def chosen(place: Any, made: Deck) -> Deck:
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
    return replace(made, pages=tuple(made.pages[int(at)] for at in picked)) if picked else made


def _words() -> dict[str, str]:
    return {"back": _("Back"), "next": _("Next"), "full": _("Full screen")}


def show(deck: Deck) -> None:
    """Draw the slides on the page."""
    _component()(key="slides", data=slides.data_of(deck, _words()))


def figures(deck: Deck) -> list[Figure]:
    """Return the figures on slides."""
    return [part.figure for part in _drawings(deck)]


def _drawings(deck: Deck) -> Iterator[Drawing]:
    return (part for page in deck.pages for part in page.parts if isinstance(part, Drawing))


def as_file(deck: Deck) -> str:
    """Return the slides as one HTML file."""
    return processes.apart(slides.as_file, deck, _words())


def as_powerpoint(deck: Deck) -> bytes:
    """Return the slides as a PowerPoint file."""
    return processes.apart(slides.as_pptx, deck)
