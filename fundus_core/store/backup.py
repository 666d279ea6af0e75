"""A copy of a store to keep elsewhere, taken while the store is in use, and the way back.

A backup is a store itself: a folder with an SQLite database and the files by their hash, whatever database the store
has. It can be opened, checked by ``doctor``, packed with ``tar`` and carried with ``rsync``. Nothing is ever removed
from it, so that a store that lost something does not take it from its backup.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from fundus_core import owner_only
from fundus_core.errors import UsageError, say
from fundus_core.store import audit_log, database, store_identity
from fundus_core.store.backup_database import copy_database, own_id, put_database, put_rows, require_sound
from fundus_core.store.base import DATABASE, StoreBase, resolve_address
from fundus_core.store.files import KINDS, Kind, Shelf, sha256_of

_LOST = ("missing", "damaged")


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied."""

    cohorts: int
    """How many the database holds."""
    photographs: int
    """Kept ones that the database knows."""
    new: int
    """Of those, how many were copied now; the others were there."""
    elsewhere: int
    """Photographs that lie in folders of their own, outside the store, and are not in the copy."""
    missing: tuple[str, ...]
    """The sha256 of those that are not there to be copied."""
    damaged: tuple[str, ...]
    """The sha256 of those whose bytes are not those that were handed in; they are not copied."""


def back_up(store: StoreBase, to: Path, *, progress: Callable[[int], None] | None = None) -> Copied:
    """Copy a store into a folder; others may write to the store meanwhile.

    The folder is new, or an earlier backup of the same store, to which what is new is added. The database is copied as
    it is at one moment, and appears in the backup when all its files are there. ``progress`` is called with the number
    of photographs looked at.

    Raises:
        UsageError: The folder holds something else, or cannot be written; the database is damaged.
    """
    own = own_id(store.engine)
    _check_place(to, own, store.shelf.folder)
    shelf = Shelf(to)
    part = to / f".{DATABASE}.part"
    with _written(to):
        part.unlink(missing_ok=True)
        owner_only.write(part, b"")
        copy_database(store.engine, part)
        copied = _copy_files(part, store.shelf, shelf, progress)
        _copy_log(store.shelf.folder, to, again=True)
        store_identity.write_mark(to, own)
        part.replace(to / DATABASE)
    return copied


