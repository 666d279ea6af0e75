"""The last step of a new cohort: its name, the model, the start, and watching the run."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from fundus_core import runs
from fundus_core.deidentify import Pseudonyms, own_key, own_key_file
from fundus_core.errors import FundusError, UsageError
from fundus_core.truth import Match
from pages.parts import cards, home, intake, menu, progress, show, state
from pages.parts.intake import Found, Plan
from pages.parts.language import _, count


def form(found: Found, matched: Match | None) -> None:
    """Draw name, model and the start button; start when it is pressed."""
    store, models = home.store(), cards.ready()
    if not models:
        st.warning(_("No model has its weights here yet. The page Models says how to bring them."))
    taken = [cohort.name for cohort in store.cohorts()]
    wish = intake.free_name(taken, _("Cohort {date}").format(date=f"{datetime.now():%Y-%m-%d}"))
    left, right = st.columns(2)
    name = left.text_input(_("Name of the cohort"), wish, max_chars=120, key=f"name{state.upload_number()}")
    chosen = right.multiselect(_("Models"), models, default=models[:1], format_func=cards.title, key="with_models")
    rendered = st.checkbox(_("These photographs are rendered, not taken"), key=f"rendered{state.upload_number()}")
    pseudonyms = _door(found)
    if not rendered and any(cards.reads_rendered_eyes(model) for model in chosen):
        st.caption(f":material/info: {_(show.RENDERED_MODEL)}")
    label = _("Read {n} photographs").format(n=count(len(found.sources)))
    if st.button(label, type="primary", icon=":material/play_arrow:", disabled=not (chosen and name.strip())):
        _start(Plan(name, found, matched, rendered, pseudonyms), chosen)


def _door(found: Found) -> Pseudonyms | None:
    """Let the user de-identify at the door, and show what that does to the first names."""
    tip = _("Names and patient ids become pseudonyms, writing beside the retina is blacked out, tags are dropped.")
    if not st.checkbox(_("De-identify at the door"), key=f"door{state.upload_number()}", help=tip):
        return None
    try:
        made = Pseudonyms(own_key())
    except UsageError as fault:
        st.error(str(fault))
        return None
    rows = [
        {
            _("File"): source.name,
            _("Becomes"): made.photograph(source.name),
            _("Patient"): made.patient(source.patient_id) or "–",
        }
        for source in found.sources[:5]
    ]
    st.dataframe(rows, hide_index=True)
    st.caption(
        _("The key that makes the pseudonyms stays with you, apart from the results: {file}").format(
            file=own_key_file()
        )
    )
    return made


def _start(plan: Plan, models: list[str]) -> None:
    bar = st.progress(0.0, text=_("Putting the photographs away"))

    def tell(done: int, total: int) -> None:
        if done % 50 == 0:
            bar.progress(min(done / total, 1.0), text=_("Putting the photographs away"))

    store = home.store()
    try:
        cohort = intake.make(store, plan, tell)
        run = runs.submit(store, cohort.id, models)
    except FundusError as fault:
        st.error(str(fault))
        return
    runs.ensure_worker(store)
    state.forget_upload()
    state.watch(run)
    st.rerun()


def watched(run: int) -> None:
    """Show the run that this tab started or was linked to, and where to go from there."""
    store = home.store()
    try:
        now = runs.progress(store, run)
    except UsageError as fault:
        st.warning(str(fault))
        state.watch(None)
        return
    name = store.cohort(now.cohort).name
    st.subheader(name, anchor=False)
    progress.watch(run)
    with st.container(horizontal=True):
        st.page_link(
            menu.path("evaluate"),
            label=_("Evaluate {name}").format(name=name),
            icon=":material/query_stats:",
            query_params={"cohort": name},
        )
        st.page_link(
            menu.path("explore"),
            label=_("See every photograph"),
            icon=":material/photo_library:",
            query_params={"cohort": name},
        )
        if st.button(_("Another cohort"), icon=":material/add_photo_alternate:"):
            state.watch(None)
            st.rerun()
