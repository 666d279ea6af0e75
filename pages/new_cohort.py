"""Photographs in, truth table matched, run started and watched."""

import streamlit as st

from pages.parts.new_cohort import arrival, elsewhere, later, launch, plan_in, truth_in, visits_in
from pages.parts.shared import display_names, show
from pages.parts.shell import address, state
from pages.parts.shell.language import _, worded

to = later.cohort()
show.title(
    _("New cohort") if to is None else _("Add to {name}").format(name=display_names.cohort(to.name)),
    _("Photographs and measured values stay on this machine. Nothing runs before you press the button."),
)

if (job := launch.going()) is not None:
    launch.follow(job)
if run := state.run():
    launch.watched(run)
    st.stop()

if to is not None:
    later.page(to)
    st.stop()

words = {"photographs": _("Photographs"), "predictions": _("Predictions made elsewhere")}
if address.pick(st.segmented_control, _("What you bring"), list(words), key="bring", words=words, required=True) != (
    "photographs"
):
    elsewhere.form()
    st.stop()

st.subheader(_("1 · Photographs"), anchor=False)
found = arrival.photographs()
if found is None:
    st.caption(_("Then follow a table of measured values, if you have one, and the choice of a model."))
    st.stop()
st.caption(worded("{n:,} {n:photograph|photographs}", n=len(found.sources)))
found = visits_in.of_photographs(found)

plan_in.before(truth_is_there=truth_in.is_there())

st.subheader(_("2 · Measured values"), anchor=False)
matched = truth_in.table(found)

st.subheader(_("3 · Run a model"), anchor=False)
launch.form(found, matched)
