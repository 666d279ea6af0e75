"""The working folder: the store, the inbox of uploads, and what happens when the server starts and stops."""

import contextlib
import gc
import hashlib
import importlib
import os
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

from starlette.requests import Request

from fundus_core import pipeline, runs
from fundus_core.errors import FundusError, UsageError
from fundus_core.home import home as folder
from fundus_core.store import Store
from pages.parts.shell import guard, people, sample
from pages.parts.shell.asking import asker
from pages.parts.shell.upload_store import Inbox

QUIET_S = 4.0
"""The worker is woken this long after the start: loading its network would slow the first page."""

STOP_S = 6.0
"""The worker may finish its batch for this long; then the server ends, and the worker a little later."""

_opening = threading.Lock()
_opened: dict[Path, Store] = {}
_leaving = threading.Event()


def store() -> Store:
    """Return the store, opened once in this process; on a shared server as whoever asks may use it.

    Raises:
        RefusedError: Nobody has signed in.
    """
    opened = _whole()
    return opened.asked_by(asker()) if people.shared() else opened


def _whole() -> Store:
    where = folder()
    if where not in _opened:
        with _opening:
            _opened[where] = _opened.get(where) or pipeline.open_home()
    return _opened[where]


def store_of(person: str, address: str) -> Store:
    """Return the store as somebody may use it now, who asks from an address."""
    return _whole().asked_by(people.person(person, address))


def cache_scope() -> str:
    """Return what caches of this working folder and of whoever asks are kept under."""
    return f"{folder()}\n{asker().id}" if people.shared() else str(folder())


def inbox(person: str = "") -> Inbox:
    """Return the place where uploads land; on a shared server each person has one, which no other can name."""
    if not people.shared():
        return Inbox(folder() / "inbox")
    own = hashlib.sha256((person or asker().id).encode()).hexdigest()[:32]
    return Inbox(folder() / "inboxes" / own, people.known().bytes)


def outbox() -> Path:
    """Return the folder in which jobs of whoever asks lie, and the files that they write."""
    return (
        folder() / "outbox" / hashlib.sha256(asker().id.encode()).hexdigest()[:32]
        if people.shared()
        else (folder() / "outbox")
    )


def inbox_of(request: Request) -> Inbox:
    """Return the place where uploads of a request land."""
    return inbox(unquote(request.headers.get(guard.PERSON, "")))


def start() -> None:
    """Open the store at once; fetch the sample cohort and wake the worker without keeping a page waiting.

    What this process makes from now on is its owner's alone. A store that cannot be opened is said here and on every
    page, and opened once it can be.
    """
    os.umask(0o077)
    _leaving.clear()
    try:
        opened = _whole()
    except FundusError as fault:
        sys.stderr.write(f"{fault}\n")
        return
    threading.Thread(target=_prepare, args=(opened,), name="prepare", daemon=True).start()


LATE = ("pandas", "streamlit.emojis")
"""What Streamlit imports only when it draws the first page: half a second that a browser needs for itself anyway."""


def _prepare(opened: Store) -> None:
    for name in LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # modules stay; each search for garbage is then through what sessions left, and comes in time
    with contextlib.suppress(UsageError):  # another server of this folder was quicker
        sample.ensure(opened, folder())
    for each in (folder() / "inbox", *(folder() / "inboxes").glob("*")):
        Inbox(each).tidy()
    if not _leaving.wait(QUIET_S):
        runs.ensure_worker(opened)


def stop() -> None:
    """Let the worker finish its batch and end; write down what of the log is still counted."""
    _leaving.set()
    people.log(folder()).tell()
    with contextlib.suppress(FundusError):  # it was never opened, or its database is away
        runs.stop_worker(_whole(), wait_s=STOP_S)
