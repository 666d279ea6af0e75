"""The gallery: every photograph, its prediction or its refusal."""

import streamlit as st

from pages.parts import explore
from pages.parts.new_cohort import quality_limits
from pages.parts.shared import controls, current_selection, deciding, display, studies
from pages.parts.shell import home, sample
from pages.parts.shell.language import _, worded

view = controls.require_view(_("Explore"))
place = display.title(
    _("Explore"), _("Every photograph of **{name}**.").format(name=sample.typed(view.cohort.name)), view=view
)
if display.no_photographs(view):
    st.stop()
quality_limits.note(view)
selection = current_selection.current(view)
rule, order, target, descending = explore.filters(view)
by, first = explore.sorting(view, order, target)
inside = explore.within(selection)
number = explore.page_number()
page = home.store().photographs(
    view.cohort.id,
    explore.where(view, rule, inside),
    model=view.model or None,
    order=by,
    target=target if order in explore.WITH_TARGET else "",
    descending=descending and by == order,
    offset=(number - 1) * explore.PER_PAGE,
    limit=explore.PER_PAGE,
    ranked=first if rule.statuses in ((), ("predicted",)) else None,  # few of the others are among the first
)
with place:
    explore.select(view, rule, inside, page.total)
if selection is not None:
    current_selection.card(view, selection, target, studies.study(view).level, here="explore")
st.caption(worded("{n:,} {n:photograph fits|photographs fit}", n=page.total))
explore.page_turner(page.total, len(page.items))
if not page.items:
    st.info(_("No photograph fits these filters. Widen them."))
deciding.refusals(view)
explore.grid(view, page.items, target if order in explore.WITH_TARGET else "", selection)
explore.pages(page.total)
