"""Opening the database: SQLite in a folder by default, PostgreSQL by URL, one behaviour.

SQLite runs in WAL mode, so that readers never wait for the one writer; a transaction that will write takes
its lock at the start (``BEGIN IMMEDIATE``), so that two processes queue instead of failing half way.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from fundus_core.errors import FundusError, UsageError, say
from fundus_core.store import schema

SCHEMA_VERSION = 13
"""Version of the tables in ``schema.py``; the number of migration steps."""

WAIT_MS = 30_000
"""How long a writer waits for another before SQLite gives up."""

_FIRST = frozenset({"cohort", "photograph", "version", "reading", "outcome", "run", "entry", "discard"})
"""Tables that every version has."""

_CACHE_KB = {True: 32_768, False: 4_096}
"""Of SQLite's pages that a connection holds, by whether it writes; a server keeps five connections or more, and what
one reads the system holds anyway."""

_MEMORY_KB = 65_536
"""What PostgreSQL may hold of a join before it writes it to disk: a cohort of 1,600,000."""

_INSERT: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_VERSION = sa.table("schema_version", sa.column("number", sa.Integer))
_POSTGRES_LOCK = 0x46554E44


_IN_THE_WAY = frozenset({"40001", "40P01", "23503"})
"""PostgreSQL's codes (its manual, appendix A) for two transactions of which one had to give way: serialisation
failure, deadlock, and a row that vanished after it was seen."""


_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "42P01", "42703", "XX001", "XX002")
"""Names and codes for pages that are damaged, a file that is no database, and tables or columns that are missing."""


class clock(FunctionElement[float]):  # noqa: N801 (a function, in SQL)
    """The database's own time, seconds since 1970-01-01 UTC; in PostgreSQL of now, not of the transaction's start."""

    type = sa.Double()
    inherit_cache = True


@compiles(clock, "sqlite")
def _clock_of_sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(clock, "postgresql")
def _clock_of_postgresql(*_: Any, **__: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


class StoreUnavailableError(FundusError):
    """The database cannot be used at this moment: full disk, absent server, or another writer who does not end."""


class StoreBusyError(StoreUnavailableError):
    """Two wrote at once and this one had to give way; the same again succeeds."""


class StoreDamagedError(UsageError):
    """The database is damaged, or is none of ours; trying again does not help."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Say in a sentence what a driver says in its own words.

    Raises:
        StoreUnavailableError: The database cannot be used now.
        StoreDamagedError: It is damaged.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        if not isinstance(error, sa.exc.OperationalError) and not is_damage(error):
            raise
        if is_conflict(error):
            raise StoreBusyError("Others were writing the same rows of the store; do it again.") from error
        why = " ".join(str(error.orig).split())
        if is_damage(error):
            raise StoreDamagedError(
                "The store's database is damaged ({why}); put a backup back, or ask 'python -m fundus_core "
                "doctor' what it finds.",
                why=say(why),
            ) from error
        raise StoreUnavailableError(
            "The store cannot be used now ({why}); make room or start the database, then try again.", why=say(why)
        ) from error


def is_damage(error: sa.exc.DBAPIError) -> bool:
    """Whether the database itself is at fault, so that trying again does not help."""
    code = str(getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or "")
    return code.startswith(_DAMAGED) or str(error.orig).startswith("Could not decode")


def is_conflict(error: sa.exc.DBAPIError) -> bool:
    """Whether a transaction failed only because of another one at the same moment."""
    return getattr(error.orig, "sqlstate", "") in _IN_THE_WAY


