"""Saved cohorts: find, rename, merge, export, delete, and bring in."""

import streamlit as st

from pages.parts.cohorts import dialogs, listing
from pages.parts.shared import choose, show
from pages.parts.shell import home
from pages.parts.shell.language import _

buttons = show.title(
    _("Cohorts"), _("What this installation holds. Deleting removes photographs, truth and results alike.")
)
cohorts = home.store().cohorts()
with buttons:
    if len(cohorts) > 1 and st.button(_("Merge"), icon=":material/merge:"):
        dialogs.merge(cohorts)
    if st.button(_("Bring in an export"), icon=":material/unarchive:"):
        dialogs.bring_in()
if not cohorts:
    show.empty_state(_("There is no cohort yet."), "new_cohort", _("New cohort"), "add_photo_alternate")
    choose.offer_sample(cohorts)
listing.draw(cohorts)
