"""Copying the database of a store, and checking the copy: into one file, and back into whatever holds it."""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from fundus_core import owner_only
from fundus_core.errors import UsageError
from fundus_core.store import database, schema, store_identity

_ROWS = 5_000


def own_id(engine: sa.Engine) -> str:
    """The id that a store's database holds."""
    with database.translate_errors(), database.reading(engine) as connection:
        return store_identity.own_id(connection)


def copy_database(engine: sa.Engine, part: Path) -> None:
    """As it is at one moment, without who works on it at that moment, in one file without a journal."""
    if engine.dialect.name == "sqlite":
        source = sqlite3.connect(str(engine.url.database), timeout=database.WAIT_MS / 1000)
        with contextlib.closing(source), contextlib.closing(sqlite3.connect(part)) as copy:
            try:
                source.backup(copy)
            except sqlite3.DatabaseError as error:
                raise UsageError(
                    "The store's database cannot be copied ({error}); 'python -m fundus_core doctor' says more.",
                    error=error,
                ) from error
    else:
        with _tables_in(part) as copy, database.translate_errors():
            _copy_rows(engine, copy)
    with contextlib.closing(sqlite3.connect(part)) as copy:
        copy.execute("DELETE FROM discard")
        copy.execute("DELETE FROM lease")
        copy.execute("UPDATE entry SET state = 'queued', worker = '' WHERE state = 'in_flight'")
        copy.commit()
        copy.execute("PRAGMA journal_mode=DELETE")
        require_sound(copy)


@contextlib.contextmanager
def _tables_in(path: Path) -> Iterator[sa.Engine]:
    """An SQLite file brought to this version's tables."""
    engine = database.open_engine(sa.URL.create("sqlite", database=str(path)))
    try:
        with database.opened():
            database.migrate(engine)
        yield engine
    finally:
        engine.dispose()


def _copy_rows(source: sa.Engine, to: sa.Engine) -> None:
    """Every table's rows, as they are at one moment."""
    at_once = "REPEATABLE READ" if source.dialect.name == "postgresql" else "SERIALIZABLE"
    with (
        source.connect().execution_options(isolation_level=at_once) as old,
        old.begin(),
        database.writing(to) as new,
    ):
        new.execute(sa.delete(schema.store))
        for table in schema.metadata.sorted_tables:
            for rows in old.execution_options(yield_per=_ROWS).execute(sa.select(table)).partitions(_ROWS):
                new.execute(sa.insert(table), [dict(row._mapping) for row in rows])
            _count_on(new, table)


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Have PostgreSQL number new rows behind those that were put in."""
    key = table.autoincrement_column
    if connection.dialect.name == "postgresql" and key is not None:
        sequence = sa.func.pg_get_serial_sequence(table.name, key.name)
        connection.execute(
            sa.select(
                sa.func.setval(
                    sequence, sa.select(sa.func.coalesce(sa.func.max(key), 0) + 1).scalar_subquery(), sa.false()
                )
            )
        )


def require_sound(connection: sqlite3.Connection) -> None:
    """Refuse a database in which SQLite finds damage."""
    try:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise UsageError(
            "The database is damaged ({split}); take an earlier backup.", split=" ".join(str(found).split())
        )


def put_database(part: Path, path: Path) -> None:
    """What is in its place goes aside with its journals: they would be taken for those of the new one."""
    owner_only.folder(path.parent)
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for ending in ("", "-wal", "-shm", "-journal"):
        old = path.with_name(f"{path.name}{ending}")
        if old.exists() or old.is_symlink():
            old.rename(old.with_name(f"{path.stem}.aside-{now}{path.suffix}{ending}"))
    shutil.move(part, path)


def put_rows(part: Path, url: sa.URL) -> None:
    """Write the rows of a copy into an empty database of another kind."""
    engine = database.open_engine(url)
    try:
        with database.opened():
            database.migrate(engine)
            with _tables_in(part) as source:
                _copy_rows(source, engine)
    finally:
        engine.dispose()
