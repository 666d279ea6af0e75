"""Which photograph is shown, its crop and quality, and which model read it."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fundus_core import journey, runs
from fundus_core.errors import FundusError, joined
from fundus_core.images.sources import source_at
from fundus_core.quality import Limits
from fundus_core.records import Pixels, QualityCheck, QualityReport, Status
from fundus_core.report import Single, render_photograph
from fundus_core.retina import CropRule
from fundus_core.store import Cohort, Ids, Item, NewPhotograph, Store, Where
from pages.parts.new_cohort import quality_limits
from pages.parts.new_cohort.upload import KINDS
from pages.parts.shared import display, exports, photo_panel, progress
from pages.parts.shared.exports import grid
from pages.parts.shared.studies import View
from pages.parts.shell import address, cards, home, menu
from pages.parts.shell.language import _, current, literal, tell
from pages.parts.shell.sample import singles

_CROP_PX = 640
"""Side of the crop on the page, where the worker has not made one."""


def picture(view: View, item: Item) -> None:
    """Draw the crop, which model read it, and every quality check."""
    seen = _seen(view, item)
    crop = None if home.store().crop(item.sha256) else seen.crop
    st.image(photo_panel.picture(item) if crop is None else crop, width="stretch", alt=photo_panel.describe(item))
    st.markdown(f"**{literal(photo_panel.name_of(item))}**")
    st.caption(" · ".join(filter(None, [photo_panel.eye(item.eye), photo_panel.details(item)])))
    if item.status != "predicted" and item.status != "queued":
        st.warning(photo_panel.reason(item))
    elif remark := photo_panel.note(item):
        st.caption(f":material/info: {remark}")
    if view.model:
        tip = _("What this model is, what was published about it, and on which terms it may be used.")
        st.page_link(
            menu.path("models"), label=literal(cards.title(view.model)), icon=":material/deployed_code:", help=tip
        )
    if seen.quality is not None:
        with st.expander(_("Quality checks"), expanded=not seen.quality.gradable):
            grid([_check(check) for check in seen.quality.checks])


@dataclass(frozen=True, slots=True)
class Measured:
    """What a look at the photograph itself gives, beside what the store knows of it."""

    quality: QualityReport | None = None
    """Its checks; ``None`` where it could not be read."""
    crop: Pixels | None = None
    """H x W x 3, uint8, RGB: the field of view, black outside; ``None`` where there is none."""


def _seen(view: View, item: Item) -> Measured:
    try:
        locator = home.store().locator(view.cohort.id, item.name)
    except FundusError:
        return Measured()
    return _look(locator, item.sha256, quality_limits.limits(view))


@st.cache_resource(max_entries=24, show_spinner=False)
def _look(locator: str, sha256: str, limits: Limits) -> Measured:
    """Known by where the photograph lies and what it holds: a click elsewhere on the page must not read it again."""
    try:
        found = journey.examine(source_at(locator), [CropRule(_CROP_PX)], limits=limits)
    except FundusError:
        return Measured()
    if found.status is Status.FAILED or found.quality is None:
        return Measured()
    return Measured(found.quality, found.crops[0].pixels if found.crops else None)


def report(view: View, item: Item) -> None:
    """Draw the button that fetches what this page says of a photograph as one HTML file."""
    name = photo_panel.name_of(item)

    def made() -> str:
        path, seen = photo_panel.picture(item), _seen(view, item)
        data = b"" if path == photo_panel.MISSING else Path(path).read_bytes()
        model = cards.known()[view.model].title if view.model in cards.known() else view.model
        notice = joined((display.disclaimer(view), display.RESEARCH))
        checks = seen.quality.checks if seen.quality else ()
        return render_photograph(Single(name, view.title, tell(model), item, data, checks, notice), tell, current())

    display.download(_("Report (HTML)"), f"{exports.file_name(name)}.html", made, mime="text/html")


def _check(check: QualityCheck) -> dict[str, object]:
    return {
        _("Check"): _(check.code.replace("_", " ")),
        _("Measured"): f"{check.value:.3g}",
        _("Limit"): f"{check.limit:.3g}",
        _("Kept"): check.passed,
    }


_LISTED = 500


def drop() -> Item | None:
    """Let the user drop a photograph and have it read; return it once it is in the store."""
    with st.expander(_("Drop a photograph"), expanded=not st.query_params.get("photograph")):
        file = st.file_uploader(
            _("Photograph"),
            [kind for kind in KINDS if kind != "zip"],
            key="single",
            max_upload_size=200,
            label_visibility="collapsed",
        )
        ready = cards.ready()
        if file is None:
            return None
        if not ready:
            st.warning(_("No model has its weights here yet. The page Models says how to bring them."))
            return None
        address.held(_("Model"), "single_model", ready, say=cards.title)
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
    for run in runs.runs_of(store, cohort.id)[:1]:
        if not run.ended:
            progress.watch(run.run)
    return store.photograph(cohort.id, known, model=model)


def _singles(store: Store) -> Cohort:
    for cohort in store.cohorts():
        if cohort.name == singles():
            return cohort
    return store.create_cohort(singles())


def single_photo_view(_item: Item) -> View:
    """Return the view of the cohort that holds dropped photographs."""
    store = home.store()
    model = st.session_state.get("single_model", "")
    return View(store.cohort(singles()), str(model))


def chosen(view: View, dropped: Item | None) -> Item | None:
    """Return the photograph to show: the dropped one, else the one in the address, else one to begin with.

    Raises:
        GoneError: The address or the tab names a photograph that the cohort does not have.
    """
    if dropped is not None:
        return dropped
    told = photo_panel.addressed(view) or photo_panel.selected(view)
    with menu.choices():
        text = st.text_input(_("Search"), key="find_one", placeholder=_("name or patient"))
        listed = dict(home.store().names(view.cohort.id, Where(text=text), _LISTED))
        first = told if told and (not text or told.id in listed) else _first(view, text)
        if first is None:
            return None
        listed = listed if first.id in listed else {first.id: first.name} | listed
        number = st.selectbox(
            _("Photograph"),
            list(listed),
            index=list(listed).index(first.id),
            format_func=listed.__getitem__,
            key=f"one-{view.cohort.key}-{text}-{first.key}",
        )
    item = first if number == first.id else _found(view, Where(ids=Ids.of([number]))) or first
    if told or item is not first:
        photo_panel.select(view, item.name)
    address.write("photograph", item.key)
    return item


def _first(view: View, text: str) -> Item | None:
    """Return the first that is predicted, or the first, of those that a search finds; ``None`` where it finds none."""
    return _found(view, Where(text=text, statuses=("predicted",))) or _found(view, Where(text=text))


def _found(view: View, where: Where) -> Item | None:
    return home.store().first(view.cohort.id, where, model=view.model or None)
