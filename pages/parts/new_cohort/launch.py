"""The last step of a new cohort: its name, the model, the start, and watching the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import streamlit as st

from fundus_core import pipeline, runs
from fundus_core.deidentify import audit_csv
from fundus_core.errors import FundusError, UsageError
from fundus_core.quality import LIMITS, Limits
from fundus_core.truth import Match
from pages.parts.new_cohort import door, intake, strict
from pages.parts.new_cohort.intake import Found, Plan
from pages.parts.shared import cards, progress, show
from pages.parts.shell import home, menu, state
from pages.parts.shell.language import _, count, said


def form(found: Found, matched: Match | None) -> None:
    """Draw name, model and the start button; start when it is pressed."""
    store, models = home.store(), cards.ready()
    if not models:
        st.warning(_("No model has its weights here yet. The page Models says how to bring them."))
    taken = [cohort.name for cohort in store.cohorts()]
    wish = intake.free_name(taken, _("Cohort {date}").format(date=f"{datetime.now():%Y-%m-%d}"))
    left, right = st.columns(2)
    name = left.text_input(_("Name of the cohort"), wish, max_chars=120, key=f"name{state.upload_number()}")
    chosen = right.pills(
        _("Models"), models, selection_mode="multi", default=models[:1], format_func=cards.title, key="with_models"
    )
    rendered = st.checkbox(_("These photographs are rendered, not taken"), key=f"rendered{state.upload_number()}")
    wanted, pseudonyms = door.at_intake(found, matched)
    percentile = strict.percentile()
    if not rendered and any(cards.reads_rendered_eyes(model) for model in chosen):
        st.caption(f":material/info: {_(show.RENDERED_MODEL)}")
    possible = bool(chosen and name.strip() and (pseudonyms or not wanted))
    label = _("Read {n} photographs").format(n=count(len(found.sources)))
    if st.button(label, type=show.leading(), icon=":material/play_arrow:", disabled=not possible):
        _start(Plan(name, found, matched, rendered, pseudonyms), chosen, percentile)


def _start(plan: Plan, models: list[str], percentile: float) -> None:
    bar = st.progress(0.0)
    store = home.store()
    try:
        limits = _limits(plan.found, percentile, _teller(bar, _("Measuring the quality of a sample")))
        made = intake.make(store, plan, _teller(bar, _("Putting the photographs away")))
        run = runs.submit(store, made.cohort.id, models, limits=limits)
    except FundusError as fault:
        st.error(said(fault))
        return
    runs.ensure_worker(store)
    door.leave()
    state.forget_upload()
    state.remember("audit", (run, audit_csv(made.audit)) if made.audit else None)
    state.watch(run)
    st.rerun()


def _limits(found: Found, percentile: float, tell: Callable[[int, int], None]) -> Limits:
    return pipeline.limits_of(found.sources, percentile, progress=tell) if percentile else LIMITS


def _teller(bar: Any, words: str) -> Callable[[int, int], None]:
    """Return what moves the bar, a hundred times at most."""

    def tell(done: int, total: int) -> None:
        if done % max(1, total // 100) == 0:
            bar.progress(min(done / max(total, 1), 1.0), text=words)

    return tell


def _audit(run: int) -> None:
    """Offer the audit of the intake that began this run, as long as this tab remembers it."""
    kept = state.recall("audit")
    if kept is None or kept[0] != run:
        return
    with st.container(border=True):
        show.download(_("Audit of the de-identification (CSV)"), "audit.csv", lambda: kept[1])
        st.caption(
            _("A line per photograph: its pseudonym, the hash of the original, what was taken away. Kept nowhere.")
        )


def watched(run: int) -> None:
    """Show the run that this tab started or was linked to, and where to go from there."""
    store = home.store()
    try:
        now = runs.progress(store, run)
    except UsageError as fault:
        st.warning(said(fault))
        state.watch(None)
        return
    name = store.cohort(now.cohort).name
    st.subheader(name, anchor=False)
    progress.watch(run)
    _audit(run)
    if not now.ended:
        st.caption(_("Leave this page if you like: the run goes on, and this address finds it again."))
    with st.container(horizontal=True, vertical_alignment="center"):
        go = _("Evaluate {name}").format(name=name)
        if st.button(go, type=show.leading() if now.ended else "secondary", icon=":material/query_stats:"):
            st.switch_page(menu.path("evaluate"), query_params={"cohort": name})
        st.page_link(
            menu.path("explore"),
            label=_("See every photograph"),
            icon=":material/photo_library:",
            query_params={"cohort": name},
        )
        if st.button(_("Another cohort"), icon=":material/add_photo_alternate:"):
            state.watch(None)
            st.rerun()
