"""Where photographs that come from a browser land: one folder per batch, on disk at once, never in memory.

A batch is known by a random token that only the page and its own browser tab hold. Names that a browser sends
are cleaned before they become paths; whatever it sends, nothing is written outside the batch's folder.
"""

from __future__ import annotations

import secrets
import shutil
import time
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILE_BYTES = 4 * 1024**3
"""One file; a ZIP of a large cohort is the largest that makes sense."""
KEEP_FREE_BYTES = 1 * 1024**3
"""Space that an upload must leave free on the disk."""
ABANDONED_S = 86_400.0
"""A batch that nobody has touched for this time is removed when the server starts: it holds original names."""
TABLES = (".csv", ".tsv", ".xlsx", ".xlsm")
"""Endings of truth tables; they may be dropped together with the photographs."""
_LONGEST_NAME = 120

_placed: dict[tuple[str, int], Path] = {}
"""Where a file of a batch went, so that sending it again replaces it."""
_arrivals: Counter[str] = Counter()
"""How many files of a batch have arrived since the server started."""
_lists: dict[str, tuple[tuple[int, int], list[Path]]] = {}
"""The files of a batch as they were last listed: with 10,000 of them a list costs every click a second."""


class UploadError(Exception):
    """An upload that is not taken, with the HTTP status and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


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
        """Return the path for a file; one of the same name from elsewhere is not overwritten."""
        folder = self.archives if name.lower().endswith(".zip") else self.files
        path = folder / clean(name)
        taken = path.exists()
        return path.with_name(f"{path.stem}~{index}{path.suffix}") if taken else path

    def put(self, name: str, data: bytes, index: int = 0) -> Path:
        """Write one file that is already in memory (the small uploader)."""
        path = self.place(name, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        _arrivals[self.folder.name] += 1
        return path

    def discard(self) -> None:
        """Delete the batch and everything in it."""
        for key in [key for key in _placed if key[0] == self.folder.name]:
            del _placed[key]
        _arrivals.pop(self.folder.name, None)
        _lists.pop(self.folder.name, None)
        shutil.rmtree(self.folder, ignore_errors=True)


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True, slots=True)
class Inbox:
    """All batches below one folder."""

    folder: Path
    """The application's working folder keeps it beside the store."""

    def new(self) -> str:
        """Open a batch and return its token."""
        token = secrets.token_urlsafe(18)
        (self.folder / token / "files").mkdir(parents=True)
        return token

    def batch(self, token: str) -> Batch:
        """Return the batch of a token.

        Raises:
            UploadError: No such batch is open.
        """
        known = bool(token) and all(letter.isalnum() or letter in "-_" for letter in token)
        if not known or not (self.folder / token / "files").is_dir():
            raise UploadError(404, "This upload is closed; reload the page and choose the files again.")
        return Batch(self.folder / token)

    def tidy(self, older_s: float = ABANDONED_S) -> int:
        """Remove batches in which nothing has changed for long: tabs that were closed half way; returns how many."""
        before, removed = time.time() - older_s, 0
        for folder in self.folder.glob("*"):
            if folder.is_dir() and max(path.stat().st_mtime for path in (folder, *folder.rglob("*"))) < before:
                Batch(folder).discard()
                removed += 1
        return removed

    async def take(self, token: str, index: int, name: str, size: int, stream: AsyncIterator[bytes]) -> int:
        """Stream one file to disk; it appears among the files only when it is complete.

        Args:
            token: Of the batch.
            index: The file's place in what the browser chose; sent again, it replaces what was cut off.
            name: As the browser names it, with its folder.
            size: Bytes that the browser announced.
            stream: The body.

        Returns:
            Bytes written.

        Raises:
            UploadError: Too large, no space left, or cut off on the way.
        """
        batch = self.batch(token)
        _check_room(self.folder, size)
        part = batch.folder / "arriving" / str(index)
        part.parent.mkdir(exist_ok=True)
        written = await _write(part, stream)
        if written != size:
            part.unlink(missing_ok=True)
            message = f"{written} of {size} bytes arrived."
            raise UploadError(400, message)
        path = _placed.setdefault((token, index), batch.place(name, index))
        path.parent.mkdir(parents=True, exist_ok=True)
        part.replace(path)
        _arrivals[token] += 1
        return written


def _check_room(folder: Path, size: int) -> None:
    if size > MAX_FILE_BYTES:
        message = f"A file may have {MAX_FILE_BYTES // 1024**3} GB; split the ZIP or give a folder on this machine."
        raise UploadError(413, message)
    if shutil.disk_usage(folder).free - size < KEEP_FREE_BYTES:
        raise UploadError(507, "The disk is nearly full; free some space, then choose the files again.")


async def _write(path: Path, stream: AsyncIterator[bytes]) -> int:
    written = 0
    with path.open("wb") as out:
        async for chunk in stream:
            written += len(chunk)
            if written > MAX_FILE_BYTES:
                break
            out.write(chunk)
    return written
