"""A backup is the store as it was at one moment, whole, whatever else happens meanwhile; and it comes back."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fundus_core.__main__ import main
from fundus_core.errors import UsageError
from fundus_core.records import Prediction
from fundus_core.store import (
    Finding,
    Item,
    ModelVersion,
    NewPhotograph,
    Store,
    TruthRow,
    back_up,
    prediction_table,
    restore,
    run_table,
    versions,
)
from tests.store.test_damaged import contents, fill, use

MODEL = ModelVersion("model", "w", "c")


def everything(store: Store) -> dict[str, object]:
    """What a person sees of a store."""
    return {one.name: [_seen(item) for item in store.photographs(one.id, limit=1000).items] for one in store.cohorts()}


def _seen(item: Item) -> tuple[object, ...]:
    said = {target: one.value for target, one in item.predictions.items()}
    return item.name, item.patient_id, dict(item.truth), said, item.status


def use_store(store: Store) -> None:
    """Photographs with truth and readings, one of them in a folder of its own."""
    store.create_cohort("clinic", note="Nöte")
    kept = [store.keep(b"%d" % number) for number in range(6)]
    store.add_photographs("clinic", [NewPhotograph.of_kept(f"{n}.jpg", one) for n, one in enumerate(kept)])
    store.add_photographs("clinic", [NewPhotograph("elsewhere.jpg", "/nowhere/elsewhere.jpg")])
    store.set_truth("clinic", [TruthRow("3.jpg", {"sbp": 120.5}, {"site": "x"}, "P")])
    store.shelf.write("thumbnails", kept[0].sha256, b"picture")
    with store.writing() as connection:
        version = versions.version_id(connection, MODEL)
        predicted = {"sbp": Prediction(118.25, 100.0, 130.0)}
        prediction_table.write(
            connection, version, [Finding(one.sha256, "predicted", predictions=predicted) for one in kept]
        )
    run_table.submit(store, "clinic", [MODEL])


def test_there_and_back_is_the_same_store(store: Store, tmp_path: Path) -> None:
    """From both databases; the backup can itself be opened as a store."""
    use_store(store)
    copied = back_up(store, tmp_path / "backup")
    assert (copied.cohorts, copied.photographs, copied.new, copied.elsewhere) == (1, 6, 6, 1)
    restore(tmp_path / "backup", tmp_path / "again")
    for place in ("backup", "again"):
        with Store.open(tmp_path / place) as other:
            assert everything(other) == everything(store)
            assert other.thumbnail(store.shelf.sha256(b"0")) is not None
        assert contents(tmp_path / place) == {b"%d" % number for number in range(6)}


def test_back_into_a_server_and_new_rows_come_after_the_old(empty_postgres: str, tmp_path: Path) -> None:
    fill(tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
        restore(tmp_path / "backup", empty_postgres, files=tmp_path / "files")
        with Store.open(empty_postgres, files=tmp_path / "files") as other:
            assert everything(other) == everything(store)
            other.create_cohort("after")
            other.add_photographs("after", [NewPhotograph.of_kept("x", other.keep(b"x"))])
        with pytest.raises(UsageError, match="database that works"):
            restore(tmp_path / "backup", empty_postgres, files=tmp_path / "files")


def test_again_adds_what_is_new_and_removes_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
        store.delete("clinic")
        store.create_cohort("new")
        store.add_photographs("new", [NewPhotograph.of_kept("x", store.keep(b"new"))])
        copied = back_up(store, tmp_path / "backup")
        assert (copied.photographs, copied.new) == (1, 1)
    assert len(contents(tmp_path / "backup")) == 13
    with Store.open(tmp_path / "backup") as backup:
        assert [one.name for one in backup.cohorts()] == ["new"]


def test_a_backup_is_consistent_while_others_write(store: Store, tmp_path: Path) -> None:
    """Three threads add and rename while backups are taken: each is whole, comes back, and opens."""
    over = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(_keep_busy, store, name, over) for name in "abc"]
        try:
            taken = [back_up(store, tmp_path / f"backup {number}") for number in range(3)]
        finally:
            over.set()
        assert sum(writer.result() for writer in writers) > 0
    for number, copied in enumerate(taken):
        assert copied.missing == copied.damaged == ()
        restore(tmp_path / f"backup {number}", tmp_path / f"again {number}")
        with Store.open(tmp_path / f"again {number}") as again:
            assert len(again.cohorts()) == copied.cohorts
            assert {one.photographs for one in again.cohorts()} <= {0, 4}, "a chunk comes whole or not at all"
            assert next(_lacking(again), None) is None


def _keep_busy(store: Store, name: str, over: threading.Event) -> int:
    """Make cohorts until it is over; returns how many."""
    for number in itertools.count(1):
        cohort = store.create_cohort(f"{name} {number}")
        kept = [store.keep(f"{name} {number} {each}".encode()) for each in range(4)]
        store.add_photographs(cohort.id, [NewPhotograph.of_kept(f"{n}", one) for n, one in enumerate(kept)])
        store.rename(cohort.id, f"{name} {number} renamed")
        if over.is_set():
            return number
    return 0


def _lacking(store: Store) -> Iterator[str]:
    """Photographs whose bytes are not there."""
    for cohort in store.cohorts():
        for item in store.photographs(cohort.id).items:
            if not Path(store.locator(cohort.id, item.name)).is_file():
                yield item.name


@pytest.mark.parametrize("damage", ["lost", "noise", "emptied"])
def test_a_damaged_database_is_replaced_and_put_aside(tmp_path: Path, damage: str) -> None:
    fill(tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
    path = tmp_path / "store" / "store.sqlite"
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(os.urandom(9000) if damage == "noise" else b"")
    (tmp_path / "store" / "store.sqlite-wal").write_bytes(b"left over" * 1000)
    restore(tmp_path / "backup", tmp_path / "store")
    assert use(tmp_path / "store") == ""
    assert len(contents(tmp_path / "store")) == 12
    aside = {one.name.rpartition(".")[2] for one in (tmp_path / "store").glob("*.aside-*")}
    assert aside - {"sqlite-shm"} == {"sqlite-wal"} | (set() if damage == "lost" else {"sqlite"})


def test_a_store_that_works_or_is_anothers_is_not_written_over(tmp_path: Path) -> None:
    fill(tmp_path / "store")
    fill(tmp_path / "other", name="other")
    with Store.open(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
        with pytest.raises(UsageError, match="database that works"):
            restore(tmp_path / "backup", tmp_path / "store")
        with pytest.raises(UsageError, match="is in use"):
            restore(tmp_path / "backup", tmp_path / "store", replace=True)
        with pytest.raises(UsageError, match="something else than a backup"):
            back_up(store, tmp_path / "other")
        with pytest.raises(UsageError, match="in the store itself"):
            back_up(store, tmp_path / "store" / "backup")
        store.create_cohort("made since")
    with pytest.raises(UsageError, match="files of another store"):
        restore(tmp_path / "backup", tmp_path / "other", replace=True)
    restore(tmp_path / "backup", tmp_path / "store", replace=True)
    with Store.open(tmp_path / "store") as store:
        assert [one.name for one in store.cohorts()] == ["clinic"]


@pytest.mark.parametrize("what", ["nothing", "database", "damaged"])
def test_what_is_no_backup_is_refused(tmp_path: Path, what: str) -> None:
    fill(tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        back_up(store, tmp_path / "backup")
    if what == "nothing":
        (tmp_path / "backup" / "store.sqlite").unlink()
    elif what == "database":
        (tmp_path / "backup" / "store.sqlite").write_bytes(b"SQL" * 1000)
    else:
        os.truncate(tmp_path / "backup" / "store.sqlite", 8192)
    with pytest.raises(UsageError):
        restore(tmp_path / "backup", tmp_path / "again")
    assert not (tmp_path / "again" / "store.sqlite").exists()


# The command line ---------------------------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    status = main([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def levels(content: dict[str, object]) -> dict[str, str]:
    return {one["code"]: one["level"] for one in content["found"]}  # type: ignore[attr-defined, index]


def test_a_healthy_store_is_healthy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "store")
    status, content = said(capsys, "doctor", "--store", str(tmp_path / "store"))
    assert (status, content["healthy"]) == (0, True)
    assert set(levels(content).values()) == {"right"}


def test_what_is_wrong_is_named_and_what_can_be_is_put_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One photograph lost, one damaged, one unknown, one readable by others; then repaired and restored."""
    folder = fill(tmp_path / "store")
    with Store.open(folder) as store:
        back_up(store, tmp_path / "backup")
    lost, damaged, *_ = sorted((folder / "photographs").glob("??/*"))
    lost.unlink()
    damaged.write_bytes(b"damaged")
    with Store.open(folder) as store:
        stray = store.keep(b"stray")
        path = store.shelf.path("photographs", stray.sha256)
        os.utime(path, (1.0, 1.0))
        path.chmod(0o644)
    status, content = said(capsys, "doctor", "--store", str(folder))
    assert (status, content["healthy"]) == (1, False)
    found = levels(content)
    wrong = {"missing", "damaged", "permissions"}
    assert {code for code, level in found.items() if level == "wrong"} == wrong
    assert found["unknown"] == "note"
    status, content = said(capsys, "doctor", "--store", str(folder), "--repair")
    found = levels(content)
    assert (found["permissions"], found["unknown"], found["quarantine"]) == ("mended", "mended", "note")
    (folder / "store.sqlite").unlink()
    assert main(["store", "restore", str(tmp_path / "backup"), "--store", str(folder)]) == 0
    capsys.readouterr()
    status, content = said(capsys, "doctor", "--store", str(folder))
    assert (status, levels(content)["quarantine"]) == (0, "note")
    assert b"stray" in contents(folder)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "database lost": Path.unlink,
    "no database": lambda path: path.write_bytes(b"%PDF-1.4" * 600),
    "cut off": lambda path: os.truncate(path, 4096),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("more", [(), ("--repair",), ("--join",)])
