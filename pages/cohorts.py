"""Saved cohorts: rename, merge, export, delete, and a new truth table."""

import streamlit as st

from pages.parts.cohorts import shelf
from pages.parts.shared import show
from pages.parts.shell import home
from pages.parts.shell.language import _

show.title(_("Cohorts"), _("What this installation holds. Deleting removes photographs, truth and results alike."))
cohorts = home.store().cohorts()
if not cohorts:
    show.empty(_("There is no cohort yet."), "new_cohort", _("New cohort"), "add_photo_alternate")
for cohort in cohorts:
    shelf.card(cohort)
left, right = st.columns(2)
with left:
    shelf.merge(cohorts)
with right:
    shelf.bring_in()
