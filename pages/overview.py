"""What this is, what the newest cohort says at a glance, and where to go on."""

import streamlit as st

from pages.parts import overview
from pages.parts.shared import controls, display
from pages.parts.shell import home, menu, sample
from pages.parts.shell.language import _

view = overview.newest()
says = _("Predicted against true, with an honest error, for models that read blood pressure and more from the retina.")
buttons = display.title("Fundus Lab", overview.caption(view, says), view=view)
with buttons:
    if st.button(_("Try it with your photographs"), type="primary", icon=":material/add_photo_alternate:"):
        st.switch_page(menu.path("new_cohort"))

overview.runs_in_progress()
if view:
    overview.multiples(view)
elif not sample.is_loading(home.store(), home.folder()):
    controls.offer_sample(home.store().cohorts())
overview.cohorts(besides=view)
