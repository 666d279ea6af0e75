"""A single eye: crop, quality, values with intervals, and what-if on a rendered one."""

import streamlit as st

from pages.parts.one_photograph import preview, values, viewer
from pages.parts.shared import controls, deciding, display
from pages.parts.shell.language import _

buttons = display.title(_("One photograph"), _("What a model reads from a single eye, and how sure it is."))
dropped = preview.drop()
view = preview.single_photo_view(dropped) if dropped else controls.require_view()
if display.no_photographs(view):
    st.stop()
item = preview.chosen(view, dropped)
if item is None:
    st.info(_("No photograph fits this search. Search for something else, or drop one above."))
    st.stop()
with buttons:
    preview.report(view, item)
if sentence := display.disclaimer(view):
    st.caption(f":material/info: {_(sentence)}")
left, right = st.columns([2, 3])
with left:
    preview.picture(view, item)
    viewer.button(view, item)
    if not dropped:
        deciding.one(view, item)
with right:
    values.draw(view, item)
values.courses(view, item)
values.saliency(view, item)
values.what_if(view, item)