def restore(
    source: Path,
    where: str | Path,
    *,
    files: str | Path | None = None,
    replace: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Copied:
    """Put a backup back: into a new place, or into a store whose database is lost or damaged.

    Every photograph is compared with its hash on the way. Files that are there already stay, and a database that is
    there is put aside, not removed.

    Args:
        source: The backup's folder.
        where: The store's folder, or the URL of an empty database.
        files: The folder of files, with a URL.
        replace: Whether to put even a database aside that works.
        progress: Called with the number of photographs looked at.

    Raises:
        UsageError: The backup is none or is damaged, or the place holds something else.
    """
    own = _check_backup(source)
    url, folder = resolve_address(where, files)
    _check_free(url, folder, own, replace=replace)
    shelf = Shelf(folder)
    with _written(folder):
        part = folder / f".{DATABASE}.part"
        shutil.copyfile(source / DATABASE, part)
        owner_only.close(part)
        copied = _copy_files(part, Shelf(source), shelf, progress)
        _copy_log(source, folder, again=False)
        if url.get_backend_name() == "sqlite":
            put_database(part, Path(url.database or ""))
        else:
            put_rows(part, url)
            part.unlink()
        store_identity.write_mark(folder, own)
    return copied


def _copy_log(source: Path, to: Path, *, again: bool) -> None:
    """Copy who did what; on the way back a log that is there stays."""
    here, there = source / audit_log.FILE, to / audit_log.FILE
    if here.exists() and (again or not there.exists()):
        owner_only.folder(there.parent)
        part = there.with_suffix(".part")
        owner_only.write(part, here.read_bytes())
        part.replace(there)


# Where it may go ----------------------------------------------------------------------------------------------


def _check_place(to: Path, own: str, store: Path) -> None:
    here, there = to.resolve(), store.resolve()
    if here == there or there in here.parents or here in there.parents:
        raise UsageError(
            "The backup '{to}' would lie in the store itself; name a folder elsewhere, best on another disk.", to=to
        )
    if to.is_dir() and any(to.iterdir()) and store_identity.read_mark(to) != own:
        raise UsageError("'{to}' holds something else than a backup of this store; name a new folder.", to=to)


def _check_backup(source: Path) -> str:
    """Return the id of the backup's store."""
    path = source / DATABASE
    if not path.is_file():
        raise UsageError(
            "'{source}' holds no backup (there is no '{database}' in it); name the folder that 'store backup' made.",
            source=source,
            database=say(DATABASE),
        )
    store_identity.check(resolve_address(source)[0], Shelf(source))
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        require_sound(connection)
    return store_identity.read_mark(source)


def _check_free(url: sa.URL, folder: Path, own: str, *, replace: bool) -> None:
    mark = store_identity.read_mark(folder) if folder.is_dir() else ""
    if (mark and mark != own) or (not mark and folder.is_dir() and any(Shelf(folder).every_file())):
        raise UsageError("The folder '{folder}' holds the files of another store; name a new one.", folder=folder)
    try:
        works = store_identity.probe(url, marked=True).version > 0
    except database.StoreDamagedError:
        works = False
    if works and not (replace and url.get_backend_name() == "sqlite"):
        raise UsageError(
            "There is a database that works in the place where the backup should go; name another place, "
            "or give --replace to put a database in a folder aside."
        )
    if works:
        _require_unused(Path(url.database or ""))


def _require_unused(path: Path) -> None:
    """SQLite leaves its journal mode only where nobody else has the database open."""
    with contextlib.closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        except sqlite3.OperationalError as error:
            raise UsageError(
                "The store's database '{path}' is in use ({error}); stop the app and its worker, then try again.",
                path=path,
                error=error,
            ) from error


@contextlib.contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            "The copy could not be written to '{folder}' ({strerror}); make room, then try again.",
            folder=folder,
            strerror=error,
        ) from error


# The files ----------------------------------------------------------------------------------------------------


def _copy_files(part: Path, source: Shelf, to: Shelf, progress: Callable[[int], None] | None) -> Copied:
    with contextlib.closing(sqlite3.connect(f"{part.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        known = [
            row[0] for row in connection.execute("SELECT DISTINCT sha256 FROM photograph WHERE kept ORDER BY sha256")
        ]
        elsewhere = connection.execute("SELECT count(*) FROM photograph WHERE NOT kept AND locator != ''").fetchone()[0]
        cohorts = connection.execute("SELECT count(*) FROM cohort").fetchone()[0]
    found: dict[str, list[str]] = {"new": [], "there": [], "missing": [], "damaged": []}
    for number, sha256 in enumerate(known, 1):
        found[_copy_photograph(source, to, sha256)].append(sha256)
        if progress is not None:
            progress(number)
    to.settle([to.path("photographs", sha256).relative_to(to.folder).as_posix() for sha256 in found["new"]])
    missing, damaged = (tuple(found[word]) for word in _LOST)
    return Copied(cohorts, len(known), len(found["new"]), elsewhere, missing, damaged)


def _copy_photograph(source: Shelf, to: Shelf, sha256: str) -> str:
    """Copy one photograph with its pictures; returns how it went."""
    there = to.find("photographs", sha256)
    if there is not None and sha256_of(there) == sha256:
        word = "there"
    else:
        word = _copy(source, to, "photographs", sha256)
    for kind in KINDS[1:]:
        if to.find(kind, sha256) is None:
            _copy(source, to, kind, sha256)
    return word


def _copy(source: Shelf, to: Shelf, kind: Kind, sha256: str) -> str:
    path = source.find(kind, sha256)
    if path is None:
        return "missing"
    data = path.read_bytes()
    if kind == "photographs" and Shelf.sha256(data) != sha256:
        return "damaged"
    to.write(kind, sha256, data, again=True)
    return "new"
