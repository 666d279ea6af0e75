"""Where photographs that come from a browser land: one folder per batch, on disk at once, never in memory.

A batch is known by a random token that only the page and its own browser tab hold. Names that a browser sends
are cleaned before they become paths; whatever it sends, nothing is written outside the batch's folder.
"""

import contextlib
import itertools
import math
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from pages.parts.shell.upload_stream import (
    CLOSED,
    MAX_FILE_BYTES,
    SILENT_S,
    Taken,
    UploadError,
    check_room,
    not_written,
    too_large,
    write,
)

PATH = "/fundus/upload"
"""Prefix of the route that takes the files."""
QUOTA = "FUNDUS_LAB_UPLOAD_GB"
"""Environment variable: GB that one browser session may bring."""
QUOTA_BYTES = 500e9
"""Where the setting says nothing."""
ABANDONED_S = 86_400.0
"""A batch that nobody has touched for this time is removed when the server starts: it holds original names."""
TABLES = (".csv", ".tsv", ".xlsx", ".xlsm")
"""Endings of truth tables; they may be dropped together with the photographs."""
_LONGEST_NAME = 120

_placed: dict[tuple[str, int, str], Path] = {}
"""Where a file of a batch went, by index and name, so that sending it again replaces it."""
_brought: dict[str, int] = {}
"""Bytes of a batch that are here or on their way, counted since the server started."""
_settling = threading.RLock()
_arrivals: Counter[str] = Counter()
"""How many files of a batch have arrived since the server started."""
_lists: dict[str, tuple[tuple[int, int], list[Path]]] = {}
"""The files of a batch as they were last listed: with 10,000 of them a list costs every click a second."""


def clean(name: str) -> Path:
    """Return a browser's file name as a relative path that stays inside its folder.

    >>> clean("../../etc/passwd").as_posix()
    'etc/passwd'
    >>> clean(chr(92).join(["C:", "eyes", "a.jpg"])).as_posix()
    'C_/eyes/a.jpg'
    """
    parts = [_part(part) for part in unicodedata.normalize("NFC", name).replace("\\", "/").split("/")]
    kept = [part for part in parts if part][-6:]
    return Path(*kept) if kept else Path("unnamed")


