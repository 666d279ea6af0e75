"""Whatever is done to the database or its folder: one sentence, and no photograph is gone.

Attacked by what happens to files on real disks (cut off, overwritten, swapped, locked, emptied, given away) and by
databases that are none of ours; each time the store is opened, tidied where it opens, and every byte is looked for.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundus_core.errors import FundusError
from fundus_core.store import NewPhotograph, Store, database, examine, schema
from fundus_core.store.store_identity import MARK
from tests.store import databases

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = time.time() - 3 * 86_400


def fill(folder: Path, *, many: int = 12, name: str = "clinic") -> Path:
    """A store whose photographs are older than a day, as after a week of use."""
    with Store.open(folder) as store:
        store.create_cohort(name)
        kept = [store.keep(f"{name} {number}".encode()) for number in range(many)]
        store.add_photographs(name, [NewPhotograph.of_kept(f"{n}.jpg", one) for n, one in enumerate(kept)])
    for path in (folder / "photographs").rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def contents(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in (folder / "photographs").rglob("*") if path.is_file()}


def use(folder: Path, files: Path | None = None) -> str:
    """Open, look, tidy; returns what was said, empty where nothing was wrong."""
    try:
        with Store.open(folder, files=files) as store:
            for cohort in store.cohorts():
                store.photographs(cohort.id)
                store.table(cohort.id)
            store.tidy()
    except FundusError as error:
        return str(error)
    return ""


def of(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def another_program(path: Path, *tables: str) -> None:
    path.unlink()
    of(path, *(f"CREATE TABLE {table} (id INTEGER)" for table in tables))


def leave_a_journal(path: Path) -> None:
    """The database is gone, what was last written to it is not."""
    path.with_name("store.sqlite-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(4200))
    path.unlink()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "lost": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut off in the header": lambda path: os.truncate(path, 60),
    "cut off after a page": lambda path: os.truncate(path, 4096),
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 8192 * 4096),
    "one zeroed page": lambda path: overwrite(path, 8192, bytes(4096)),
    "all pages zeroed but the first": lambda path: overwrite(path, 4096, bytes(path.stat().st_size - 4096)),
    "noise": lambda path: path.write_bytes(os.urandom(20_000)),
    "noise behind a right header": lambda path: overwrite(path, 100, os.urandom(20_000)),
    "text": lambda path: path.write_text("id,name\n1,clinic\n" * 200),
    "an archive": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(5000)),
    "only zeros": lambda path: path.write_bytes(bytes(40_960)),
    "newer": lambda path: of(path, "UPDATE schema_version SET number = 99"),
    "version below all": lambda path: of(path, "UPDATE schema_version SET number = -1"),
    "version in words": lambda path: of(path, "UPDATE schema_version SET number = 'five'"),
    "no version": lambda path: of(path, "DELETE FROM schema_version"),
    "two versions": lambda path: of(path, "INSERT INTO schema_version VALUES (2)"),
    "version table lost": lambda path: of(path, "DROP TABLE schema_version"),
    "photographs' table lost": lambda path: of(path, "PRAGMA foreign_keys=OFF", "DROP TABLE photograph"),
    "a later table lost": lambda path: of(path, "DROP TABLE store"),
    "a column lost": lambda path: of(path, "ALTER TABLE photograph DROP COLUMN eye_source"),
    "a version it is not": lambda path: of(path, "UPDATE schema_version SET number = 2"),
    "another program's": lambda path: another_program(path, "moz_places", "moz_bookmarks"),
    "another program's of the same names": lambda path: another_program(path, "schema_version", "photograph"),
    "a new database": lambda path: (path.unlink(), of(path, "CREATE TABLE t (x)", "DROP TABLE t")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link to nowhere": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "lost but for its journal": leave_a_journal,
    "another id": lambda path: of(path, "UPDATE store SET id = '00000000000000000000000000000000'"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_is_one_sentence_and_no_photograph_is_gone(tmp_path: Path, damage: str) -> None:
    folder = fill(tmp_path / "store")
    before, path = contents(folder), folder / "store.sqlite"
    DAMAGES[damage](path)
    mark = (folder / MARK).read_bytes()
    for _ in range(2):  # the first refusal must not prepare what the second believes
        said = use(folder)
        assert said.endswith("."), "it was opened as if nothing were wrong"
        assert "\n" not in said
        assert contents(folder) == before
        assert (folder / MARK).read_bytes() == mark


def test_the_command_line_says_it_in_a_sentence_and_leaves_with_2(tmp_path: Path) -> None:
    folder = fill(tmp_path / "store")
    (folder / "store.sqlite").write_bytes(b"not a database, whatever its name" * 100)
    command = [sys.executable, "-m", "fundus_core", "work", "--store", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "file is not a database" in ended.stderr


def test_what_must_be_told_apart_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Two stores whose databases were swapped: neither is changed by a byte."""
    one, other = fill(tmp_path / "one"), fill(tmp_path / "other", name="other")
    shutil.copy(other / "store.sqlite", one / "store.sqlite")
    held = (one / "store.sqlite").read_bytes()
    assert "name the folder and the database that belong together" in use(one)
    assert (one / "store.sqlite").read_bytes() == held
    assert len(contents(one)) == 12


