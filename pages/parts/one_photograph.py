"""The parts of the page about one photograph."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from fundus_core import figures, journey, pipeline, runs, synthetic
from fundus_core.errors import FundusError, UsageError
from fundus_core.explain import Explanation, Saliency, overlay
from fundus_core.figures import number
from fundus_core.images.sources import source_at
from fundus_core.records import Floats, QualityCheck, QualityReport, Status
from fundus_core.store import Cohort, Item, NewPhotograph, Store, Where
from fundus_core.targets import TARGETS
from pages.parts.new_cohort import strict
from pages.parts.new_cohort.arrival import KINDS
from pages.parts.shared import cards, photo, progress, results, show
from pages.parts.shared.results import View
from pages.parts.shell import home, menu
from pages.parts.shell.language import _, said
from pages.parts.shell.sample import FOLDER, NAME

SINGLES = "Single photographs"
"""The cohort that holds what was dropped on this page; it can be looked at and deleted like any other."""
_LISTED = 500


def drop() -> Item | None:
    """Let the user drop a photograph and have it read; return it once it is in the store."""
    with st.expander(_("Drop a photograph"), expanded=not st.query_params.get("photograph")):
        file = st.file_uploader(
            _("Photograph"), [kind for kind in KINDS if kind != "zip"], key="single", max_upload_size=200
        )
        ready = cards.ready()
        if file is None:
            return None
        if not ready:
            st.warning(_("No model has its weights here yet. The page Models says how to bring them."))
            return None
        model = st.selectbox(_("Model"), ready, format_func=cards.title, key="single_model")
    return _read(file.name, file.getvalue(), str(model))


def _read(name: str, data: bytes, model: str) -> Item:
    store = home.store()
    cohort = _singles(store)
    kept = store.keep(data)
    known = f"{kept.sha256[:12]}/{name}"
    added = store.add_photographs(cohort.id, [NewPhotograph.of_kept(known, kept)])
    if added.added or model not in [version.model for version in store.models(cohort.id)]:
        runs.submit(store, cohort.id, [model])
        runs.ensure_worker(store)
    for run in runs.of(store, cohort.id)[:1]:
        if not run.ended:
            progress.watch(run.run)
    return store.photograph(cohort.id, known, model=model)


def _singles(store: Store) -> Cohort:
    for cohort in store.cohorts():
        if cohort.name == SINGLES:
            return cohort
    return store.create_cohort(SINGLES)


def own_view(_item: Item) -> View:
    """Return the view of the cohort that holds dropped photographs."""
    store = home.store()
    model = st.session_state.get("single_model", "")
    return View(store.cohort(SINGLES), str(model))


def chosen(view: View, dropped: Item | None) -> Item | None:
    """Return the photograph to show: the dropped one, else the one in the address, else one to begin with."""
    if dropped is not None:
        return dropped
    store, model = home.store(), view.model or None
    with menu.choices():
        text = st.text_input(_("Search"), key="find_one", placeholder=_("name or patient"))
        found = store.photographs(view.cohort.id, Where(text=text), model=model, limit=_LISTED).items
        told = st.query_params.get("photograph", "")
        names = [item.name for item in found]
        if told and told not in names and not text:
            names.insert(0, told)
        if not names:
            return None
        index = names.index(told) if told in names else _first_predicted(found)
        name = st.selectbox(_("Photograph"), names, index=index, key=f"one-{view.cohort.id}-{text}-{told}")
    try:
        item = store.photograph(view.cohort.id, str(name), model=model)
    except UsageError:
        return None
    st.query_params["photograph"] = item.name
    return item


def _first_predicted(items: tuple[Item, ...]) -> int:
    return next((at for at, item in enumerate(items) if item.status == "predicted"), 0)


def picture(view: View, item: Item) -> None:
    """Draw the crop that the model saw, and every quality check."""
    st.image(photo.picture(item), width="stretch", alt=photo.describe(item))
    st.markdown(f"**{item.name}**")
    st.caption(" · ".join([photo.eye(item.eye), photo.details(item)]))
    if item.status != "predicted" and item.status != "queued":
        st.warning(photo.reason(item))
    elif remark := photo.note(item):
        st.caption(f":material/info: {remark}")
    report = _quality(view, item)
    if report is not None:
        with st.expander(_("Quality checks"), expanded=not report.gradable):
            st.dataframe([_check(check) for check in report.checks], hide_index=True)


def _quality(view: View, item: Item) -> QualityReport | None:
    try:
        source = source_at(home.store().locator(view.cohort.id, item.name))
    except FundusError:
        return None
    found = journey.examine(source, limits=strict.limits(view))
    return None if found.status is Status.FAILED else found.quality


def _check(check: QualityCheck) -> dict[str, object]:
    return {
        _("Check"): _(check.code.replace("_", " ")),
        _("Measured"): f"{check.value:.3g}",
        _("Limit"): f"{check.limit:.3g}",
        _("Kept"): check.passed,
    }


def values(view: View, item: Item) -> None:
    """Draw each predicted value with its interval among the cohort's predictions."""
    if item.status == "queued":
        st.info(_("This photograph waits to be read."))
    if item.out_of_distribution > 1:
        st.warning(
            _("Unlike the photographs that the model learned from (distance {d}; 1 is the limit).").format(
                d=f"{item.out_of_distribution:.1f}"
            )
        )
    table = results.table(view)
    for name in TARGETS:
        if name in item.predictions:
            others = table.predicted.get(name, np.empty(0))
            _value(view, item, name, others[np.isfinite(others)])


