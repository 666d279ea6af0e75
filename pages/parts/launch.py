"""The last step of a new cohort: its name, the model, the start, and watching the run."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from fundus_core import runs
from fundus_core.errors import UsageError
from fundus_core.truth import Match
from pages.parts import cards, home, intake, menu, progress, show, state
from pages.parts.intake import Found
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
    if not rendered and any(cards.reads_rendered_eyes(model) for model in chosen):
        st.caption(f":material/info: {_(show.RENDERED_MODEL)}")
    label = _("Read {n} photographs").format(n=count(len(found.sources)))
    if st.button(label, type="primary", icon=":material/play_arrow:", disabled=not (chosen and name.strip())):
        _start(name, found, matched, chosen, rendered=rendered)


def _start(name: str, found: Found, matched: Match | None, models: list[str], *, rendered: bool) -> None:
    bar = st.progress(0.0, text=_("Putting the photographs away"))

    def tell(done: int, total: int) -> None:
        if done % 50 == 0:
            bar.progress(done / total, text=_("Putting the photographs away"))

    store = home.store()
    try:
        cohort, _added = intake.make(store, name, found, matched, tell, rendered=rendered)
        run = runs.submit(store, cohort.id, models)
    except UsageError as fault:
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
