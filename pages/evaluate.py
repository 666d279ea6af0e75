"""Predicted against true: the error of every target, and the eyes behind it."""

import streamlit as st

from pages.parts.evaluate import estimates, models, plan, scores, share
from pages.parts.shared import choose, photo, picked, receipt, show, since, studies
from pages.parts.shell import menu
from pages.parts.shell.language import _

view = choose.require_view(_("Evaluate"))
studies.read(view)
selection = picked.current(view)
photo.told(view)  # a link to one that is gone says so: within a fragment nobody hears it
with menu.choices():
    columns = studies.study(view).columns
    by = choose.grouping(columns)
    level = choose.level(studies.study(view).level)
found = studies.points(view, level)
ids = studies.targets(found)
buttons = show.title(_("Evaluate"), scores.caption(view, found), view=view)
scores.run_in_progress(view)

if not ids:
    show.incomplete(view, _("No photograph of this cohort has both a prediction and a measured value yet."))
    st.stop()

with buttons:
    show.download("CSV", "metrics.csv", lambda: show.csv_text(studies.exported(view, level).rows(), view))
place = st.container()
with st.container(horizontal=True, horizontal_alignment="distribute"):
    target = choose.target(ids)
    what = choose.one_of(_("Figure"), scores.figures_of(view, target), "figure")
with place:
    show.metric_cards(found, ids)
found = studies.scored(view, level, target)
scores.figure_with_panel(view, target, level, what, by, selection)
plan.table(view, level)
estimates.tables(view, target, level)
models.table(view, target, level)
share.draw(view, level)
receipt.kept(view)
since.draw(view, level)
