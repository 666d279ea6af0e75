"""The folder beside the database: photographs that were handed in, thumbnails and crops, by sha256.

A file appears under its name complete or not at all (written beside, then renamed). Names are our own:
nothing that a user or an archive called a file ever becomes a path.
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from stat import S_ISREG
from typing import Literal

from fundus_core import owner_only
from fundus_core.errors import UsageError
from fundus_core.store.values import Kept

Kind = Literal["photographs", "thumbnails", "crops"]

KINDS: tuple[Kind, ...] = ("photographs", "thumbnails", "crops")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OF_NOTHING = hashlib.sha256(b"").hexdigest()
_OLD_S = 86_400.0

QUARANTINE = "quarantine"
"""The folder below each kind for the files of photographs that the database does not know."""


class Shelf:
    """Files by the sha256 of the photograph they belong to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            owner_only.folder(folder)
        except OSError as error:
            raise UsageError(
                "The folder '{folder}' cannot be used ({strerror}); choose one that can be written.",
                folder=folder,
                strerror=error,
            ) from error

    @staticmethod
    def sha256(data: bytes) -> str:
        """The name of bytes."""
        return hashlib.sha256(data).hexdigest()

    def path(self, kind: Kind, sha256: str) -> Path:
        """Where that file lies or would lie; the names of photographs carry no ending, pictures are JPEG."""
        if not _SHA256.fullmatch(sha256):
            raise UsageError("A sha256 has 64 hexadecimal digits.")
        ending = "" if kind == "photographs" else ".jpg"
        return self.folder / kind / sha256[:2] / f"{sha256}{ending}"

    def find(self, kind: Kind, sha256: str) -> Path | None:
        """The file's path, or ``None`` where there is none."""
        if not sha256:
            return None
        path = self.path(kind, sha256)
        try:
            there = path.stat()
        except OSError:
            return None
        whole = there.st_size or sha256 == _OF_NOTHING  # empty: cut off by a power cut, or handed in empty
        return path if S_ISREG(there.st_mode) and whole else None

    def write(self, kind: Kind, sha256: str, data: bytes, *, again: bool = False) -> Path:
        """Write a file once; one that exists stays, unless a power cut has cut it off, or it is written ``again``."""
        path = self.path(kind, sha256)
        if again or not path.is_file() or path.stat().st_size != len(data):
            scrap = self._scrap()
            try:
                owner_only.write(scrap, data)
                self._place(scrap, path)
            finally:
                scrap.unlink(missing_ok=True)
        return path

    def keep(self, data: bytes) -> Kept:
        """Put a photograph's bytes away; a copy that is there already and has been damaged is replaced."""
        sha256 = self.sha256(data)
        path = self.path("photographs", sha256)
        self.write("photographs", sha256, data, again=path.is_file() and sha256_of(path) != sha256)
        return Kept(sha256, path.relative_to(self.folder).as_posix())

    def keep_file(self, path: Path) -> Kept:
        """Put an uploaded file away: it is moved, not copied, where both lie on one disk."""
        sha256 = sha256_of(path)
        place = self.path("photographs", sha256)
        if not place.is_file() or sha256_of(place) != sha256:
            self._take(path, place)
        path.unlink(missing_ok=True)
        return Kept(sha256, place.relative_to(self.folder).as_posix())

    def _take(self, path: Path, place: Path) -> None:
        """The only copy is never half way: it is renamed, or stays until its copy is in place."""
        owner_only.close(path)
        try:
            self._place(path, place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            scrap = self._scrap()
            try:
                shutil.copyfile(path, scrap)
                owner_only.close(scrap)
                self._place(scrap, place)
            finally:
                scrap.unlink(missing_ok=True)

    def settle(self, locators: Sequence[str]) -> None:
        """Have photographs reach the disk, so that a power cut cannot take what the database is about to promise.

        Several at once, since they share the disk's own pauses: 500 take 0.2 s where one by one they take 2.
        """
        paths = [self.folder / locator for locator in locators]
        if paths:
            with ThreadPoolExecutor(min(16, len(paths)), "settle") as pool:
                list(pool.map(_flush, paths))

    def remove(self, sha256: str, *, kinds: Sequence[Kind] = KINDS) -> None:
        """Remove everything that belongs to a photograph, or only some kinds of it: a person has deleted it."""
        for kind in kinds:
            path = self.path(kind, sha256)
            for copy in (path, self._aside(kind, path.name)):
                copy.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # another photograph lives in the folder
                path.parent.rmdir()

    def all(self, kind: Kind) -> set[str]:
        """The sha256 of every file of a kind."""
        return {path.name[:64] for path in (self.folder / kind).glob("??/*") if _SHA256.match(path.name)}

    def every_file(self) -> Iterator[Path]:
        """Every file below the folder of photographs, whatever its name."""
        return (path for path in (self.folder / "photographs").rglob("*") if path.is_file())

    def quarantine(self) -> set[str]:
        """The sha256 of the photographs that were put aside."""
        return {path.name for path in self._aside("photographs", "").glob("*") if _SHA256.match(path.name)}

    def tidy(self, used: set[str], *, older_s: float = _OLD_S) -> int:
        """Put aside what is not used and has not been touched for a day; bring back what is used again.

        Nothing is removed but what was never complete: a person empties ``photographs/quarantine``, and the same of
        thumbnails and crops. Returns how many photographs' files were put aside; what is younger may be on its way in.
        """
        before = time.time() - older_s
        for scrap in (self.folder / "scrap").glob("*"):
            if scrap.lstat().st_mtime < before:
                _remove(scrap)
        self._bring_back(used)
        stray = {sha256 for kind in KINDS for sha256 in self.all(kind)} - used
        old = {sha256 for sha256 in stray if self._newest(sha256) < before}
        for kind in KINDS:
            for sha256 in old & self.all(kind):
                self._move(self.path(kind, sha256), self._aside(kind, self.path(kind, sha256).name))
        return len(old)

    def _bring_back(self, used: set[str]) -> None:
        for kind in KINDS:
            for path in list(self._aside(kind, "").glob("*")):
                sha256 = path.name[:64]
                if sha256 in used and self.find(kind, sha256) is None:
                    self._move(path, self.path(kind, sha256))

    def _move(self, path: Path, to: Path) -> None:
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            self._place(path, to)
        with contextlib.suppress(OSError):  # another photograph lives in the folder
            path.parent.rmdir()

    def _aside(self, kind: Kind, name: str) -> Path:
        return self.folder / kind / QUARANTINE / name

    def close_to_others(self) -> None:
        """Shut others out of the folder and of those in it; what lies below is out of their reach then."""
        for path in (self.folder, *(self.folder / kind for kind in KINDS), self.folder / "scrap"):
            if path.is_dir():
                owner_only.close(path)

    def _newest(self, sha256: str) -> float:
        found = (self.find(kind, sha256) for kind in KINDS)
        return max((path.stat().st_mtime for path in found if path), default=0.0)

    def free_bytes(self) -> int:
        """Room left on the disk."""
        return shutil.disk_usage(self.folder).free

    def scrap_folder(self) -> Path:
        """A folder on the same disk for what is on its way in; what is left in it is removed after a day."""
        return owner_only.folder(self.folder / "scrap")

    def _scrap(self) -> Path:
        return self.scrap_folder() / f"{os.getpid()}-{secrets.token_hex(8)}"

    def _place(self, scrap: Path, path: Path) -> None:
        for _attempt in range(100):
            owner_only.folder(path.parent)
            try:
                scrap.replace(path)
            except FileNotFoundError:
                if not scrap.exists():
                    raise
                continue  # the empty folder was removed in between
            return
        raise UsageError(
            "The folder '{folder}' is being removed while it is used; close what removes it.", folder=self.folder
        )


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(scrap: Path) -> None:
    if scrap.is_dir() and not scrap.is_symlink():
        shutil.rmtree(scrap, ignore_errors=True)
    else:
        scrap.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # the store says so in its own words a moment later
        handle = os.open(path, os.O_RDWR)  # Windows flushes only what may be written
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
