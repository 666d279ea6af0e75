"""What a steward sees of a shared server: how much everybody keeps, and who did what; of no patient anything."""

import streamlit as st

from pages.parts import stewards
from pages.parts.shared import display
from pages.parts.shell import people
from pages.parts.shell.language import _

display.title(_("Stewards"), _("How much everybody keeps here, and who did what. What cohorts hold is not shown."))
if people.shared():
    stewards.sizes()
    stewards.log()
else:
    st.info(_("This server is used by one person on their own machine: there is nothing to look after."))
