"""Whether a database and a folder of files belong together, told before either is changed.

Both carry the store's id: the database in a table, the folder in a file. Without this a lost or another database
would make every photograph in the folder look like nobody's. The folder's file also says where an SQLite database
was when it was opened last, so that a copy of it, which has the same id, is told from one that was moved.
"""

import contextlib
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from fundus_core import owner_only
from fundus_core.errors import UsageError
from fundus_core.store import database, schema
from fundus_core.store.database import StoreDamagedError
from fundus_core.store.files import Shelf

MARK = "store.id"
_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 10_000
_PHOTOGRAPH = schema.photograph.c


@dataclass(frozen=True, slots=True)
class Claim:
    """What a database says of itself."""

    version: int = 0
    """Of its tables; 0 where it is new, empty or not there."""
    id: str = ""
    """The store's; empty where it has none yet."""
    kept: frozenset[str] = frozenset()
    """The sha256 of the photographs that it says lie in the folder; only asked where there is no id to compare."""


def check(url: sa.URL, shelf: Shelf) -> Claim:
    """Refuse a database and a folder that do not belong together; return what the database says of itself.

    Nothing is written.

    Raises:
        UsageError: They do not belong together, the database cannot be opened, or it is damaged.
    """
    mark = read_mark(shelf.folder)
    claim = probe(url, marked=bool(mark))
    if mark and claim.id == mark:
        _refuse_copy(url, shelf, mark)
    elif not claim.version:
        _refuse_lost(url, shelf, mark)
    elif mark and claim.id:
        raise UsageError(
            "The folder '{folder}' holds the files of the store {mark}, and the database is the one of "
            "store {id}; nothing was changed, so name the folder and the database that belong together.",
            folder=shelf.folder,
            mark=mark[:8],
            id=claim.id[:8],
        )
    else:
        _refuse_strangers(shelf, claim.kept)
    return claim


def _refuse_copy(url: sa.URL, shelf: Shelf, mark: str) -> None:
    """Two databases of one id, each of which would take the other's photographs for nobody's."""
    known = _database_of(shelf.folder)
    if known is None or url.get_backend_name() != "sqlite" or known.resolve() == Path(url.database or "").resolve():
        return
    try:
        there = probe(sa.URL.create("sqlite", database=str(known)), marked=True).id == mark
        there = there and not known.samefile(url.database or "")
    except (UsageError, OSError):
        return  # it is lost, and this one took its place
    if there:
        raise UsageError(
            "The folder '{folder}' is used with the database '{known}', and '{database}' is a copy of "
            "it; nothing was changed, so open that one, or move it away where this one should count (or "
            "say so with 'python -m fundus_core doctor --join').",
            folder=shelf.folder,
            known=known,
            database=url.database,
        )


def _refuse_lost(url: sa.URL, shelf: Shelf, mark: str) -> None:
    there = sum(1 for _ in shelf.every_file())
    if not mark and not there:
        return
    where = url.render_as_string()
    raise UsageError(
        (
            "The folder '{folder}' holds the files of a store ({there} {there:photograph|photographs}), "
            "and the database that knows them is missing or empty ({where}); nothing was changed, so put "
            "it or a backup back, or name another folder to begin anew."
        ),
        folder=shelf.folder,
        there=there,
        where=where,
    )


def _refuse_strangers(shelf: Shelf, kept: frozenset[str]) -> None:
    """A database and a folder of which one has no id yet must hold the same photographs, for the most part."""
    there = shelf.all("photographs")
    if there == kept:
        return
    both = len(there & kept)
    if 2 * both >= len(kept) and 2 * both >= len(there):
        return
    raise UsageError(
        (
            "The database knows {kept} {kept:photograph|photographs} of its own, and of the {there} in "
            "the folder '{folder}' {both} are among them; nothing was changed, so name the two that "
            "belong together (is a disk missing?), or say with 'python -m fundus_core doctor --join' "
            "that these do."
        ),
        kept=len(kept),
        there=len(there),
        folder=shelf.folder,
        both=both,
    )


def join(connection: sa.Connection, shelf: Shelf) -> None:
    """Give database and folder one id, in a transaction that writes; whatever each had alone stays."""
    own, mark = own_id(connection), read_mark(shelf.folder)
    if mark and not own:
        connection.execute(sa.delete(schema.store))
        connection.execute(sa.insert(schema.store).values(id=mark))
    own = own or mark
    words = "\n".join((own, _place_of(connection.engine.url, shelf.folder))).strip()
    if _words(shelf.folder) != words:
        write_mark(shelf.folder, words)


