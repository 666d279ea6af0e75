"""A recalibrated model is not tested on the people it was fitted to: the reader says what becomes of them."""

from collections.abc import Sequence

import streamlit as st

from fundus_core import pipeline
from pages.parts.shared import studies
from pages.parts.shared.studies import View
from pages.parts.shell import home, menu
from pages.parts.shell.language import _, literal, said


def ask(views: Sequence[View], title: str = "") -> None:
    """Ask what becomes of people that a view's model was fitted to, and keep the answer; stop until it is there.

    Where the page has drawn no title yet, the question stands under this one.
    """
    head = st.empty()
    if all([_answered(view) for view in views]):
        return
    if title:
        with head:
            menu.title(title)
    st.stop()


def _answered(view: View) -> bool:
    """Draw the question, or what was answered; return whether the cohort may be looked at."""
    found = studies.fitted(view)
    if found is None:
        return True
    sentence = said(found.sentence(view.model))
    if studies.testable(view):
        left = pipeline.answer_of(home.store(), view.cohort.id, view.model) == pipeline.LEAVE_OUT
        told = _("They are left out.") if left else _("You said that they are different people.")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/group_off: {sentence} {told}", width="content")
            _button(view, _("Change"), "")
        return True
    with st.container(border=True):
        more = _("Choose another cohort or model.") if found.rows.all() else ""
        st.markdown(
            f"**{literal(view.title)}**  \n{sentence} " + _("A test on them would flatter the model.") + f" {more}"
        )
        with st.container(horizontal=True):
            if not found.rows.all():
                _button(view, _("Leave them out"), pipeline.LEAVE_OUT)
            if not found.photographs:
                _button(view, _("Different people"), pipeline.DIFFERENT)
    return False


def _button(view: View, label: str, answer: str) -> None:
    if st.button(label, key=f"fitted-{answer}-{view.cohort.key}-{view.model}"):
        pipeline.keep_answer(home.store(), view.cohort.id, view.model, answer)
        st.rerun()