def test_another_stores_journal_is_not_taken_in(tmp_path: Path) -> None:
    """SQLite would copy it into our database, page by page, at the next checkpoint."""
    one, other = fill(tmp_path / "one"), fill(tmp_path / "other", name="other", many=3)
    with Store.open(other) as store:
        store.create_cohort("written last")
        shutil.copy(other / "store.sqlite-wal", one / "store.sqlite-wal")
    held = (one / "store.sqlite").read_bytes()
    said = use(one)
    assert (one / "store.sqlite").read_bytes() == held or said == ""
    (one / "store.sqlite-wal").unlink(missing_ok=True)
    (one / "store.sqlite-shm").unlink(missing_ok=True)
    assert use(one) == ""
    assert len(contents(one)) == 12


def test_a_database_that_forgot_puts_aside_and_one_that_knows_again_brings_back(tmp_path: Path) -> None:
    """An old copy of the database (same id) does not know what came since: nothing is removed, nothing lost."""
    folder = fill(tmp_path / "store")
    old = (folder / "store.sqlite").read_bytes()
    with Store.open(folder) as store:
        new = store.keep(b"came since")
        store.create_cohort("new")
        store.add_photographs("new", [NewPhotograph.of_kept("x.jpg", new)])
        store.shelf.write("crops", new.sha256, b"crop")
        for kind in ("photographs", "crops"):
            os.utime(store.shelf.path(kind, new.sha256), (LONG_AGO, LONG_AGO))  # type: ignore[arg-type]
    current = (folder / "store.sqlite").read_bytes()
    (folder / "store.sqlite").write_bytes(old)
    with Store.open(folder) as store:
        assert store.tidy() == 1
        assert store.shelf.quarantine() == {new.sha256}
        assert store.tidy() == 0
    assert (folder / "photographs" / "quarantine" / new.sha256).read_bytes() == b"came since"
    (folder / "store.sqlite").write_bytes(current)
    with Store.open(folder) as store:
        store.tidy()
        assert store.shelf.quarantine() == set()
        assert Path(store.locator("new", "x.jpg")).read_bytes() == b"came since"
        assert store.crop(new.sha256) is not None


def test_a_store_may_be_copied_and_moved(tmp_path: Path) -> None:
    folder = fill(tmp_path / "store")
    shutil.copytree(folder, tmp_path / "copy")
    folder.rename(tmp_path / "moved")
    for place in ("copy", "moved"):
        assert use(tmp_path / place) == ""
        assert len(contents(tmp_path / place)) == 12


def test_two_stores_do_not_share_a_folder(tmp_path: Path) -> None:
    with Store.open(tmp_path / "one", files=tmp_path / "files"):
        pass
    with pytest.raises(FundusError, match="missing or empty"):
        Store.open(tmp_path / "other", files=tmp_path / "files")
    assert not (tmp_path / "other").exists()


def test_a_folder_that_is_not_mounted_is_not_taken_for_an_empty_one(store: Store, tmp_path: Path) -> None:
    """On both databases: the folder's disk is missing, and the mount point is empty."""
    store.create_cohort("a")
    store.add_photographs("a", [NewPhotograph.of_kept("x", store.keep(b"x"))])
    (tmp_path / "files").rename(tmp_path / "away")
    with pytest.raises(FundusError, match="is a disk missing"):
        Store.open(store.address, files=tmp_path / "files")


def test_an_emptied_database_on_a_server_is_refused(store: Store, tmp_path: Path) -> None:
    store.create_cohort("a")
    store.add_photographs("a", [NewPhotograph.of_kept("x", store.keep(b"x"))])
    with store.engine.begin() as connection:
        schema.metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE schema_version")
    with pytest.raises(FundusError, match="missing or empty"):
        Store.open(store.address, files=tmp_path / "files")
    assert contents(tmp_path / "files") == {b"x"}


# Stores from before there was an id ---------------------------------------------------------------------------


def before_ids(folder: Path) -> None:
    """Make a store one of the version before: no id on either side."""
    path = folder / "store.sqlite"
    now = path.rename(folder / "now.sqlite")
    databases.as_released(f"sqlite:///{path}", 4).dispose()
    columns = {
        "cohort": "id, name, rendered, note, selected_from, revision, created_at",
        "photograph": "id, cohort_id, name, sha256, locator, kept, patient_id, eye, eye_source, covariates",
    }
    take = [f"INSERT INTO {table} ({names}) SELECT {names} FROM now.{table}" for table, names in columns.items()]  # noqa: S608
    of(path, f"ATTACH '{now}' AS now", *take)
    now.unlink()
    (folder / MARK).unlink()


