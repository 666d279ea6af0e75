"""What every store has beneath its cohorts: a database, a folder of files, and their transactions."""

import contextlib
import random
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import sqlalchemy as sa

from fundus_core import owner_only
from fundus_core.errors import FundusError, UsageError
from fundus_core.store import access, database, result_folder, schema, store_identity
from fundus_core.store.files import Kind, Shelf
from fundus_core.store.values import Kept

DATABASE = "store.sqlite"
_SWEPT = 500
_ANSWERS = 256
"""Of what the database says of cohorts, so many answers are remembered."""
_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Waited, twice as long at most, before what had to give way to another writer is done again."""

_T = TypeVar("_T")
Progress = Callable[[int, int], None]
"""Is told how many rows are done, and of how many (0 where nobody knows); what it raises undoes the work."""


def unheard(_done: int, _total: int) -> None:
    """Nobody is told."""


def resolve_address(where: str | Path, files: str | Path | None = None) -> tuple[sa.URL, Path]:
    """Which database and which folder of files an address means, as for ``StoreBase.open``."""
    text = str(where)
    if "://" not in text:
        return sa.URL.create("sqlite", database=str(Path(text) / DATABASE)), Path(files or text)
    if files is None:
        raise UsageError("A store behind a URL also needs a folder for its files; name one.")
    return database.open_engine(text).url, Path(files)


class StoreBase:
    """An opened database with the folder of files beside it."""

    def __init__(self, engine: sa.Engine, shelf: Shelf, address: str) -> None:
        self.engine = engine
        self.shelf = shelf
        self.address = address
        self.closed = False
        self.counted: dict[int, tuple[float, int, int, int]] = {}
        self.answers: dict[Hashable, Any] = {}

    def _once(self, connection: sa.Connection, cohort: int, name: Hashable, answer: Callable[[], _T]) -> _T:
        """Return what the database says of a cohort as it is now, asked once for each of its revisions."""
        of = schema.cohort.c
        row = connection.execute(sa.select(of.created_at, of.revision).where(of.id == cohort)).one()
        key = (cohort, row.created_at, row.revision, name)
        if key not in self.answers:
            while len(self.answers) >= _ANSWERS:
                self.answers.pop(next(iter(self.answers)), None)
            self.answers[key] = answer()
        return cast(_T, self.answers[key])

    @classmethod
    def open(cls, where: str | Path, *, files: str | Path | None = None) -> Self:
        """Open a store, made now where there is none.

        Args:
            where: A folder (SQLite inside it), or a database URL such as
                ``postgresql+psycopg://user@host/database``.
            files: Folder for photographs and pictures; needed with a URL, else the folder itself.

        Raises:
            UsageError: It cannot be opened, or was written by a newer version.
        """
        text = str(where)
        url, folder = resolve_address(where, files)
        shelf = Shelf(folder)
        store_identity.check(url, shelf)
        store = cls(database.open_engine(url), shelf, text)
        try:
            store.settle()
        except FundusError:
            store.close()
            raise
        return store

    @classmethod
    def open_existing(cls, where: str | Path, *, files: str | Path | None = None) -> Self:
        """Open a store as ``open`` does; a ``UsageError`` where there is none."""
        folder = resolve_address(where, files)[1]
        if not (folder / store_identity.MARK).exists() and not (folder / DATABASE).exists():
            raise UsageError("There is no store in '{folder}'; name the right folder.", folder=folder)
        return cls.open(where, files=files)

    @classmethod
    @contextlib.contextmanager
    def looked_at(cls, where: str | Path, *, files: str | Path | None = None) -> Iterator[Self]:
        """A store of this version's tables to be read and never written, not even by being opened."""
        url, folder = resolve_address(where, files)
        with store_identity.read_only(url) as engine:
            yield cls(engine, Shelf(folder), str(where))

    def settle(self) -> None:
        """Bring tables and folder to this version, one id on both, and remove what a crash has left to be removed."""
        if self.engine.dialect.name == "sqlite":
            _make_private(Path(self.engine.url.database or ""))
        with database.opened():
            database.migrate(self.engine)
            with database.writing(self.engine) as connection:
                store_identity.join(connection, self.shelf)
        self.shelf.close_to_others()
        self.sweep()

    def close(self) -> None:
        """Give the connections back."""
        self.closed = True
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that reads, for the rooms above."""
        with database.translate_errors(), database.reading(self.engine) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that writes, for the rooms above."""
        with database.translate_errors(), database.writing(self.engine) as connection:
            yield connection

    def write(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Do work in a transaction that writes, from its start again where it had to give way to another writer.

        Args:
            work: Changes nothing but the database, since it may be done more than once.

        Raises:
            StoreUnavailableError: The database cannot be used now, or others are in the way again and again.
        """
        for pause in _PAUSES_S:
            try:
                with self.writing() as connection:
                    return work(connection)
            except database.StoreBusyError:
                pass
            except sa.exc.IntegrityError as error:
                if not database.is_conflict(error):
                    raise
            time.sleep(pause * random.uniform(1.0, 2.0))  # noqa: S311 (lest the two meet again)
        with self.writing() as connection:
            return work(connection)

    def sweep(self) -> None:
        """Remove the files of deleted photographs and cohorts, also those that a crash has left behind."""
        while self._sweep_some():
            pass
        with self.reading() as connection:
            result_folder.tidy(connection, self.shelf.folder)

    def _sweep_some(self) -> bool:
        """A few at a time, so that others may write in between; returns whether there were any."""
        listed, photograph = schema.discard.c.sha256, schema.photograph.c.sha256
        with self.reading() as connection:
            if connection.execute(sa.select(listed).limit(1)).scalar() is None:
                return False

        def empty(connection: sa.Connection) -> None:
            some = connection.execute(sa.select(listed).limit(_SWEPT)).scalars().all()
            used = set(connection.execute(sa.select(photograph).where(photograph.in_(some))).scalars())
            for sha256 in set(some) - used:
                self.shelf.remove(sha256)  # a file that is gone already is no fault
            connection.execute(sa.delete(schema.discard).where(listed.in_(some)))

        self.write(empty)
        return True

    def delete_pictures(self, photograph: int, sha256: str) -> bool:
        """Remove the pictures of a photograph that was deleted while they were made; returns whether it was.

        Another photograph of the same bytes keeps the pictures.
        """
        column = schema.photograph.c
        with self.reading() as connection:
            found = sa.select(column.id).where(sa.or_(column.id == photograph, column.sha256 == sha256)).limit(1)
            if connection.execute(found).scalar() is not None:
                return False
        self.shelf.remove(sha256, kinds=("thumbnails", "crops"))
        return True

    def tidy(self) -> int:
        """Put aside the files of photographs that the database does not know, and bring back those that it knows again.

        Nothing is removed: the database may be an old copy. Returns how many were put aside; see ``Shelf.tidy``.
        """
        with self.reading() as connection:
            used = set(connection.execute(sa.select(schema.photograph.c.sha256).distinct()).scalars())
        return self.shelf.tidy(used)

    def keep(self, data: bytes) -> Kept:
        """Put a photograph's bytes away under a name of our own."""
        return self.shelf.keep(data)

    def keep_file(self, path: Path) -> Kept:
        """Put an uploaded file away; it is moved."""
        return self.shelf.keep_file(path)

    def absolute(self, locator: str, *, kept: bool) -> str:
        """A locator as any process can use it."""
        return str((self.shelf.folder / locator).absolute()) if kept else locator

    def thumbnail(self, sha256: str) -> Path | None:
        """The small picture (JPEG, black outside the retina), or ``None`` where the worker has made none."""
        return self._picture("thumbnails", sha256)

    def crop(self, sha256: str) -> Path | None:
        """The large picture (JPEG, black outside the retina), or ``None`` where the worker has made none."""
        return self._picture("crops", sha256)

    def photograph_file(self, sha256: str) -> Path | None:
        """The photograph itself as it was handed in, or ``None`` where the store does not keep its bytes."""
        return self._picture("photographs", sha256)

    def _picture(self, kind: Kind, sha256: str) -> Path | None:
        return self.shelf.find(kind, sha256) if self._is_theirs(sha256) else None

    def _is_theirs(self, sha256: str) -> bool:
        """Whether a cohort of whoever asks holds a photograph of these bytes."""
        if (person := access.person_of(self.engine)) is None:
            return True
        column = schema.photograph.c
        with self.reading() as connection:
            mine = sa.and_(column.sha256 == sha256, access.cohort_allowed(connection, column.cohort_id))
            found = connection.execute(sa.select(column.id).where(mine).limit(1)).scalar()
        if found is None:
            person.note("refused", f"picture {sha256}")
        return found is not None


def _make_private(path: Path) -> None:
    """SQLite gives its journals the mode of the database."""
    try:
        owner_only.folder(path.parent)
        owner_only.make(path)
        owner_only.close(path)
    except OSError as error:
        raise UsageError(
            "The store's database '{path}' cannot be opened ({strerror}); let it be read and written.",
            path=path,
            strerror=error,
        ) from error
