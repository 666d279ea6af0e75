"""Which photograph is shown: one that is dropped here, one of the address, or one of a cohort."""

import streamlit as st

from fundus_core import runs
from fundus_core.store import Cohort, Item, NewPhotograph, Store, Where
from pages.parts.new_cohort.upload import KINDS
from pages.parts.shared import photo_panel, progress
from pages.parts.shared.studies import View
from pages.parts.shell import address, cards, home, menu
from pages.parts.shell.language import _
from pages.parts.shell.sample import singles

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
    item = first if number == first.id else (_found(view, Where(ids=(number,))) or (first,))[0]
    if told or item is not first:
        photo_panel.select(view, item.name)
    address.write("photograph", item.key)
    return item


def _first(view: View, text: str) -> Item | None:
    """Return the first that is predicted, or the first, of those that a search finds; ``None`` where it finds none."""
    found = _found(view, Where(text=text, statuses=("predicted",))) or _found(view, Where(text=text))
    return found[0] if found else None


def _found(view: View, where: Where) -> tuple[Item, ...]:
    return home.store().photographs(view.cohort.id, where, model=view.model or None, limit=1).items
