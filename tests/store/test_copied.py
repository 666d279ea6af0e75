"""Stores that were copied, moved, or come from an older version: none is given to another, none forgets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fundus_core.store import examine
from fundus_core.store.store_identity import MARK
from tests.store import databases
from tests.store.test_damaged import DAMAGES, contents, fill, of, use

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
