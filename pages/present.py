"""A saved cohort as slides: full screen, arrow keys, and as a file that stands alone."""

import streamlit as st

from pages.parts.present import deck, slides
from pages.parts.shared import choose, results, show
from pages.parts.shell.language import _

view = choose.require_view(_("Present"))
buttons = show.title(_("Present"), _("Arrow keys move from slide to slide. Each slide stands alone."), view=view)
if not results.targets(results.evaluated(view)):
    show.empty(
        _("No photograph of this cohort has both a prediction and a measured value yet."),
        "new_cohort",
        _("New cohort"),
        "add_photo_alternate",
    )
    st.stop()
dark = st.context.theme.type == "dark"
made = slides.of_cohort(view, dark=dark)
footer = slides.footer(view)
deck.show(made, footer, view.cohort.name, dark=dark)
with buttons:
    show.download(
        "PowerPoint",
        "slides.pptx",
        lambda: deck.as_powerpoint(made, footer, dark=dark),
        mime="application/vnd.openxmlformats-officedocument.presentationml.presentation",
    )
    show.download(
        "HTML", "slides.html", lambda: deck.as_file(made, footer, view.cohort.name, dark=dark), mime="text/html"
    )
