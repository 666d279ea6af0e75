"""The last step of a new cohort: its name, the model, the start, handing photographs over, and watching the run."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import streamlit as st

from fundus_core import pipeline, runs
from fundus_core.deidentify import audit_csv
from fundus_core.errors import FundusError, UsageError
from fundus_core.quality import LIMITS, Limits
from fundus_core.store import Cohort, Store
from fundus_core.truth import Match
from pages.parts.new_cohort import analysis_plan, deidentify, ingest, quality_limits
from pages.parts.new_cohort.ingest import Found, Plan
from pages.parts.shared import display, progress
from pages.parts.shell import address, cards, home, menu, sample, state
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, said, worded


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far a handover is."""

    measuring: bool
    """Whether quality is being measured; else photographs are put away."""
    share: float
    """0 to 1."""


class IngestJob(threading.Thread):
    """Makes a cohort of a plan and submits its run; what came of it stands in the attributes once it has ended."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        models: Sequence[str],
        percentile: float,
        leave: Callable[[], None],
        limits: Limits = LIMITS,
    ) -> None:
        """Prepare; ``start`` begins, and ``leave`` is called once the photographs are in, to clear away the upload.

        Photographs below a percentile of quality are refused; by the limits that are given where it is 0.
        """
        super().__init__(name="handover", daemon=True)
        self._store, self._plan, self._models = store, plan, list(models)
        self._percentile, self._leave, self._limits = percentile, leave, limits
        self.stage = IngestProgress(percentile > 0, 0.0)
        self.run_id: int | None = None
        self.cohort: Cohort | None = None
        self.audit = ""
        self.fault = ""

    def run(self) -> None:
        """Measure, put away, submit."""
        try:
            self._hand_over()
        except (FundusError, OSError) as fault:
            self.fault = str(fault)

    def _hand_over(self) -> None:
        limits = self._limits
        if self._percentile:
            tell = self._teller(measuring=True)
            own = pipeline.limits_of(self._plan.found.sources, self._percentile, progress=tell)
            limits = replace(own, unstretch=limits.unstretch)
        made = ingest.make(self._store, self._plan, self._teller(measuring=False))
        self.audit = audit_csv(made.audit) if made.audit else ""
        if self._models:
            self.run_id = runs.submit(self._store, made.cohort.id, self._models, limits=limits)
            runs.ensure_worker(self._store)
        self.cohort = made.cohort
        self._leave()

    def _teller(self, *, measuring: bool) -> Callable[[int, int], None]:
        def tell(done: int, total: int) -> None:
            self.stage = IngestProgress(measuring, min(done / max(total, 1), 1.0))

        return tell


_EVERY_S = 0.2
"""Between two looks at how far a handover is."""


def form(found: Found, matched: Match | None) -> None:
    """Draw name, model and the start button; start when it is pressed."""
    store, models = home.store(), cards.ready()
    if not models:
        st.warning(_("No model has its weights here yet. The page Models says how to bring them."))
    taken = [cohort.name for cohort in store.cohorts()]
    wish = ingest.free_name(taken, _("Cohort {date}").format(date=f"{datetime.now():%Y-%m-%d}"))
    address.held(_("Models"), "with_models", models, say=cards.title)
    left, right = st.columns(2)
    name = left.text_input(_("Name of the cohort"), wish, max_chars=120, key=f"name{state.upload_number()}")
    first = [model for model in models if not cards.reads_rendered_eyes(model)] or models
    chosen = right.pills(
        _("Models"), models, selection_mode="multi", default=first[:1], format_func=cards.title, key="with_models"
    )
    wanted = deidentify.at_intake(found, matched)
    with st.expander(_("Quality limits, and whether these are photographs of people")):
        rendered = st.checkbox(_("These are computer-rendered images"), key=f"rendered{state.upload_number()}")
        percentile = quality_limits.percentile()
    unstretch = quality_limits.unstretch(found)
    meant = rendered or not any(map(cards.reads_rendered_eyes, chosen))
    words = "" if meant else f":material/info: {_(display.RENDERED_MODEL)}"
    possible = bool(chosen and name.strip() and wanted.possible)
    label = worded("Read {n:,} {n:photograph|photographs}", n=len(found.sources))
    if display.act(label, "play_arrow", possible=possible, words=words):
        start(
            Plan(
                name,
                found,
                matched,
                rendered,
                wanted.pseudonyms,
                wanted.covariates,
                wanted.writing,
                analysis=analysis_plan.stated(),
            ),
            chosen,
            percentile,
            Limits(unstretch=unstretch),
        )


def start(plan: Plan, models: list[str], percentile: float = 0.0, limits: Limits = LIMITS) -> None:
    """Begin to put photographs away and to read them, and show how far it is."""
    leave = home.inbox().batch(state.token()).discard
    job = IngestJob(home.store(), plan, models, percentile, leave, limits)
    job.start()
    state.remember("handover", job)
    follow(job)


def going() -> IngestJob | None:
    """Return the handover that this tab has begun, as long as its end was not seen."""
    job: IngestJob | None = state.recall("handover")
    return job


def follow(job: IngestJob) -> None:
    """Show how far a handover is, then its run; where it failed, say why and let the page go on."""
    words = {True: _("Measuring the quality of a sample"), False: _("Putting the photographs away")}
    bar = st.progress(0.0)
    while job.is_alive():
        bar.progress(job.stage.share, text=words[job.stage.measuring])
        job.join(_EVERY_S)
    bar.empty()
    state.remember("handover", None)
    if job.cohort is None:
        nobody_knows = _("The photographs could not be put away; the server's log says why. Bring them again.")
        st.error(said(job.fault) or nobody_knows)
        return
    deidentify.leave()
    state.forget_upload()
    state.remember("audit", (job.run_id, job.audit) if job.audit and job.run_id else None)
    if job.run_id is None:
        st.switch_page(menu.path("evaluate"), query_params={"cohort": job.cohort.key})
    state.watch(key_of(job.run_id))
    st.rerun()


def _audit(run: int) -> None:
    """Offer the audit of the intake that began this run, as long as this tab remembers it."""
    kept = state.recall("audit")
    if kept is None or kept[0] != run:
        return
    with st.container(border=True):
        display.download(_("Audit of the de-identification (CSV)"), "audit.csv", lambda: kept[1])
        st.caption(
            _("A line per photograph: its pseudonym, the hash of the original, what was taken away. Kept nowhere.")
        )


def _none_read(model: str) -> None:
    """Say what to do where not one photograph has values."""
    st.warning(_("Not one photograph was read; 'See every photograph' has the reason of each."))
    if cards.reads_rendered_eyes(model):
        words = _("This model reads rendered eyes only. Models for photographs of people are brought here:")
        st.caption(words)
        st.page_link(menu.path("models"), label=_("Models"), icon=":material/deployed_code:")


def key_of(run: int) -> str:
    """Return what names a run in links: with its cohort's key, since ids are used again."""
    store = home.store()
    return f"{run}-{store.cohort(runs.progress(store, run).cohort).key}"