def _part(part: str) -> str:
    safe = "".join("_" if letter in '<>:"|?*' or not letter.isprintable() else letter for letter in part)
    safe = safe.strip().lstrip(".").strip()
    stem, dot, ending = safe.rpartition(".")
    if len(safe.encode()) <= _LONGEST_NAME:
        return safe
    return f"{_cut(stem or ending, _LONGEST_NAME - 12)}{dot}{ending[:10]}" if stem else _cut(safe, _LONGEST_NAME)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Batch:
    """One drop of photographs on disk."""

    folder: Path
    """Holds ``files`` and, while something arrives, ``arriving``."""
    most: float = math.inf
    """Bytes that all batches of the same inbox may hold together."""

    @property
    def files(self) -> Path:
        """The folder of the photographs and tables that have arrived completely."""
        return self.folder / "files"

    @property
    def archives(self) -> Path:
        """The folder of the ZIPs that have arrived completely."""
        return self.folder / "archives"

    @property
    def revision(self) -> tuple[int, int]:
        """Another one whenever files have come or gone; a key for what was made of them."""
        return _arrivals[self.folder.name], self.files.stat().st_mtime_ns

    def arrived(self) -> list[Path]:
        """Return every complete file, sorted, ZIPs last."""
        now = self.revision
        before, files = _lists.get(self.folder.name, (None, []))
        if before != now:
            files = _below(self.files) + _below(self.archives)
            _lists[self.folder.name] = now, files
        return list(files)

    def tables(self) -> list[Path]:
        """Return the truth tables among the files."""
        return [path for path in self.arrived() if path.suffix.lower() in TABLES]

    def photographs(self) -> list[Path]:
        """Return every file that is not a table: photographs and ZIPs."""
        return [path for path in self.arrived() if path.suffix.lower() not in TABLES]

    def size(self) -> int:
        """Return the bytes of all complete files."""
        return sum(path.stat().st_size for path in self.arrived())

    def place(self, name: str, index: int) -> Path:
        """Return a free path for a file: nothing that lies there is overwritten, and no file is taken for a folder."""
        path = self.archives if name.lower().endswith(".zip") else self.files
        *folders, last = clean(name).parts
        for part in folders:
            path = _beside(path / part, index) if (path / part).is_file() else path / part
        return _beside(path / last, index) if (path / last).exists() else path / last

    def put(self, name: str, data: bytes, index: int = 0) -> Path:
        """Write one file that is already in memory (the small uploader); an ``UploadError`` where it may not come."""
        check_room(self.folder, len(data))
        self.reserve(len(data))
        part = self.part()
        part.write_bytes(data)
        return self.settle(part, name, index)

    def part(self) -> Path:
        """Return a path that no other request writes to."""
        folder = self.folder / "arriving"
        folder.mkdir(exist_ok=True)
        return folder / secrets.token_hex(12)

    def settle(self, part: Path, name: str, index: int) -> Path:
        """Give a file that has arrived completely its place; sent again, it takes the place that it had."""
        key = (self.folder.name, index, name)
        with _settling:
            path = _placed.get(key) or self.place(name, index)
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.stat().st_size if path.exists() else 0
            part.replace(path)
            _placed[key] = path
            _brought[self.folder.name] = _brought.get(self.folder.name, before) - before
            _arrivals[self.folder.name] += 1
        return path

    def reserve(self, more: int) -> None:
        """Count bytes towards what may be brought, before they arrive; an ``UploadError`` beyond that."""
        with _settling:
            held = self.held()
            if held + more > quota():
                message = f"One upload may bring {quota() / 1e9:g} GB; bring the others as another cohort."
                raise UploadError(413, message)
            if self.most < math.inf and self._beside() + more > self.most:
                message = (
                    f"Your uploads may hold {self.most / 1e9:g} GB; make cohorts of them, or ask a steward for more."
                )
                raise UploadError(413, message)
            _brought[self.folder.name] = held + more

    def held(self) -> int:
        """Return the bytes that are here or on their way."""
        with _settling:
            return _brought.setdefault(self.folder.name, self.size())

    def _beside(self) -> int:
        """Return what all batches of the inbox hold."""
        return sum(Batch(one.parent).held() for one in self.folder.parent.glob("*/files"))

    def release(self, bytes_: int) -> None:
        """Take back what was counted for a file that did not come, or that another has replaced."""
        with _settling:
            _brought[self.folder.name] = _brought.get(self.folder.name, bytes_) - bytes_

    def discard(self) -> None:
        """Delete the batch and everything in it."""
        for key in [key for key in list(_placed) if key[0] == self.folder.name]:
            _placed.pop(key, None)
        _arrivals.pop(self.folder.name, None)
        _brought.pop(self.folder.name, None)
        _lists.pop(self.folder.name, None)
        shutil.rmtree(self.folder, ignore_errors=True)


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True, slots=True)
class Inbox:
    """All batches below one folder."""

    folder: Path
    """The application's working folder keeps it beside the store."""
    most: float = math.inf
    """Bytes that all batches may hold together."""

    def new(self) -> str:
        """Open a batch and return its token."""
        token = secrets.token_urlsafe(18)
        (self.folder / token / "files").mkdir(parents=True)
        return token

    def batch(self, token: str) -> Batch:
        """Return the batch of a token; an ``UploadError`` where no such batch is open."""
        known = bool(token) and all(letter.isalnum() or letter in "-_" for letter in token)
        if not known or not (self.folder / token / "files").is_dir():
            raise UploadError(404, CLOSED)
        return Batch(self.folder / token, self.most)

    def tidy(self, older_s: float = ABANDONED_S) -> int:
        """Remove batches in which nothing has changed for long: tabs that were closed half way; returns how many.

        Parts of files go with a server that was killed: nobody writes to them any more.
        """
        before, removed = time.time() - older_s, 0
        for part in self.folder.glob("*/arriving/*"):
            if part.stat().st_mtime < time.time() - 2 * SILENT_S:
                part.unlink(missing_ok=True)
        for folder in self.folder.glob("*"):
            if folder.is_dir() and max(path.stat().st_mtime for path in (folder, *folder.rglob("*"))) < before:
                Batch(folder).discard()
                removed += 1
        return removed

    async def take(self, token: str, index: int, name: str, size: int, stream: AsyncIterator[bytes]) -> Taken:
        """Stream one file to disk; it appears among the files only when it is complete.

        Every request writes a file of its own, so that a retry of a slow one mixes with nothing; what is cut off,
        refused or broken leaves nothing behind.

        Args:
            token: Of the batch.
            index: The file's place in what the browser chose; sent again, it replaces what was there.
            name: As the browser names it, with its folder.
            size: Bytes that the browser announced.
            stream: The body.

        Raises:
            UploadError: Too large, no space left, more than a session may bring, or cut off on the way.
        """
        batch = self.batch(token)
        if size > MAX_FILE_BYTES:
            raise too_large()
        check_room(self.folder, size)
        batch.reserve(size)
        part, settled = batch.folder, False
        try:
            part = batch.part()
            taken = await write(part, size, stream)
            batch.settle(part, name, index)
            settled = True
        except OSError as error:
            raise not_written(error) from error
        finally:
            if not settled:
                batch.release(size)
                with contextlib.suppress(OSError):
                    part.unlink()
        return taken


def quota() -> float:
    """Return how many bytes a browser session may bring."""
    said = os.environ.get(QUOTA, "")
    return float(said) * 1e9 if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", said) else QUOTA_BYTES


def _beside(path: Path, index: int) -> Path:
    """Return a path beside one that is taken, recognisable by its name."""
    tries = (f"{path.stem}~{index}{'' if again == 0 else f'-{again}'}{path.suffix}" for again in itertools.count())
    return next(beside for name in tries if not (beside := path.with_name(name)).exists())
