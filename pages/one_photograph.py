"""A single eye: crop, quality, values with intervals, and what-if on a rendered one."""

import streamlit as st

from pages.parts import choose, show, single
from pages.parts.language import _

show.title(_("One photograph"), _("What a model reads from a single eye, and how sure it is."))
dropped = single.drop()
view = single.own_view(dropped) if dropped else choose.require_view()
item = single.chosen(view, dropped)
if item is None:
    st.info(_("This cohort has no photograph of that name. Choose another, or drop one above."))
    st.stop()
if sentence := show.caveat(view):
    st.caption(f":material/info: {_(sentence)}")
left, right = st.columns([2, 3])
with left:
    single.picture(view, item)
with right:
    single.values(view, item)
single.saliency(view, item)
single.what_if(view, item)