def open_engine(url: str | sa.URL) -> sa.Engine:
    """Return an engine for the URL, nothing being asked of it yet; a ``UsageError`` where it names no database."""
    try:
        url = sa.make_url(url)
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")  # what requirements.txt brings
        engine = sa.create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except (sa.exc.ArgumentError, ImportError) as error:
        raise UsageError(
            "The store's address is not understood; give a folder, or a URL such as "
            "postgresql+psycopg://user:password@host/database."
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    elif engine.dialect.name == "postgresql":
        _prepare_postgresql(engine)
    return engine


@contextmanager
def opened() -> Iterator[None]:
    """Say in a ``UsageError`` why a database cannot be opened."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        why = " ".join(str(error.orig).split())
        if is_damage(error):
            raise StoreDamagedError(
                "The store could not be opened: its database is damaged or is none of a store ({why}); "
                "nothing was changed, so put the right one or a backup back.",
                why=say(why),
            ) from error
        raise UsageError(
            "The store could not be opened ({why}); check that the database runs, and may be read and written.",
            why=say(why),
        ) from error


def _prepare_postgresql(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.prepare_threshold = None  # a plan that was made for few rows stays while a transaction fills tables
        connection.autocommit = True
        for setting in (
            "max_parallel_workers_per_gather = 0",  # of a click they take twice the time, and many people click
            "jit = off",  # of a cohort of 1,600,000 it compiles each filter's statement for a second
            f"work_mem = {_MEMORY_KB}",
        ):
            connection.execute(f"SET {setting}")
        connection.autocommit = False


def _prepare_sqlite(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the begin event below decides how a transaction starts
        for pragma in (
            f"busy_timeout={WAIT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",  # with NORMAL a power cut takes back what was committed since the last checkpoint
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "secure_delete=ON",  # what is deleted is overwritten: a file of the store must not keep ids of the deleted
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        raw: Any = connection.connection.driver_connection
        raw.execute(f"PRAGMA cache_size=-{_CACHE_KB[writes]}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only reads: one consistent view."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that writes: all of it or nothing."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def truncate_journal(engine: sa.Engine) -> None:
    """Bring what was deleted out of SQLite's journal too; what somebody is reading at the moment goes with the next."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection  # a checkpoint cannot be inside a transaction
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def insert_new(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *returning: sa.Column[Any],
    known: bool = False,
) -> Sequence[Any]:
    """Insert rows; those whose key is taken already, even by somebody at this moment, stay as they are.

    Returns, of the rows that are new and in any order, the columns that are named. Where it is ``known`` that all are
    new, one that is not is an error.
    """
    if not rows:
        return ()
    bound: Sequence[Mapping[str, Any]] | None = rows
    statement = _INSERT[connection.dialect.name](table)
    if connection.dialect.name == "postgresql":  # at once: a message for each row takes both ten times as long
        given, bound = _given(rows, {name: table.c[name].type for name in rows[0]}), None
        statement = statement.from_select(list(rows[0]), sa.select(*given.c))
    statement = statement if known else statement.on_conflict_do_nothing()
    if not returning:
        connection.execute(statement, bound)
        return ()
    return connection.execute(statement.returning(*returning), bound).all()


def update_each(
    connection: sa.Connection,
    rows: Sequence[Mapping[str, Any]],
    statement: Callable[[Mapping[str, sa.ColumnElement[Any]]], sa.Update],
) -> None:
    """Change rows of a table one by one, each by the words and whole numbers that one of ``rows`` gives it."""
    if not rows:
        return
    types = {name: sa.Integer() if isinstance(value, int) else sa.Text() for name, value in rows[0].items()}
    if connection.dialect.name == "postgresql":
        given = _given(rows, types).c
        connection.execute(statement({name: given[name] for name in types}))
    else:
        connection.execute(statement({name: sa.bindparam(name, type_=of) for name, of in types.items()}), rows)


def with_keys(
    connection: sa.Connection, keys: Mapping[sa.Column[Any], Any], listed: sa.Column[Any], values: Sequence[Any],
    *columns: sa.Column[Any],
) -> Sequence[Any]:  # fmt: skip
    """Columns of the rows that have the keys, and one of the values in the column ``listed``.

    PostgreSQL takes what a transaction has just filled for nearly empty: by a key that it has not counted yet (a new
    cohort) it would read all rows of it for each few values. Each value is looked up by all its keys.
    """
    query = sa.select(*columns)
    if connection.dialect.name != "postgresql":
        same = [column == value for column, value in keys.items()]
        return connection.execute(query.where(*same, listed.in_(values))).all()
    names = [*keys, listed]
    rows = [{**{column.name: value for column, value in keys.items()}, listed.name: one} for one in values]
    given = _given(rows, {column.name: column.type for column in names})
    same = [column == given.c[column.name] for column in names]
    return connection.execute(query.select_from(listed.table.join(given, sa.and_(*same)))).all()


def _given(rows: Sequence[Mapping[str, Any]], types: Mapping[str, sa.types.TypeEngine[Any]]) -> sa.TableValuedAlias:
    """Rows as a table that a statement of PostgreSQL can read."""
    listed = sa.cast(sa.literal(json.dumps(rows, ensure_ascii=False), sa.Text), postgresql.JSON)
    columns = [sa.column(name, of) for name, of in types.items()]
    return sa.func.json_to_recordset(listed).table_valued(*columns, name="given").render_derived(with_types=True)


def insert_new_from(connection: sa.Connection, table: sa.Table, columns: Sequence[str], query: sa.Select[Any]) -> None:
    """Insert what a query finds, in the order of ``columns``; rows whose key is taken already stay as they are.

    The query must have a condition, else SQLite mistakes ON CONFLICT for a join's ON.
    """
    connection.execute(_INSERT[connection.dialect.name](table).from_select(columns, query).on_conflict_do_nothing())


@contextmanager
def along_an_index(connection: sa.Connection) -> Iterator[None]:
    """Let PostgreSQL follow the index that has the order asked for, where many fit and few are wanted.

    It takes many that fit for few, and would join and sort them all. SQLite follows it by itself.
    """
    told = connection.dialect.name == "postgresql"
    if told:
        connection.exec_driver_sql(_SWITCHED.format(to="off"))
    yield
    if told:
        connection.exec_driver_sql(_SWITCHED.format(to="on"))


_SWITCHED = (
    "SELECT set_config('enable_' || name, '{to}', true) FROM unnest(ARRAY['sort', 'hashjoin', 'mergejoin']) name"
)
"""For the transaction, which a failure ends."""


def take_turns(connection: sa.Connection, what: str) -> None:
    """Let transactions about the same thing wait for each other until they end; SQLite's that write always do."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(1, sa.func.hashtext(what))))


def count_anew(connection: sa.Connection, table: sa.Table) -> None:
    """Let PostgreSQL look at a table that a transaction fills: it takes what was counted before for all there is.

    By that it would read the whole cohort for each few names that are asked for.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f'ANALYZE "{table.name}"')


