"""Predicted against true: the error of every target, and the eyes behind it."""

import streamlit as st

from pages.parts.evaluate import estimates, scores
from pages.parts.shared import (
    card_notes,
    changes_since,
    controls,
    current_selection,
    display,
    paper_files,
    photo_panel,
    studies,
)
from pages.parts.shell import menu
from pages.parts.shell.language import _

view = controls.require_view(_("Evaluate"))
studies.read(view, title=_("Evaluate"))
selection = current_selection.current(view)
photo_panel.addressed(view)  # a link to one that is gone says so: within a fragment nobody hears it
with menu.choices():
    columns = studies.study(view).columns
    by = controls.grouping(columns)
    level = controls.level(studies.study(view).level)
studies.read(view, level, _("Evaluate"))
found = studies.point_estimates(view, level)
ids = studies.targets(found)
buttons = display.title(_("Evaluate"), scores.caption(view, found), view=view)
scores.run_in_progress(view)
card_notes.of_numbers(view.cohort, view.model)

if not ids:
    display.incomplete(view, _("No photograph of this cohort has both a prediction and a measured value yet."))
    st.stop()

with buttons:
    paper_files.of_cohort(view, level, lambda: display.csv_text(studies.exported(view, level).rows(), view))
target = controls.one_of(_("Target"), display.errors(found, ids), "target")
found = studies.scored(view, level, target)
scores.figure_with_panel(view, target, level, by, selection)
estimates.plan(view, level)
estimates.tables(view, target, level)
estimates.recalibration(view)
estimates.share(view, level)
changes_since.draw_receipts(view)
changes_since.draw_changes(view, level)
