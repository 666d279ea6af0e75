"""The drop zone for many photographs: a component of our own that streams files to disk, four at a time.

The uploader that Streamlit brings slows with the square of the number of files, keeps them in memory, and at
2,000 files lost 444 of them without a word; this one sends 10,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.shell.language import _

PATH = "/fundus/upload"
"""Prefix of the route that takes the files."""

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Sent:
    """What the browser says it did."""

    chosen: int
    """Files that the user chose."""
    sent: int
    """Files that the server said it had taken."""
    failed: tuple[str, ...]
    """Names of the others."""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component(
        "fundus_lab_uploader",
        html=(_HERE / "uploader.html").read_text(encoding="utf-8"),
        css=(_HERE / "uploader.css").read_text(encoding="utf-8"),
        js=(_HERE / "uploader.js").read_text(encoding="utf-8"),
    )


def drop_zone(token: str, *, key: str) -> Sent | None:
    """Draw the drop zone of a batch; return what the browser sent once it is through.

    Args:
        token: Of the batch that takes the files.
        key: Of the widget.
    """
    result = _component()(
        key=key,
        data={"path": f"{PATH.lstrip('/')}/{token}", "words": _words()},
        default={"report": None},
        on_report_change=lambda: None,
    )
    report = result.report
    if not report:
        return None
    return Sent(int(report["chosen"]), int(report["sent"]), tuple(str(name) for name in report["failed"]))


def _words() -> dict[str, str]:
    return {
        "drop": _("Drop photographs, folders or a ZIP here"),
        "kinds": _("JPEG, PNG, TIFF, BMP, WebP, DICOM; a truth table (CSV, Excel) may come along"),
        "files": _("Choose files"),
        "folder": _("Choose a folder"),
        "progress": _("{sent} of {chosen} files · {speed} MB/s · {left} left"),
        "done": _("{sent} of {chosen} files arrived"),
        "failed": _("{count} files did not arrive"),
        "again": _("Try again"),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
    }
