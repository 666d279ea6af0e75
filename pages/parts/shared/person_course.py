"""A person's course over visits, on one small chart."""

from __future__ import annotations

import streamlit as st

from fundus_core.analyses import Canvas, one_cohort
from fundus_core.store import Item
from fundus_core.targets import TARGETS
from pages.parts.shared import display, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _


def draw(view: View, item: Item, target_id: str) -> None:
    """Draw what was measured and predicted of a photograph's person; nothing where there are not two visits."""
    course, study = one_cohort.COURSE, studies.study(view)
    if not (item.patient_id and course.needs(TARGETS[target_id]) and course.offered(study)):
        return
    canvas = Canvas(display.look(view), by=item.patient_id, place=view.place)
    if figure := course.draw(study, target_id, canvas):
        st.caption(_(course.title), help=_(course.question))
        display.chart(figure, f"course-{target_id}", name=f"{target_id}-course", view=view)
