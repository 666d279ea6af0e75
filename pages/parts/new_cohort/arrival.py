"""The doors through which photographs come: the drop zone, a folder of this machine, and the small uploader."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fundus_core.errors import FundusError
from pages.parts.new_cohort import intake
from pages.parts.new_cohort.inbox import Batch
from pages.parts.new_cohort.intake import Found
from pages.parts.new_cohort.uploader import Sent, drop_zone
from pages.parts.shell import address, home, places, state
from pages.parts.shell.language import _, count, said

FEW = 300
"""Files that the small uploader takes; it keeps them in memory until they are written."""
KINDS = ["jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp", "dcm", "zip"]


def photographs() -> Found | None:
    """Let the user bring photographs; return them once they are here."""
    if not places.local():
        return _dropped()
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
    return _dropped() if door == "drop" else _from_path()


def batch() -> Batch:
    """Return this tab's upload."""
    return home.inbox().batch(state.token())


def _dropped() -> Found | None:
    sent = drop_zone(state.token(), key=f"drop{state.upload_number()}")
    with st.expander(_("The drop zone does not work here?")):
        _small_uploader()
    arrived = batch().arrived()
    if not arrived:
        return None
    _compare(sent, len(arrived))
    try:
        found = _listed(batch(), batch().folder.name, batch().revision)
    except FundusError as fault:
        st.error(said(fault))
        return None
    return found if found.sources else None


@st.cache_resource(max_entries=8, show_spinner=False)
def _listed(_batch: Batch, token: str, revision: tuple[int, int]) -> Found:
    return intake.of_batch(_batch)


def _compare(sent: Sent | None, arrived: int) -> None:
    """Say plainly where what arrived is not what was chosen."""
    if sent is not None and arrived < sent.chosen:
        words = _("{arrived} of {chosen} files arrived. Choose the others again: {names}")
        names = ", ".join(sent.failed[:5])
        st.warning(words.format(arrived=count(arrived), chosen=count(sent.chosen), names=names))


def _small_uploader() -> None:
    st.caption(_("Up to {n} files at a time.").format(n=FEW))
    files = st.file_uploader(_("Photographs"), KINDS, accept_multiple_files=True, key=f"few{state.upload_number()}")
    if len(files) > FEW:
        st.error(_("{n} files are too many here; use the drop zone, a ZIP, or a folder.").format(n=len(files)))
        return
    known = state.recall("few", frozenset())
    for file in files:
        if file.file_id not in known:
            batch().put(file.name, file.getvalue())
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
        help=_("A CSV list has the columns path and, if known, patient_id and eye."),
    )
    if not text:
        return None
    try:
        found = intake.of_path(Path(text).expanduser())
    except FundusError as fault:
        st.error(said(fault))
        return None
    if not found.sources:
        st.warning(_("There is no photograph in it."))
        return None
    return found
