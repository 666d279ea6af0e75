"""The gallery: every photograph, its prediction or its refusal."""

import streamlit as st

from pages.parts import choose, gallery, home, show, strict
from pages.parts.language import _, count

view = choose.require_view(_("Explore"))
place = show.title(_("Explore"), _("Every photograph of **{name}**.").format(name=view.cohort.name), view=view)
strict.note(view)
where, order, target, descending = gallery.controls(view)
number = gallery.page_number()
page = home.store().photographs(
    view.cohort.id,
    where,
    model=view.model or None,
    order=order,
    target=target,
    descending=descending,
    offset=(number - 1) * gallery.PER_PAGE,
    limit=gallery.PER_PAGE,
)
with place:
    gallery.save_selection(view, where)
st.caption(_("{n} photographs fit").format(n=count(page.total)))
if not page.items:
    st.info(_("No photograph fits these filters. Widen them."))
gallery.grid(view, page.items, target)
gallery.pages(page.total)
