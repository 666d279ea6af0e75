"""Sample size: how many people an interval of a given width needs."""

import streamlit as st

from fundus_core.targets import TARGETS
from pages.parts import planner
from pages.parts.shared import controls, display, studies
from pages.parts.shell.language import _

view = controls.view()
display.title(
    _("Sample size"),
    _("How many people must be photographed and measured for a 95 % interval of the width that you can live with."),
    view=view,
)
target = TARGETS[controls.target([name for name, one in TARGETS.items() if not one.binary])]
start = planner.expected(view if view and studies.testable(view) else None, target)
st.caption(
    _("Starting values: {source}. Change them to what you expect of your own people.").format(source=start.source)
)
columns = st.columns(3)
with columns[0], st.container(border=True, height="stretch"):
    planner.mae(target, start)
with columns[1], st.container(border=True, height="stretch"):
    planner.r2(target, start)
with columns[2], st.container(border=True, height="stretch"):
    planner.slope(target, start)
columns = st.columns(3)
with columns[0], st.container(border=True, height="stretch"):
    planner.sites(target, start)
with columns[1], st.container(border=True, height="stretch"):
    planner.equivalence(target, start)
st.caption(
    _(
        "Large-sample formulas (Archer 2021, doi:10.1002/sim.8766; Riley 2024, doi:10.1136/bmj-2023-074821), "
        "one observation per person: count people, not photographs, and add those whose photographs will be refused."
    )
)