def test_a_store_from_before_is_adopted(tmp_path: Path) -> None:
    folder = fill(tmp_path / "store")
    before_ids(folder)
    (folder / "photographs" / "stray").write_bytes(b"whatever")
    assert use(folder) == ""
    assert (folder / MARK).exists()
    assert len(contents(folder)) == 13


@pytest.mark.parametrize("damage", ["lost", "emptied", "another store's", "emptied of cohorts"])
def test_a_folder_from_before_is_not_given_to_the_first_who_comes(tmp_path: Path, damage: str) -> None:
    folder = fill(tmp_path / "store")
    before_ids(folder)
    path = folder / "store.sqlite"
    if damage == "another store's":
        other = fill(tmp_path / "other", name="other")
        before_ids(other)
        shutil.copy(other / "store.sqlite", path)
    elif damage == "emptied of cohorts":
        of(path, "PRAGMA foreign_keys=ON", "DELETE FROM cohort")
    else:
        DAMAGES[damage](path)
    for _ in range(2):
        assert "nothing was changed" in use(folder)
        assert len(contents(folder)) == 12
        assert not (folder / MARK).exists()


@pytest.mark.parametrize("left", [b"", b"\x00" * 33, b"0123"])
def test_a_mark_that_a_power_cut_damaged_is_written_anew(tmp_path: Path, left: bytes) -> None:
    folder = fill(tmp_path / "store")
    whole = (folder / MARK).read_bytes()
    (folder / MARK).write_bytes(left)
    assert use(folder) == ""
    assert (folder / MARK).read_bytes() == whole


# Not now ------------------------------------------------------------------------------------------------------


