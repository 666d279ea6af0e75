"""Saved cohorts: find, rename, merge, export, delete, and bring in."""

import streamlit as st

from pages.parts.cohorts import dialogs, listing, whole
from pages.parts.shared import controls, display
from pages.parts.shell import home, people
from pages.parts.shell.language import _

buttons = display.title(
    _("Cohorts"), _("What this installation holds. Deleting removes photographs, truth and results alike.")
)
cohorts = home.store().cohorts()
with buttons:
    if len(cohorts) > 1 and st.button(_("Merge"), icon=":material/merge:"):
        dialogs.merge(cohorts)
    if st.button(_("Bring in an export"), icon=":material/unarchive:"):
        dialogs.bring_in()
whole.draw(local=people.local())
if not cohorts:
    display.empty_state(_("There is no cohort yet."), "new_cohort", _("New cohort"), "add_photo_alternate")
    controls.offer_sample(cohorts)
listing.draw(cohorts)
