"""Whatever is done to the database or its folder: one sentence, and no photograph is gone.

Attacked by what happens to files on real disks (cut off, overwritten, swapped, locked, emptied, given away) and by
databases that are none of ours; each time the store is opened, tidied where it opens, and every byte is looked for.
"""

from __future__ import annotations

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
from fundus_core.store import NewPhotograph, Store, schema
from fundus_core.store.store_identity import MARK

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
    command = [sys.executable, "-m", "fundus_core.runs.worker", "--store", str(folder)]
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


def test_a_query_on_a_damaged_page_is_a_sentence(tmp_path: Path) -> None:
    folder = fill(tmp_path / "store", many=400)
    with Store.open(folder) as store:
        pages = sa.text("SELECT rootpage FROM sqlite_schema WHERE name = 'photograph'")
        with store.reading() as connection:
            root = connection.execute(pages).scalar_one()
        overwrite(folder / "store.sqlite", 4096 * (root - 1), bytes(4096))
    with Store.open(folder) as store, pytest.raises(FundusError, match="database is damaged"):
        store.table("clinic")
