"""A saved cohort as slides: full screen, arrow keys, and as a file that stands alone."""

import streamlit as st

from pages.parts.present import deck
from pages.parts.shared import controls, current_selection, display, exports, studies
from pages.parts.shell import address
from pages.parts.shell.language import _

view = controls.require_view(_("Present"))
view = current_selection.applied(view, current_selection.current(view))
buttons = display.title(_("Present"), _("Arrow keys move from slide to slide. Each slide stands alone."), view=view)
studies.read(view)
studies.await_slides(view)
if not studies.targets(studies.scores(view)):
    display.incomplete(view, _("No photograph of this cohort has both a prediction and a measured value yet."))
    st.stop()
with buttons:
    theme = "dark" if st.context.theme.type == "dark" else "light"
    words = {"light": _("Light"), "dark": _("Dark")}
    ground = address.pick(
        st.segmented_control, _("Ground"), list(words), key="ground", default=theme, words=words, always=True,
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    study = deck.ask(view)
    place = st.container(horizontal=True, width="content")
made = deck.deck_of(view, study, dark=ground == "dark")
chosen = deck.chosen(place, made.deck)
deck.show(chosen)
exports.say_lacking(deck.figures(chosen))
with place:
    name = view.title
    display.download("PowerPoint", f"{name}.pptx", lambda: deck.as_powerpoint(chosen), mime=display.POWERPOINT)
    display.download("HTML", f"{name}.html", lambda: deck.as_file(chosen), mime="text/html")
if not made.drawn:
    with st.spinner(_("Drawing the slides")):
        made.draw()
    st.rerun()
