"""Cohorts side by side: errors, the people behind them, and what remains after adjustment for case mix."""

import streamlit as st

from fundus_core.analyses import side_by_side
from pages.parts.compare import comparison, selection, shared_results, slides
from pages.parts.shared import controls, display, paper_files, studies
from pages.parts.shell import menu
from pages.parts.shell.language import _

buttons = display.title(
    _("Compare"), _("Cohorts side by side. A cohort whose true values vary less has smaller errors for that alone.")
)
left, right, more = st.columns([5, 2, 2], vertical_alignment="bottom")
shared = shared_results.ask(more)
views = selection.views(left, right, beside=bool(shared))
if not views or len(views) + len(shared) < 2:
    selection.too_few(views)
    st.stop()
shared = shared_results.unique_names(shared, views)
if not studies.together_known(views, shared):
    st.stop()
selection.same_people(views, shared)
with menu.choices():
    level = controls.level(studies.together(views, shared=shared).level)
selection.caveats(views)
study = studies.together(views, level, shared=shared)
ids = study.targets
if not ids:
    st.info(
        _("No cohort has measured values beside predictions: below, who they are and how their predictions differ.")
    )
    if studies.together_kept(views, level, "", {}, shared):
        comparison.unlabelled(study, views)
    st.stop()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    target = controls.target(ids)
    margins = comparison.margins(target)
if not studies.together_kept(views, level, target, margins, shared):
    st.stop()
with st.spinner(_("Comparing"), show_time=True):
    study = studies.together(views, level, margins, shared)
    found = study.get(side_by_side.COMPARISON, target)
with buttons:
    paper_files.of_pair(
        study,
        views,
        lambda: comparison.csv_text(study.rows(side_by_side.ESTIMATES, target), views),
        lambda: studies.together_kept(views, level, "", margins, shared, offer=_("Compute all targets")),
    )
    slides.download(study, views, target)
selection.shared(views, found.in_both)
known = comparison.scores(found, target)
comparison.scatters(study, views, target)
comparison.forest_in_words(study, views, found, target, known)
comparison.tables(study, views, target, found.note)
