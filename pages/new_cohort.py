"""Photographs in, truth table matched, run started and watched."""

import streamlit as st

from pages.parts.new_cohort import (
    additions,
    analysis_plan,
    external_predictions,
    ingest,
    reference_table,
    start_run,
    upload,
)
from pages.parts.shared import display
from pages.parts.shell import address, sample, state
from pages.parts.shell.language import _, worded

to = additions.cohort()
display.title(
    _("New cohort") if to is None else _("Add to {name}").format(name=sample.typed(to.name)),
    _("Photographs and measured values stay on this machine. Nothing runs before you press the button."),
)

if (job := start_run.going()) is not None:
    start_run.follow(job)
if run := state.run():
    start_run.watched(run)
    st.stop()

if to is not None:
    additions.page(to)
    st.stop()

words = {"photographs": _("Photographs"), "predictions": _("Predictions made elsewhere")}
if address.pick(st.segmented_control, _("What you bring"), list(words), key="bring", words=words, required=True) != (
    "photographs"
):
    external_predictions.form()
    st.stop()

head = st.container()
found = upload.photographs()
if found is None:
    head.subheader(_("1 · Photographs"), anchor=False)
    st.caption(_("Then follow a table of measured values, if you have one, and the choice of a model."))
    st.stop()
brought = worded("{n:,} {n:photograph|photographs}", n=len(found.sources))
head.subheader(f":material/check: {_('1 · Photographs')} · {brought}", anchor=False)
found = ingest.with_visits_of_names(found)

analysis_plan.before(truth_is_there=reference_table.is_there())

st.subheader(_("2 · Measured values"), anchor=False)
matched = reference_table.table(found)

st.subheader(_("3 · Run a model"), anchor=False)
start_run.form(found, matched)
