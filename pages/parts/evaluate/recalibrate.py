"""A recalibration that is fitted to this cohort and kept as a model, to be tested on others."""

import re

import streamlit as st

from fundus_core import pipeline
from fundus_core.errors import FundusError
from fundus_core.models.recalibrated import lines_in_words, provenance
from pages.parts.shared import display
from pages.parts.shared.studies import View
from pages.parts.shell import cards, home, menu
from pages.parts.shell.language import _, said


def draw(view: View) -> None:
    """Draw the offer; nothing where the model has no card here."""
    if view.model not in cards.known():
        return
    display.fold(_("Recalibrate on this cohort"), "recalibrate", lambda: _offer(view))


def _offer(view: View) -> None:
    words = _(
        "An intercept and a slope of each target, fitted to this cohort, become a model of its own with the same "
        "weights. It is tested on other people: those of this cohort are remembered by salted hashes."
    )
    st.caption(words)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(_("Id of the new model"), _proposed(view), max_chars=60, key="recalibrated_id")
        pressed = st.button(_("Fit and keep"), icon=":material/tune:", disabled=not name.strip())
    if pressed:
        _keep(view, name.strip())


def _proposed(view: View) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", view.cohort.name).strip("-").lower()
    return f"{view.model}-{words or view.cohort.id}"[:60]


def _keep(view: View, name: str) -> None:
    try:
        made = pipeline.recalibrate_cohort(home.store(), view.cohort.id, view.model, name)
    except FundusError as error:
        st.error(said(str(error)))
        return
    lines = "  \n".join(said(words) for words in lines_in_words(made.card.recalibrated[-1]))
    st.success(f"{said(provenance(made.card)[-1])}  \n{lines}", icon=":material/check:")
    for words in made.left:
        st.caption(_("Not recalibrated: {why}").format(why=said(words)))
    st.page_link(menu.path("models"), label=_("Models"), icon=":material/model_training:")
