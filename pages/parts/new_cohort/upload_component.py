"""The drop zone for many photographs: a component of our own that streams files to disk, four at a time.

The uploader that Streamlit brings slows with the square of the number of files, keeps them in memory, and at
2,000 files lost 444 of them without a word; this one sends 10,000.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.shell.language import _
from pages.parts.shell.upload_store import PATH

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
