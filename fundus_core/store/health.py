"""Whether a store holds what its database says, and nobody but its owner can read it; what can be put right, is.

Nothing is removed: what the database does not know is put aside, as ``Store.tidy`` does.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from fundus_core.errors import FundusError, UsageError
from fundus_core.store import database, schema, store_identity
from fundus_core.store.audit_log import AuditLog
from fundus_core.store.base import StoreBase, resolve_address
from fundus_core.store.files import KINDS, QUARANTINE, Shelf, sha256_of
from fundus_core.store.health_folder import SHOWN, Found, homes, others, room

_AHEAD_S = 300.0
_AT_ONCE = 500


def examine(
    where: str | Path,
    *,
    files: str | Path | None = None,
    repair: bool = False,
    join: bool = False,
    hashes: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Found]:
    """Look a store over, one thing after the other; it may be in use.

    Args:
        where: As for ``Store.open``.
        files: As for ``Store.open``.
        repair: Whether to put right what can be.
        join: Whether a database and a folder of which one has no id yet, or of which there are two copies, belong
            together: a person says so.
        hashes: Whether to compare every photograph with its hash, which reads all of them.
        progress: Called with the number of photographs compared.

    Raises:
        UsageError: The address is not understood.
    """
    url, folder = resolve_address(where, files)
    if not folder.is_dir():
        raise UsageError("There is no store in '{folder}'; name the right folder.", folder=folder)
    shelf = Shelf(folder)
    yield from others(homes(url, shelf), repair=repair)
    yield room(shelf)
    if (log := AuditLog(folder)).path.exists():
        yield _log(log)
    try:
        if join:
            _join(url, shelf)
        claim = store_identity.check(url, shelf)
        if claim.version < database.SCHEMA_VERSION and not repair:
            yield _older(claim.version)
            yield from _bytes(shelf, progress, hashes=hashes)
            return
        with StoreBase.open(where, files=files) if repair else StoreBase.looked_at(where, files=files) as store:
            yield _belong(shelf, claim.id)
            yield from _inside(store, repair=repair)
        yield from _bytes(shelf, progress, hashes=hashes)
    except FundusError as error:
        yield Found("store", "wrong", str(error))


def _log(log: AuditLog) -> Found:
    """Who did what: each line must follow from the one before; a head that was kept elsewhere shows a cut-off end."""
    found = log.verified()
    if found.fault:
        sentence = (
            f"Line {found.fault} of '{log.path}' does not follow from those before: the log was changed, or a crash "
            "cut a line off; what is below it cannot be relied upon."
        )
        return Found("log", "wrong", sentence)
    sentence = f"All {found.entries} lines of the log follow from each other; the last hash is {found.head[:16]}."
    return Found("log", "right", sentence)


def _older(version: int) -> Found:
    if not version:
        return Found("store", "note", "There is no database yet; the first that opens the store makes it.")
    sentence = (
        f"The store's tables are of version {version}, those of this program of version {database.SCHEMA_VERSION}; "
        "nothing was looked at in them, and the next that opens the store (or --repair) brings them up: back it up "
        "first, since an older program cannot open it then."
    )
    return Found("store", "note", sentence)


def _belong(shelf: Shelf, own: str) -> Found:
    if own and store_identity.read_mark(shelf.folder) == own:
        return Found("store", "right", "The database and the folder carry the same id.")
    sentence = "The folder or the database carries no id yet; they hold the same photographs, and --repair writes it."
    return Found("store", "note", sentence)


def _inside(store: StoreBase, *, repair: bool) -> Iterator[Found]:
    try:
        yield from _sound(store)
        yield from _photographs(store, repair=repair)
        yield _elsewhere(store)
        yield _clock(store)
    except FundusError as error:
        yield Found("database", "wrong", str(error))


def _bytes(shelf: Shelf, progress: Callable[[int], None] | None, *, hashes: bool) -> Iterator[Found]:
    if hashes:
        yield _damaged(shelf, progress)


def _join(url: sa.URL, shelf: Shelf) -> None:
    """Where one of them has no id, or the database is one of two that have the folder's: a person says that it is."""
    mark, claim = store_identity.read_mark(shelf.folder), store_identity.probe(url)
    if not claim.version or (mark and claim.id and mark != claim.id):
        return
    engine = database.open_engine(url)
    try:
        with database.opened():
            database.migrate(engine)
            with database.writing(engine) as connection:
                store_identity.join(connection, shelf)
    finally:
        engine.dispose()


# Database against folder --------------------------------------------------------------------------------------


def _sound(store: StoreBase) -> Iterator[Found]:
    """SQLite's own check of every page and every reference."""
    if store.engine.dialect.name != "sqlite":
        yield Found("database", "right", "The database answers, and its tables are those of this version.")
        return
    with database.translate_errors(), store.engine.connect() as connection:
        said = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
        stray = len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())
    if said != ["ok"] or stray:
        words = tuple(" ".join(line.split()) for line in said if line != "ok")[:SHOWN]
        yield Found(
            "database",
            "wrong",
            f"The database is damaged in {len(words)} places, {stray} rows refer to none; put a backup back.",
            words,
        )
    else:
        yield Found("database", "right", "The database is sound.")


