"""The doors through which photographs come: the drop zone, a folder of this machine, and the small uploader."""

import ctypes
import gc
import sys

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fundus_core.errors import FundusError
from fundus_core.identity import PHOTOGRAPH_ENDINGS
from pages.parts.new_cohort import ingest
from pages.parts.new_cohort.ingest import Found
from pages.parts.new_cohort.upload_component import Refused, UploadReport, drop_zone, reason
from pages.parts.shell import address, home, paths, state
from pages.parts.shell.language import _, count, literal, said, worded
from pages.parts.shell.upload_store import Batch
from pages.parts.shell.upload_stream import UploadError

FEW = 300
"""Files that the small uploader takes; it keeps them in memory until they are written."""
KINDS = [*PHOTOGRAPH_ENDINGS, "zip"]


def photographs() -> Found | None:
    """Let the user bring photographs; return them once they are here, their doors folded."""
    known = ("photographs", state.upload_number())
    there = state.recall("step") == known
    label = _("Bring more photographs, or others") if there else _("Bring photographs")
    needs = st.container()
    with st.expander(label, expanded=not there):
        found = _through_a_door(needs)
    if there != (found is not None):
        state.remember("step", None if found is None else known)
        st.rerun()
    return found


def _through_a_door(needs: DeltaGenerator) -> Found | None:
    if not paths.roots():
        return _dropped(needs)
    words = {"drop": _("From this browser"), "path": _("From a folder of the server")}
    door = address.pick(
        st.segmented_control,
        _("Where the photographs are"),
        list(words),
        key="door",
        words=words,
        required=True,
        label_visibility="collapsed",
    )
    return _dropped(needs) if door == "drop" else _from_path()


def batch() -> Batch:
    """Return this tab's upload."""
    return home.inbox().batch(state.token())


def _dropped(needs: DeltaGenerator) -> Found | None:
    sent = drop_zone(state.token(), key=f"drop{state.upload_number()}")
    with st.expander(_("The drop zone does not work here?")):
        _small_uploader()
    with needs:
        _compare(sent)
    if not batch().arrived():
        return None
    try:
        found = _listed(batch(), batch().folder.name, batch().revision)
    except FundusError as fault:
        st.error(said(fault))
        return None
    return found if found.sources else None


@st.cache_resource(max_entries=8, show_spinner=False)
def _listed(_batch: Batch, token: str, revision: tuple[int, int]) -> Found:
    return ingest.of_batch(_batch)


def _compare(sent: UploadReport | None) -> None:
    """Say plainly where what arrived is not what was chosen."""
    if sent is None or sent.sent >= sent.chosen:
        return
    lines = [worded("{arrived:,} of {chosen:,} {chosen:file|files} arrived.", arrived=sent.sent, chosen=sent.chosen)]
    why: dict[str, list[str]] = {}
    for one in sent.failed:
        why.setdefault(reason(one), []).append(one.name)
    for words, names in why.items():
        lines.append(f"{words} ({count(len(names))}: {literal(', '.join(names[:3]))}{', …' if len(names) > 3 else ''})")
    st.warning("  \n".join(lines))


def _small_uploader() -> None:
    st.caption(_("Up to {n} files at a time.").format(n=FEW))
    files = st.file_uploader(_("Photographs"), KINDS, accept_multiple_files=True, key=f"few{state.upload_number()}")
    if len(files) > FEW:
        st.error(_("{n} files are too many here; use the drop zone, a ZIP, or a folder.").format(n=len(files)))
        return
    known = state.recall("few", frozenset())
    try:
        for file in files:
            if file.file_id not in known:
                batch().put(file.name, file.getvalue())
    except UploadError as refusal:
        st.error(reason(Refused("", 0, refusal.status, own=True)))
        return
    if files:
        state.remember("few", known | {file.file_id for file in files})
        _free_memory()


def _free_memory() -> None:
    """Drop what Streamlit holds of this session's uploads: it would stay until the tab has long been closed."""
    context = get_script_run_ctx()
    manager = getattr(context, "uploaded_file_mgr", None)
    if context is not None and hasattr(manager, "remove_session_files"):
        manager.remove_session_files(context.session_id)
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _from_path() -> Found | None:
    text = st.text_input(
        _("Folder, ZIP or CSV list on the server"),
        key="path",
        persist_state="session",
        placeholder=_("for example {path}").format(path="/data/photographs"),
        help=_("A CSV list has the columns path and, if known, patient_id, eye, and exam_date or visit."),
    )
    places_ = ", ".join(map(str, paths.roots()))
    st.caption(_("Below {places}, without hidden folders; photographs stay where they are.").format(places=places_))
    if not text:
        return None
    try:
        found = ingest.of_path(ingest.typed(text), paths.roots())
    except FundusError as fault:
        st.error(said(fault))
        return None
    if not found.sources:
        st.warning(_("There is no photograph in it."))
        return None
    return found