def own_id(connection: sa.Connection) -> str:
    """The id that the database carries; empty where it carries none."""
    found = connection.execute(sa.select(schema.store.c.id)).scalars().all()
    return found[0] if len(found) == 1 and _ID.fullmatch(found[0]) else ""


def read_mark(folder: Path) -> str:
    """The id that the folder carries; empty where it carries none, or what a power cut left of one."""
    own = _words(folder).partition("\n")[0]
    return own if _ID.fullmatch(own) else ""


def _words(folder: Path) -> str:
    try:
        return (folder / MARK).read_bytes()[:_LONGEST].decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(
            "The store's mark '{folder}' cannot be read ({strerror}); let it be read, then try again.",
            folder=folder / MARK,
            strerror=error,
        ) from error


def _database_of(folder: Path) -> Path | None:
    """Where the SQLite database was when the folder was last used; ``None`` where nobody wrote it down."""
    place = _words(folder).partition("\n")[2].strip()
    return folder / place if place else None


def _place_of(url: sa.URL, folder: Path) -> str:
    """Where an SQLite database is: seen from the folder where it lies below it, so that both can be moved."""
    if url.get_backend_name() != "sqlite":
        return ""
    path, home = Path(url.database or "").resolve(), folder.resolve()
    place = path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
    return "" if "\n" in place or not place.isprintable() else place


def write_mark(folder: Path, words: str) -> None:
    """Have the folder carry the id, and in a second line where its database is; a ``UsageError`` where it cannot."""
    scrap = folder / f".{MARK}.{os.getpid()}.{threading.get_ident()}"
    try:
        owner_only.write(scrap, f"{words}\n".encode())
        scrap.replace(folder / MARK)
    except OSError as error:
        raise UsageError(
            "The folder '{folder}' cannot be written ({strerror}); choose one that can.",
            folder=folder,
            strerror=error,
        ) from error


# What the database says ---------------------------------------------------------------------------------------


def probe(url: sa.URL, *, marked: bool = False) -> Claim:
    """Ask a database what it is, without writing: SQLite neither makes a file nor takes another's journal in.

    Where the folder has an id (``marked``), the photographs need no comparing.

    Raises:
        UsageError: It cannot be opened, or is damaged.
    """
    if url.get_backend_name() == "sqlite" and not _is_there(Path(url.database or "")):
        return Claim()
    with read_only(url) as engine, database.opened(), engine.connect() as connection, connection.begin():
        found = database.version(connection)
        if not found:
            return Claim()
        own = own_id(connection) if sa.inspect(connection).has_table(schema.store.name) else ""
        if own and marked:
            return Claim(found, own)
        query = sa.select(_PHOTOGRAPH.sha256).where(_PHOTOGRAPH.kept).distinct()
        return Claim(found, own, frozenset(connection.execute(query).scalars()))


@contextlib.contextmanager
def read_only(url: sa.URL) -> Iterator[sa.Engine]:
    """An engine that writes nothing to SQLite; PostgreSQL is trusted to be asked nothing else."""
    if url.get_backend_name() == "sqlite":
        place = Path(url.database or "").absolute().as_uri() + "?mode=ro"
        timeout = database.WAIT_MS / 1000
        engine = sa.create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(place, uri=True, timeout=timeout), poolclass=sa.NullPool
        )
    else:
        engine = database.open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _is_there(path: Path) -> bool:
    """Whether the file holds anything; SQLite would wait for a pipe, and throw the journal of an empty file away.

    It is not opened: closing it would give back the locks of this process's other connections.

    Raises:
        UsageError: It is no file, or may not be read and written.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        state = None
    except OSError as error:
        raise UsageError(
            "The store's database '{path}' cannot be opened ({strerror}); let it be read and written.",
            path=path,
            strerror=error,
        ) from error
    if state is not None and not stat.S_ISREG(state.st_mode):
        raise StoreDamagedError(
            "The store could not be opened: '{path}' should be its database and is no file; nothing was "
            "changed, so put the right one or a backup back.",
            path=path,
        )
    there = state is not None and state.st_size > 0
    if not there and _has_bytes(path.with_name(f"{path.name}-wal")):
        raise StoreDamagedError(
            "The store could not be opened: its database '{path}' is missing or empty and its journal is "
            "there; nothing was changed, so put it or a backup back.",
            path=path,
        )
    return there


def _has_bytes(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0