def _found(key: str) -> int:
    """Return the run that a link names; a ``GoneError`` where there is none."""
    run = address.whole(key.partition("-")[0])
    with contextlib.suppress(UsageError):
        if run is not None and key_of(run) == key:
            return run
    raise GoneError(_("Run"), key, keys=["run"])


def watched(key: str) -> None:
    """Show the run that this tab started or was linked to, and where to go from there."""
    store, run = home.store(), _found(key)
    now = runs.progress(store, run)
    cohort = store.cohort(now.cohort)
    name = sample.typed(cohort.name)
    st.subheader(name, anchor=False)
    progress.watch(run)
    _audit(run)
    if now.ended and now.total and not now.predicted:
        _none_read(store.models(now.cohort)[0].model)
    if not now.ended:
        st.caption(_("Leave this page if you like: the run goes on, and this address finds it again."))
    with st.container(horizontal=True, vertical_alignment="center"):
        go = _("Evaluate {name}").format(name=name)
        if st.button(
            go,
            type="primary" if now.ended and now.predicted else "secondary",
            icon=":material/query_stats:",
        ):
            st.switch_page(menu.path("evaluate"), query_params={"cohort": cohort.key})
        st.page_link(
            menu.path("explore"),
            label=_("See every photograph"),
            icon=":material/photo_library:",
            query_params={"cohort": cohort.key},
        )
        if st.button(_("Another cohort"), icon=":material/add_photo_alternate:"):
            state.watch("")
            st.rerun()
