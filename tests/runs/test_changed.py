"""Photographs that are not what they were: replaced on disk, or damaged in the store."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from fundus_core import runs
from fundus_core.runs import worker
from fundus_core.store import NewPhotograph, Store, run_table
from tests.runs import fake
from tests.runs.conftest import Make


def read(store: Store, *models: str) -> runs.Progress:
    run = run_table.submit(store, "a", [fake.version(model) for model in models])
    worker.work(store, opening=fake.opening)
    return runs.progress(store, run)


def said(store: Store, model: str = "red") -> list[float]:
    return [one.predictions["sbp"].value for one in store.readings("a", model)]


@pytest.fixture
def outside(store: Store, tmp_path: Path) -> Path:
    """A cohort of three photographs that lie in this folder and have been read."""
    store.create_cohort("a")
    for seed in (10, 20, 30):
        (tmp_path / f"{seed}.jpg").write_bytes(fake.eye(seed))
    store.add_photographs("a", [NewPhotograph(f"{seed}.jpg", str(tmp_path / f"{seed}.jpg")) for seed in (10, 20, 30)])
    assert read(store, "red").predicted == 3
    return tmp_path


def test_a_photograph_replaced_on_disk_is_read_anew_when_somebody_asks(store: Store, outside: Path) -> None:
    before = said(store)
    old = store.photograph("a", "20.jpg").sha256
    (outside / "20.jpg").write_bytes(fake.eye(90))
    progress = read(store, "red")
    assert (progress.state, progress.predicted, progress.reused) == ("done", 3, 2)
    after = said(store)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] > max(before), "the new eye is brighter than all"
    item = store.photograph("a", "20.jpg")
    assert item.sha256 == store.shelf.sha256(fake.eye(90))
    assert store.thumbnail(item.sha256) is not None
    assert store.thumbnail(old) is None, "nothing of the replaced one stays"
    with store.reading() as connection:
        count = "SELECT count(*) FROM reading WHERE sha256 = '" + old + "'"  # noqa: S608 (our own hash)
        assert connection.exec_driver_sql(count).scalar() == 0


def test_a_photograph_only_touched_costs_a_look_and_no_network(
    store: Store, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = said(store)
    os.utime(outside / "10.jpg", (1.0, 1.0))
    monkeypatch.setattr(fake.Reader, "__call__", None)  # it must not be asked
    progress = read(store, "red")
    assert (progress.state, progress.predicted, progress.reused) == ("done", 3, 3)
    assert said(store) == before
    assert run_table._changed(store, "a") == []


def test_what_another_model_read_of_the_old_bytes_is_forgotten_too(store: Store, outside: Path) -> None:
    read(store, "slow")
    (outside / "20.jpg").write_bytes(fake.eye(90))
    assert read(store, "slow").predicted == 3
    statuses = {item.name: item.status for item in store.photographs("a", model="red").items}
    assert statuses == {"10.jpg": "predicted", "20.jpg": "queued", "30.jpg": "predicted"}
    assert read(store, "red").reused == 2
    np.testing.assert_array_equal(said(store, "red"), said(store, "slow"))


def test_bytes_that_another_cohort_holds_stay_its_own(store: Store, outside: Path) -> None:
    old = store.photograph("a", "20.jpg").sha256
    store.create_cohort("b")
    store.add_photographs("b", [NewPhotograph.of_kept("copy", store.keep(fake.eye(20)))])
    other = run_table.submit(store, "b", [fake.version("red")])
    assert runs.progress(store, other).reused == 1
    (outside / "20.jpg").write_bytes(fake.eye(90))
    read(store, "red")
    assert store.photograph("b", "copy").status == "predicted"
    assert store.thumbnail(old) is not None


def test_a_file_that_is_gone_keeps_what_was_read_of_it(store: Store, outside: Path) -> None:
    before = said(store)
    (outside / "20.jpg").unlink()
    progress = read(store, "red")
    assert (progress.predicted, progress.reused) == (3, 3)
    assert said(store) == before


def test_a_damaged_copy_in_the_store_is_noticed_and_mended(store: Store, make: Make) -> None:
    make("a", range(2))
    kept = store.keep(fake.eye(1))
    path = store.shelf.folder / kept.locator
    path.write_bytes(fake.eye(50))
    assert read(store, "red").failed == 1
    item = store.photograph("a", "001.jpg")
    assert (item.reason_code, item.sha256) == ("damaged_copy", kept.sha256)
    assert "Hand the photograph in again" in item.reason
    store.keep(fake.eye(1))
    assert (read(store, "red").predicted, path.read_bytes()) == (2, fake.eye(1))