def test_a_database_that_another_program_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "store")
    monkeypatch.setattr(database, "WAIT_MS", 50)
    holder = sqlite3.connect(folder / "store.sqlite", isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("UPDATE cohort SET note = 'held'")
    assert "database is locked" in use(folder)
    holder.close()
    assert use(folder) == ""
    assert len(contents(folder)) == 12


NOBODY = """
import os, sys, json
from fundus_core.errors import FundusError
from fundus_core.store import Store
Store.open(sys.argv[1] + "-other").close()  # whatever is imported late, since nobody may read the interpreter
os.setgid(65534)
os.setuid(65534)
try:
    Store.open(sys.argv[1]).close()
    print(json.dumps(""))
except FundusError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become somebody else")
@pytest.mark.parametrize("closed", ["database", "folder", "mark", "all but reading"])
def test_somebody_who_may_not(tmp_path: Path, closed: str) -> None:
    """As another user, since root may do everything."""
    folder = fill(tmp_path / "store")
    for above in (tmp_path, *tmp_path.parents[:3]):
        above.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    target = {"database": folder / "store.sqlite", "folder": folder, "mark": folder / MARK}.get(closed)
    if target is not None:
        os.chown(target, 0, 0)
        target.chmod(0o700 if target.is_dir() else 0o600)
    else:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 0, 0)
            path.chmod(0o555 if path.is_dir() else 0o444)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", NOBODY, str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout).endswith(".")
    assert len(contents(folder)) == 12


# Any damage ---------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_of_the_database_file_takes_a_photograph(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes overwritten, cut off, pages swapped and zeroed, at random, several times over."""
    folder = tmp_path / "store"
    if not folder.exists():
        fill(folder)
        (tmp_path / "whole").write_bytes((folder / "store.sqlite").read_bytes())
    whole = bytearray((tmp_path / "whole").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        page = 4096 * data.draw(st.integers(0, len(whole) // 4096 - 1))
        kind = data.draw(st.sampled_from(["bytes", "zero", "swap"]))
        if kind == "bytes":
            place = page + data.draw(st.integers(0, 4095))
            whole[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
        elif kind == "zero":
            whole[page : page + 4096] = bytes(4096)
        else:
            other = 4096 * data.draw(st.integers(0, len(whole) // 4096 - 1))
            whole[page : page + 4096], whole[other : other + 4096] = (
                whole[other : other + 4096],
                whole[page : page + 4096],
            )
    (folder / "store.sqlite").write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    for name in ("store.sqlite-wal", "store.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    said = use(folder)
    assert said == "" or (said.endswith(".") and "\n" not in said)
    assert len(contents(folder)) == 12


# What others may read -----------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="Windows has other means")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_may_read_a_store(tmp_path: Path, umask: int) -> None:
    """Whatever the umask: folders 700 and files 600, the database's journals included."""
    before = os.umask(umask)
    try:
        folder = fill(tmp_path / "new" / "store")
        upload = tmp_path / "upload"
        upload.write_bytes(b"upload")
        with Store.open(folder) as store:
            kept = store.keep_file(upload)
            store.shelf.write("thumbnails", kept.sha256, b"t")
            store.create_cohort("b")
            store.tidy()
            found = {path: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    finally:
        os.umask(before)
    assert {"store.sqlite", "store.sqlite-wal", "store.sqlite-shm", MARK} <= {path.name for path in found}
    assert [path for path, mode in found.items() if mode != (0o700 if path.is_dir() else 0o600)] == []


def test_a_shared_folder_stays_shared(tmp_path: Path) -> None:
    """A store opened in ``/tmp`` must not shut everybody else out of it."""
    tmp_path.chmod(0o1777)
    Store.open(tmp_path).close()
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_a_query_on_a_damaged_page_is_a_sentence(tmp_path: Path) -> None:
    folder = fill(tmp_path / "store", many=400)
    with Store.open(folder) as store:
        pages = sa.text("SELECT rootpage FROM sqlite_schema WHERE name = 'photograph'")
        with store.reading() as connection:
            root = connection.execute(pages).scalar_one()
        overwrite(folder / "store.sqlite", 4096 * (root - 1), bytes(4096))
    with Store.open(folder) as store, pytest.raises(FundusError, match="database is damaged"):
        store.table("clinic")


# A copy of the database ---------------------------------------------------------------------------------------


def apart(tmp_path: Path) -> tuple[str, Path]:
    """A store whose database lies outside the folder of its files."""
    fill(tmp_path / "store")
    (tmp_path / "a").mkdir()
    shutil.move(tmp_path / "store" / "store.sqlite", tmp_path / "a" / "store.sqlite")
    assert use(tmp_path / "a", tmp_path / "store") == ""
    return str(tmp_path / "a"), tmp_path / "store"


def test_a_copy_of_the_database_is_refused_while_the_first_is_there(tmp_path: Path) -> None:
    """Each would take the other's photographs for nobody's, and delete what the other still shows."""
    where, files = apart(tmp_path)
    shutil.copytree(where, tmp_path / "b")
    said = use(tmp_path / "b", files)
    assert "is a copy of it" in said
    assert said.endswith(".")
    assert use(Path(where), files) == ""
    assert list(examine(tmp_path / "b", files=files, join=True, repair=True))[-1].level == "right"
    assert use(tmp_path / "b", files) == ""
    assert "is a copy of it" in use(Path(where), files)


@pytest.mark.parametrize("deed", ["moved", "moved together", "copied together", "damaged and restored", "linked"])
def test_moving_and_restoring_is_no_copy(tmp_path: Path, deed: str) -> None:
    where, files = apart(tmp_path)
    first, to = Path(where), tmp_path / "b"
    if deed == "moved":
        shutil.move(first, to)
    elif deed == "moved together":
        shutil.move(files, tmp_path / "c")
        shutil.move(first, to)
        files = tmp_path / "c"
    elif deed == "copied together":
        shutil.move(first / "store.sqlite", files / "store.sqlite")
        assert use(files) == ""
        shutil.copytree(files, tmp_path / "c")
        assert use(tmp_path / "c") == ""
        to = files
    elif deed == "damaged and restored":
        shutil.copytree(first, to)
        (first / "store.sqlite").write_bytes(os.urandom(9000))
    else:
        to.mkdir()
        (to / "store.sqlite").symlink_to(first / "store.sqlite")
    assert use(to, files) == ""
    assert use(to, files) == ""


# A store of an older version ----------------------------------------------------------------------------------


def everything(folder: Path) -> dict[Path, bytes]:
    """Every file; of SQLite's two beside the database that a reader makes, what is in the journal."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path: data for path, data in files.items() if data and not path.name.endswith("-shm")}


def test_who_only_looks_writes_nothing_to_an_older_store(tmp_path: Path) -> None:
    """The doctor says so; with --repair it brings the tables up."""
    folder = fill(tmp_path / "store")
    of(folder / "store.sqlite", "UPDATE schema_version SET number = 4", "DROP TABLE store")
    (folder / "store.id").unlink()
    before = everything(folder)
    found = {one.code: one for one in examine(folder)}
    assert found["store"].level == "note"
    assert "of version 4" in found["store"].sentence
    assert everything(folder) == before


def test_who_only_looks_writes_nothing_to_a_store(tmp_path: Path) -> None:
    folder = fill(tmp_path / "store")
    before = everything(folder)
    assert {one.level for one in examine(folder)} == {"right"}
    assert everything(folder) == before


def test_who_looks_where_nothing_was_kept_yet_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    found = {one.code: one for one in examine(tmp_path)}
    assert found["store"].level == "note"
    assert "no database yet" in found["store"].sentence
    assert [path.name for path in tmp_path.iterdir()] == ["models"]
