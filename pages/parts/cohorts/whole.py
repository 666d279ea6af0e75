"""What is done with very many photographs at once, in a process of its own: exported, brought in, merged, deleted.

Each is a job of whoever asked, in a folder of theirs; the page of cohorts shows all of them, and reads no cohort.
"""

import json
import shutil
import time
from pathlib import Path

import streamlit as st

from fundus_core import jobs, owner_only
from pages.parts.shared import display, progress
from pages.parts.shared.studies import MANY
from pages.parts.shell import home, people
from pages.parts.shell.language import _, literal

LARGE = 300_000_000
"""Bytes from which on a file stays on the disk of one's own machine: a browser's download passes through memory."""
FILE = "cohort.zip"
_ABOUT = "about.json"


def is_large(*photographs: int) -> bool:
    """Return whether so many photographs are better left to a job."""
    return sum(photographs) >= MANY


def folder() -> Path:
    """Return a new folder for a job of whoever asks, in which it may also leave a file."""
    return owner_only.folder(home.outbox() / f"{time.time_ns()}")


def begin(place: Path, title: str, *told: str | Path) -> None:
    """Begin a job with the words of ``store``, and draw the page anew."""
    owner_only.write(place / _ABOUT, json.dumps(title).encode())
    verb, *words = told
    jobs.start(place, "store", verb, *_whose(), "--out", place, *words)
    st.rerun()


def _whose() -> list[str]:
    if not people.shared() or (person := home.store().person) is None:
        return []
    return ["--for", person.id, person.address, f"{person.most_photographs}", f"{person.most_bytes}"]


def draw(*, local: bool) -> None:
    """Draw every job of whoever asks: how far it is, or what came of it."""
    for about in sorted(home.outbox().glob(f"*/{_ABOUT}")):
        with st.container(border=True):
            st.markdown(f"**{literal(json.loads(about.read_text(encoding='utf-8')))}**")
            place = about.parent
            if jobs.result(place) is None:
                progress.watch_job(place, {jobs.WORKING: _("Working")}, key=place.name)
                now = jobs.stage(place)
                if now is not None and not now.over:
                    continue
            else:
                _file(place / FILE, local=local)
            if st.button(_("Close"), key=f"close-{place.name}"):
                shutil.rmtree(place, ignore_errors=True)
                st.rerun()


def _file(file: Path, *, local: bool) -> None:
    if not file.exists():
        st.caption(_("Done"))
    elif local and file.stat().st_size > LARGE:
        st.code(str(file), language=None)
    else:
        display.download(_("Download"), f"{file.parent.name}.zip", file.read_bytes, mime="application/zip")