def _photographs(store: StoreBase, *, repair: bool) -> Iterator[Found]:
    put_aside = store.tidy() if repair else 0
    with store.reading() as connection:
        query = sa.select(schema.photograph.c.sha256).where(schema.photograph.c.kept).distinct()
        known = set(connection.execute(query).scalars())
    there, aside = store.shelf.all("photographs"), store.shelf.quarantine()
    missing = sorted(known - {sha256 for sha256 in there if store.shelf.find("photographs", sha256)})
    if missing:
        again = len(set(missing) & aside)
        sentence = (
            f"{len(missing)} of {len(known)} photographs that the database knows are not in the folder; put a backup "
            f"back, or hand them in again ({again} of them lie in the quarantine, and --repair brings those back)."
        )
        yield Found("missing", "wrong", sentence, tuple(missing[:SHOWN]))
    else:
        yield Found("missing", "right", f"All {len(known)} photographs that the database knows are in the folder.")
    unknown = {sha256 for kind in KINDS for sha256 in store.shelf.all(kind)} - _known(store)
    yield from _unknown(sorted(unknown), put_aside)
    yield from _quarantine(store.shelf, aside)


def _known(store: StoreBase) -> set[str]:
    with store.reading() as connection:
        return set(connection.execute(sa.select(schema.photograph.c.sha256).distinct()).scalars())


def _unknown(unknown: Sequence[str], put_aside: int) -> Iterator[Found]:
    if put_aside:
        sentence = f"{put_aside} photographs that the database does not know were put aside; nothing was removed."
        yield Found("unknown", "mended", sentence)
    if unknown:
        sentence = (
            f"The folder holds files of {len(unknown)} photographs that the database does not know: on their way in "
            "or left over; those older than a day are put aside by --repair."
        )
        yield Found("unknown", "note", sentence, tuple(unknown[:SHOWN]))
    elif not put_aside:
        yield Found("unknown", "right", "The folder holds nothing that the database does not know.")


def _quarantine(shelf: Shelf, aside: set[str]) -> Iterator[Found]:
    if aside:
        where = shelf.folder / "photographs" / QUARANTINE
        size = sum(path.stat().st_size for path in where.glob("*"))
        sentence = (
            f"{len(aside)} photographs ({size / 1e6:,.1f} MB) are in quarantine; empty '{where}' if none is missed."
        )
        yield Found("quarantine", "note", sentence, tuple(sorted(aside)[:SHOWN]))


def _elsewhere(store: StoreBase) -> Found:
    """Photographs in folders of their own, which somebody may have moved."""
    photograph = schema.photograph.c
    with store.reading() as connection:
        query = sa.select(photograph.locator).where(~photograph.kept, photograph.locator != "").distinct()
        places = [str(text) for text in connection.execute(query).scalars()]
    gone = [text for text in places if Path(text).is_absolute() and not Path(text).exists()]
    if gone:
        sentence = (
            f"{len(gone)} of {len(places)} photographs that lie in folders of their own are gone; put them back there."
        )
        return Found("elsewhere", "note", sentence, tuple(gone[:SHOWN]))
    return Found("elsewhere", "right", f"{len(places)} photographs lie in folders of their own, and are there.")


def _damaged(shelf: Shelf, progress: Callable[[int], None] | None) -> Found:
    """Read every photograph and compare it with its name."""
    names = sorted(shelf.all("photographs"))
    bad: list[str] = []
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "hash") as pool:
        for start in range(0, len(names), _AT_ONCE):
            chunk = names[start : start + _AT_ONCE]
            right = pool.map(lambda sha256: _is_whole(shelf, sha256), chunk)
            bad += [sha256 for sha256, whole in zip(chunk, right, strict=True) if not whole]
            if progress is not None:
                progress(start + len(chunk))
    if bad:
        sentence = (
            f"{len(bad)} of {len(names)} photographs are damaged: their bytes are not those that were handed in; put a "
            "backup back, or hand them in again."
        )
        return Found("damaged", "wrong", sentence, tuple(bad[:SHOWN]))
    return Found("damaged", "right", f"All {len(names)} photographs have the bytes that were handed in.")


def _is_whole(shelf: Shelf, sha256: str) -> bool:
    try:
        return sha256_of(shelf.path("photographs", sha256)) == sha256
    except FileNotFoundError:  # deleted meanwhile
        return True
    except OSError:
        return False


def _clock(store: StoreBase) -> Found:
    """What was written before now was not written in the future."""
    with store.reading() as connection:
        times = [
            connection.execute(sa.select(sa.func.max(column))).scalar() or 0.0
            for column in (schema.cohort.c.created_at, schema.reading.c.created_at)
        ]
        if store.engine.dialect.name == "postgresql":
            times.append(float(connection.execute(sa.text("SELECT extract(epoch FROM now())")).scalar_one()))
    ahead = max(times) - time.time()
    if ahead > _AHEAD_S:
        sentence = f"This machine's clock is {ahead / 60:,.0f} minutes behind what was written to the store; set it."
        return Found("clock", "wrong", sentence)
    return Found("clock", "right", f"The clock says {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}.")