def _value(view: View, item: Item, name: str, others: Floats) -> None:
    target, prediction = TARGETS[name], item.predictions[name]
    with st.container(border=True, gap="xsmall"):
        words, chart = st.columns([2, 3], vertical_alignment="center")
        with words:
            st.markdown(f"{figures.heading(_(target.name))}  \n**{number(prediction.value, target)}** {_(target.unit)}")
            st.caption(_interval(item, name))
        with chart:
            show.chart(figures.among(target, prediction, others, show.look(view), height=110), f"among-{name}")


def _interval(item: Item, name: str) -> str:
    target, prediction = TARGETS[name], item.predictions[name]
    parts = []
    if math.isfinite(prediction.low) and math.isfinite(prediction.high):
        words = _("90 % of people like this: {low} to {high}")
        parts.append(words.format(low=number(prediction.low, target), high=number(prediction.high, target)))
    if name in item.truth:
        parts.append(_("measured: {value}").format(value=number(item.truth[name], target)))
    return "  \n".join(parts)


def saliency(view: View, item: Item) -> None:
    """Offer to ask where the model looks in this photograph; the answer comes from a process of its own."""
    if item.status != "predicted" or view.model not in cards.ready():
        return
    with st.expander(_("Where does the model look?")):
        if not st.button(_("Ask the model"), key=f"ask-{item.sha256}"):
            st.caption(_("Takes seconds for a small model, minutes for a large one."))
            return
        try:
            found = _explained(home.store().locator(view.cohort.id, item.name), view.model, item.sha256)
        except FundusError as fault:
            st.error(said(fault))
            return
        with st.grid(min_column_width=170):
            for name, one in found.maps.items():
                _map(found, name, one)
        st.caption(_("Bright: where blurring would move the value most. A map that beats no random map means nothing."))


@st.cache_resource(max_entries=24, show_spinner=True)
def _explained(locator: str, model: str, sha256: str) -> Explanation:
    return pipeline.ask_explanation(locator, model)


def _map(found: Explanation, name: str, one: Saliency) -> None:
    words = _("better than chance") if one.deletion.meaningful else _("no better than chance")
    title = figures.heading(_(TARGETS[name].name))
    alt = _("Where the model looks for {name}.").format(name=_(TARGETS[name].name))
    st.image(overlay(found.crop, one.map), width="stretch", caption=f"{title} · {words}", alt=alt)


def what_if(view: View, item: Item) -> None:
    """On the sample cohort: redraw the eye as what it shows of a person changes."""
    if view.cohort.name != NAME:
        return
    try:
        eye = synthetic.find(FOLDER, item.name)
    except UsageError:
        return
    with st.expander(_("What if this person were different?")):
        st.caption(_("A rendered eye can be drawn again. Each slider moves one signal, in standard deviations."))
        left, right = st.columns([2, 3])
        with left:
            shifts = {
                name: st.slider(
                    figures.heading(_(TARGETS[name].name)), -3.0, 3.0, 0.0, 0.5, key=f"z-{item.name}-{name}"
                )
                for name in TARGETS
            }
        with right:
            before, after = st.columns(2)
            before.image(eye.redraw({}), caption=_("as it is"), width="stretch", alt=_("The eye as it is."))
            after.image(eye.redraw(shifts), caption=_("as it would be"), width="stretch", alt=_("The eye redrawn."))