def migrate(engine: sa.Engine) -> None:
    """Bring the tables to this version; two processes that open a new store at once take turns.

    Raises:
        StoreDamagedError: The tables are not those of a store.
        UsageError: A newer version wrote them.
    """
    with reading(engine) as connection:
        found = version(connection)
    if found != SCHEMA_VERSION:
        with _table_rebuild(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})")
            found = version(connection)
            if found < SCHEMA_VERSION:
                _upgrade(connection, found)
    with reading(engine) as connection:
        for table in schema.metadata.sorted_tables:
            connection.execute(sa.select(table).limit(0))  # a table or column that is missing is said now


@contextmanager
def _table_rebuild(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction in which SQLite lets a table be replaced that others refer to (sqlite.org/lang_altertable.html)."""
    if engine.dialect.name != "sqlite":
        with writing(engine) as connection:
            yield connection
        return
    with engine.connect().execution_options(writes=True) as connection:
        own = connection.connection.dbapi_connection
        if own is None:
            raise UsageError("The store's connection was lost while it was opened; open it again.")
        own.cursor().execute("PRAGMA foreign_keys=OFF")  # has no effect once a transaction has begun
        try:
            with connection.begin():
                yield connection
        finally:
            own.cursor().execute("PRAGMA foreign_keys=ON")


def _upgrade(connection: sa.Connection, found: int) -> None:
    if found == 0:
        connection.exec_driver_sql("CREATE TABLE schema_version (number INTEGER NOT NULL)")
        schema.metadata.create_all(connection)
        connection.execute(sa.insert(schema.store).values(id=uuid.uuid4().hex))
    else:
        from fundus_core.store import migrations  # alembic costs a third of a second, and few stores are old

        migrations.apply(connection, found)
    connection.execute(sa.delete(_VERSION))
    connection.execute(sa.insert(_VERSION).values(number=SCHEMA_VERSION))


def version(connection: sa.Connection) -> int:
    """Which version's tables the database holds; 0 where it holds none.

    Raises:
        StoreDamagedError: It holds tables, and not those of a store.
        UsageError: A newer version wrote them.
    """
    there = set(sa.inspect(connection).get_table_names())
    if "schema_version" not in there:
        strange = there if connection.dialect.name == "sqlite" else there & set(schema.metadata.tables)
        if strange:
            raise StoreDamagedError(
                "The store could not be opened: its database holds the tables of another program "
                "({strange}); nothing was changed, so put the right one or a backup back.",
                strange=_some(strange),
            )
        return 0
    numbers = connection.execute(sa.select(_VERSION.c.number)).scalars().all()
    if len(numbers) != 1 or not isinstance(numbers[0], int) or numbers[0] < 1:
        raise StoreDamagedError(
            "The store could not be opened: its database does not say which version its tables are; "
            "nothing was changed, so put the right one or a backup back."
        )
    found = numbers[0]
    if found > SCHEMA_VERSION:
        raise UsageError(
            "This store was written by a newer version (its tables are version {found}, this program "
            "knows up to {schema_version}); update the program.",
            found=found,
            schema_version=SCHEMA_VERSION,
        )
    missing = _FIRST - there
    if missing:
        raise StoreDamagedError(
            "The store could not be opened: its database lacks the tables {missing}; nothing was "
            "changed, so put the right one or a backup back.",
            missing=_some(missing),
        )
    return found


def _some(names: Set[str]) -> str:
    return ", ".join(sorted(names)[:3])
