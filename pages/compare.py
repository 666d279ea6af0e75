"""Cohorts side by side: errors, the people behind them, and what remains on common ground."""

import streamlit as st

from fundus_core.targets import TARGETS
from pages.parts import beside, choose, results, show
from pages.parts.language import _

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
ids = [name for name in TARGETS if any(name in results.table(view).predicted for view in views)]
target = choose.target(ids)
found = results.comparison(views, target, level)
left, right = st.columns(2)
with left, st.container(border=True):
    beside.forest(views, found, target)
with right, st.container(border=True):
    beside.scatter(views, target, level)
beside.differences(found, target)
beside.common_ground(found, target)
beside.case_mix(found)
