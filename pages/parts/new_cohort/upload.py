"""The doors through which photographs come: a drop zone that streams to disk, a folder, and the small uploader."""

import ctypes
import gc
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fundus_core.errors import FundusError
from fundus_core.identity import PHOTOGRAPH_ENDINGS
from pages.parts.new_cohort import ingest
from pages.parts.new_cohort.ingest import Found
from pages.parts.shell import address, home, people, state
from pages.parts.shell.language import _, count, literal, said, worded
from pages.parts.shell.upload_store import PATH, Batch
from pages.parts.shell.upload_stream import UploadError

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that did not arrive."""

    name: str
    """As the browser calls it."""
    size: int
    """Bytes."""
    status: int
    """HTTP status of the last answer; 0 where none came."""
    own: bool
    """Whether this server said so, rather than a proxy before it."""


@dataclass(frozen=True, slots=True)
class UploadReport:
    """What the browser says it did."""

    chosen: int
    """Files that the user chose."""
    sent: int
    """Files that the server said it had taken."""
    failed: tuple[Refused, ...]
    """The others, the first 500 of them."""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component(
        "fundus_lab_uploader",
        html=(_HERE / "uploader.html").read_text(encoding="utf-8"),
        css=(_HERE / "uploader.css").read_text(encoding="utf-8"),
        js=(_HERE / "uploader.js").read_text(encoding="utf-8"),
    )


def drop_zone(token: str, *, key: str) -> UploadReport | None:
    """Draw the drop zone of a batch; return what the browser sent once it is through."""
    result = _component()(
        key=key,
        data={"path": f"{PATH.lstrip('/')}/{token}", "words": _words()},
        default={"report": None},
        on_report_change=lambda: None,
    )
    report = result.report
    if not report:
        return None
    failed = tuple(
        Refused(str(one["name"]), int(one["size"]), int(one["status"]), bool(one["own"])) for one in report["failed"]
    )
    return UploadReport(int(report["chosen"]), int(report["sent"]), failed)


def reason(one: Refused) -> str:
    """Return why a file did not arrive, in words, with what to do."""
    if one.status == 413 and not one.own:
        words = _(
            "The proxy before this server takes no file of {size} MB; whoever runs it must raise its limit on the size "
            "of a request (nginx: client_max_body_size)."
        )
        return words.format(size=f"{one.size / 1e6:,.1f}")
    if one.own and one.status in _own():
        return _own()[one.status]
    if one.status == 0:
        return _("The connection broke; try again.")
    words = _("A proxy before this server, not the server itself, answered {status}; ask whoever runs it.")
    return (words if not one.own else _("The server answered {status}.")).format(status=one.status)


def _own() -> dict[int, str]:
    return {
        400: _("The file was cut off on its way; try again."),
        403: _(
            "The server takes uploads from its own pages only; open the page under the address that it is known by."
        ),
        404: _("This upload is closed; reload the page and choose the files again."),
        408: _("The file was cut off on its way; try again."),
        413: _(
            "The file, or all files together, are larger than this server takes; "
            "split them or name a folder on the server."
        ),
        500: _("The file could not be written here; ask whoever runs the server to look at its disk."),
        503: _("The server is being stopped; choose the files again once it is back."),
        507: _("The disk is nearly full; free some space, then choose the files again."),
    }


def _words() -> dict[str, str]:
    return {
        "drop": _("Drop photographs, folders or a ZIP here"),
        "kinds": _("JPEG, PNG, TIFF, DICOM and others; a truth table (CSV, Excel) may come along"),
        "files": _("Choose files"),
        "folder": _("Choose a folder"),
        "progress": _("{sent} of {chosen} files · {speed} MB/s · {left} left"),
        "done": _("{sent} of {chosen} files arrived"),
        "failed": _("Files that did not arrive: {count}"),
        "again": _("Try again"),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
    }


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
    if not people.roots():
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
    places_ = ", ".join(map(str, people.roots()))
    st.caption(_("Below {places}, without hidden folders; photographs stay where they are.").format(places=places_))
    if not text:
        return None
    try:
        found = ingest.of_path(ingest.typed(text), people.roots())
    except FundusError as fault:
        st.error(said(fault))
        return None
    if not found.sources:
        st.warning(_("There is no photograph in it."))
        return None
    return found