def test_a_store_that_cannot_be_opened_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str, more: tuple[str, ...]
) -> None:
    folder = fill(tmp_path / "store")
    DAMAGE[damage](folder / "store.sqlite")
    status, content = said(capsys, "doctor", "--store", str(folder), *more)
    assert (status, levels(content)["store"]) == (2, "wrong")
    assert len(contents(folder)) == 12


def test_a_damage_inside_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fill(tmp_path / "store", many=300)
    size = (folder / "store.sqlite").stat().st_size
    with (folder / "store.sqlite").open("r+b") as file:
        file.seek(size - 4096)
        file.write(bytes(2000) + b"\xff" * 2096)
    status, content = said(capsys, "doctor", "--store", str(folder))
    found = levels(content)
    assert status in {1, 2}
    assert "wrong" in (found.get("database"), found["store"])


def test_who_joins_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The photographs of a store from before ids were lost, and a person says that its folder is the right one."""
    folder = fill(tmp_path / "store")
    (folder / "store.id").unlink()
    for path in (folder / "photographs").glob("??/*"):
        path.unlink()
    assert said(capsys, "doctor", "--store", str(folder), "--repair")[0] == 2
    status, content = said(capsys, "doctor", "--store", str(folder), "--join")
    assert (status, levels(content)["missing"]) == (1, "wrong")
    assert use(folder) == ""


def test_where_there_is_no_store_none_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["doctor"], ["store", "backup", str(tmp_path / "backup")]):
        assert main([*words, "--store", str(tmp_path / "nothing")]) == 2
        assert "There is no store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
