"""Cohorts side by side: errors, the people behind them, and what remains on common ground."""

import streamlit as st

from pages.parts.compare import beside, mending, truthless
from pages.parts.shared import choose, deeper, results, show
from pages.parts.shell.language import _

show.title(
    _("Compare"), _("Cohorts side by side. A cohort whose true values vary less has smaller errors for that alone.")
)
views = beside.choose_cohorts()
with st.sidebar:
    level = choose.level()
if len(views) < 2:
    show.empty(_("Choose two cohorts or more."), "new_cohort", _("New cohort"), "add_photo_alternate")
    st.stop()
beside.caveats(views)
ids = deeper.measured(views)
if not ids:
    st.info(
        _("No cohort has measured values beside predictions: below, who they are and how their predictions differ.")
    )
    beside.case_mix(deeper.case_mix(views)[0])
    truthless.imbalance(views)
    truthless.tables(views)
    st.stop()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    target = choose.target(ids)
    with st.container(width=260):
        margin = mending.margin(target)
found = results.comparison(views, target, level, margin)
left, right = st.columns(2)
with left, st.container(border=True):
    beside.forest(views, found, target)
with right, st.container(border=True):
    beside.scatter(views, target, level)
beside.differences(found, target)
mending.equivalence(found, target)
beside.common_ground(found, target)
mending.recalibration(views, target, level)
beside.case_mix(found.case_mix)
truthless.imbalance(views)
truthless.tables(views)
