"""A single eye: crop, quality, values with intervals, and what-if on a rendered one."""

import streamlit as st

from pages.parts import one_photograph
from pages.parts.shared import choose, show
from pages.parts.shell.language import _

show.title(_("One photograph"), _("What a model reads from a single eye, and how sure it is."))
dropped = one_photograph.drop()
view = one_photograph.own_view(dropped) if dropped else choose.require_view()
item = one_photograph.chosen(view, dropped)
if item is None:
    st.info(_("This cohort has no photograph of that name. Choose another, or drop one above."))
    st.stop()
if sentence := show.caveat(view):
    st.caption(f":material/info: {_(sentence)}")
left, right = st.columns([2, 3])
with left:
    one_photograph.picture(view, item)
with right:
    one_photograph.values(view, item)
one_photograph.saliency(view, item)
one_photograph.what_if(view, item)
