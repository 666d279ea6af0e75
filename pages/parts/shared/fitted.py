"""A recalibrated model is not tested on the people it was fitted to: the reader says what becomes of them."""

from collections.abc import Sequence

import streamlit as st

from fundus_core import pipeline
from pages.parts.shared import studies
from pages.parts.shared.studies import View
from pages.parts.shell import home
from pages.parts.shell.language import _, said


def ask(views: Sequence[View]) -> None:
    """Ask what becomes of people that a view's model was fitted to, and keep the answer; stop until it is there."""
    waiting = [view for view in views if not _answered(view)]
    if waiting:
        st.stop()


def _answered(view: View) -> bool:
    """Draw the question, or what was answered; return whether the cohort may be looked at."""
    found = studies.fitted(view)
    if found is None:
        return True
    answer = pipeline.answer_of(home.store(), view.cohort.id, view.model)
    sentence = said(found.sentence(view.model))
    if answer == pipeline.LEAVE_OUT or (answer and not found.photographs):
        told = (
            _("They are left out.") if answer == pipeline.LEAVE_OUT else _("You said that they are different people.")
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/group_off: {sentence} {told}", width="content")
            _button(view, _("Change"), "")
        return not (answer == pipeline.LEAVE_OUT and found.rows.all())
    with st.container(border=True):
        st.markdown(f"**{view.title}**  \n{sentence} " + _("A test on them would flatter the model."))
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
