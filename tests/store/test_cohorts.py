from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Source
from fundus_core.store import (
    Added,
    Finding,
    ModelVersion,
    NewPhotograph,
    Store,
    TruthRow,
    Where,
    prediction_table,
    run_table,
    schema,
    versions,
)

VERSION = ModelVersion("model", "weights", "card")


def fill(store: Store, cohort: str, names: dict[str, bytes]) -> None:
    """A cohort of kept photographs, each read by the model."""
    store.create_cohort(cohort)
    photographs = {name: store.keep(data) for name, data in names.items()}
    store.add_photographs(cohort, (NewPhotograph.of_kept(*pair) for pair in photographs.items()))
    with store.writing() as connection:
        version = versions.version_id(connection, VERSION)
        digests = {kept.sha256 for kept in photographs.values()}
        prediction_table.write(connection, version, [Finding(digest, "refused", "focus", "No.") for digest in digests])
    for digest in digests:
        store.shelf.write("crops", digest, b"crop")
        store.shelf.write("thumbnails", digest, b"thumbnail")
    run_table.submit(store, cohort, [VERSION])


def rows(store: Store) -> dict[str, int]:
    tables = (schema.cohort, schema.photograph, schema.outcome, schema.reading, schema.run, schema.entry)
    with store.reading() as connection:
        query = {table.name: sa.select(sa.func.count()).select_from(table) for table in tables}
        return {name: connection.execute(one).scalar_one() for name, one in query.items()}


def files(store: Store) -> list[int]:
    return [len(store.shelf.all(kind)) for kind in ("photographs", "thumbnails", "crops")]


def test_names_are_unique_and_said_when_unknown(store: Store) -> None:
    cohort = store.create_cohort("  clinic ", note="first visit", rendered=True)
    assert (cohort.name, cohort.note, cohort.rendered, cohort.photographs) == ("clinic", "first visit", True, 0)
    with pytest.raises(UsageError, match="'clinic' already; choose another"):
        store.create_cohort("clinic")
    with pytest.raises(UsageError, match="needs a name"):
        store.create_cohort("   ")
    with pytest.raises(UsageError, match=r"no cohort 'other'.*clinic"):
        store.cohort("other")


def test_renaming_keeps_the_id(store: Store) -> None:
    one, two = store.create_cohort("one"), store.create_cohort("two")
    store.rename("one", "uno")
    assert store.cohort("uno").id == one.id
    store.rename("uno", "uno")
    with pytest.raises(UsageError, match="already"):
        store.rename(two.id, "uno")


def test_adding_the_same_again_changes_nothing(store: Store) -> None:
    store.create_cohort("a")
    kept = [store.keep(b"%d" % i) for i in range(3)]
    given = [NewPhotograph.of_kept(f"{i}.jpg", one) for i, one in enumerate(kept)]
    assert store.add_photographs("a", given) == Added(3, 0, 0)
    assert store.add_photographs("a", given) == Added(0, 0, 3)
    assert store.add_photographs("a", [*given, *given]) == Added(0, 0, 6)
    assert store.cohort("a").photographs == 3


def test_another_photograph_of_the_same_name_gets_a_number(store: Store) -> None:
    store.create_cohort("a")
    kept = [NewPhotograph.of_kept("eye.jpg", store.keep(data)) for data in (b"1", b"2", b"3")]
    assert store.add_photographs("a", kept) == Added(1, 2, 0)
    assert store.add_photographs("a", kept) == Added(0, 0, 3)
    names = [item.name for item in store.photographs("a").items]
    assert names == ["eye.jpg", "eye.jpg (2)", "eye.jpg (3)"]


def test_photographs_may_stay_where_they_lie(store: Store) -> None:
    store.create_cohort("a")
    source = Source("x/y.jpg", bytes, "P1", Eye.LEFT, locator="/somewhere/y.jpg")
    store.add_photographs("a", [NewPhotograph.of_source(source)])
    item = store.photograph("a", "x/y.jpg")
    assert (item.patient_id, item.eye, item.eye_source, item.sha256) == ("P1", Eye.LEFT, "table", "")
    assert store.locator("a", "x/y.jpg") == "/somewhere/y.jpg"
    with pytest.raises(UsageError, match="memory only"):
        NewPhotograph.of_source(Source("z", bytes))
    with pytest.raises(UsageError, match="no photograph 'z'"):
        store.locator("a", "z")


def test_kept_bytes_are_found_again_and_must_be_there(store: Store) -> None:
    store.create_cohort("a")
    kept = store.keep(b"bytes")
    store.add_photographs("a", [NewPhotograph.of_kept("k", kept)])
    assert Path(store.locator("a", "k")).read_bytes() == b"bytes"
    store.shelf.remove(kept.sha256)
    with pytest.raises(UsageError, match="hand the photograph in again"):
        store.add_photographs("a", [NewPhotograph.of_kept("l", kept)])


def test_deleting_removes_everything_that_nobody_else_holds(store: Store) -> None:
    fill(store, "a", {"1": b"1", "shared": b"2"})
    fill(store, "b", {"other name": b"2", "3": b"3"})
    assert rows(store)["reading"] == 3
    assert files(store) == [3, 3, 3]
    store.delete("a")
    assert files(store) == [2, 2, 2]
    assert rows(store) == {"cohort": 1, "photograph": 2, "outcome": 2, "reading": 2, "run": 1, "entry": 2}
    store.delete("b")
    assert files(store) == [0, 0, 0]
    assert set(rows(store).values()) == {0}


def test_no_file_of_the_store_keeps_the_id_of_a_deleted_person(open_store: Callable[[], Store]) -> None:
    store = open_store()
    if store.engine.dialect.name != "sqlite":
        pytest.skip("a server empties its files itself (VACUUM)")
    cohort = store.create_cohort("a")
    named = [NewPhotograph.of_kept(f"{n}", store.keep(b"%d" % n), patient_id=f"Yamada-{n:04d}") for n in range(300)]
    store.add_photographs(cohort.id, named)
    folder = Path(store.address)
    assert any(b"Yamada-0001" in file.read_bytes() for file in folder.glob("store.sqlite*"))
    store.delete("a")
    assert [file.name for file in folder.glob("store.sqlite*") if b"Yamada-" in file.read_bytes()] == []


def test_a_deletion_that_was_cut_short_is_finished_later(open_store: Callable[[], Store]) -> None:
    store = open_store()
    fill(store, "a", {"1": b"1"})
    store.sweep = lambda: None  # type: ignore[method-assign]  # the power fails here
    store.delete("a")
    assert files(store) == [1, 1, 1]
    assert files(open_store()) == [0, 0, 0]


def test_pictures_made_after_a_deletion_are_taken_back(store: Store) -> None:
    fill(store, "a", {"1": b"1"})
    fill(store, "b", {"2": b"2"})
    gone, there = store.photograph("a", "1"), store.photograph("b", "2")
    store.delete("a")
    for sha256 in (gone.sha256, there.sha256):
        store.shelf.write("crops", sha256, b"jpeg")
        store.shelf.write("thumbnails", sha256, b"jpeg")
    assert store.delete_pictures(gone.id, gone.sha256)
    assert not store.delete_pictures(there.id, there.sha256)
    assert store.crop(gone.sha256) is None
    assert store.thumbnail(there.sha256) is not None


def test_pictures_stay_where_others_have_the_same_bytes(store: Store) -> None:
    fill(store, "a", {"1": b"1"})
    fill(store, "b", {"2": b"1"})
    gone = store.photograph("a", "1")
    store.delete("a")
    assert not store.delete_pictures(gone.id, gone.sha256)


def test_bytes_that_come_back_before_the_sweep_stay(open_store: Callable[[], Store]) -> None:
    store = open_store()
    fill(store, "a", {"1": b"1"})
    store.sweep = lambda: None  # type: ignore[method-assign]
    store.delete("a")
    store.create_cohort("b")
    store.add_photographs("b", [NewPhotograph.of_kept("1", store.keep(b"1"))])
    assert files(open_store()) == [1, 1, 1]


def test_removing_photographs_removes_their_files(store: Store) -> None:
    fill(store, "a", {"1": b"1", "2": b"2"})
    before = store.cohort("a").revision
    assert store.remove_photographs("a", ["2", "none"]) == 1
    assert files(store) == [1, 1, 1]
    assert store.cohort("a").revision > before
    assert [item.name for item in store.photographs("a").items] == ["1"]


def test_a_selection_is_a_cohort_that_outlives_the_first(store: Store) -> None:
    fill(store, "a", {"1": b"1", "2": b"2", "3": b"3"})
    store.set_truth("a", [TruthRow("2", {"sbp": 120.0}, {"site": "x"}, "P", Eye.RIGHT)])
    chosen = store.select("a", "some", Where(names=("3", "2")))
    assert (chosen.selected_from, chosen.photographs) == ("a", 2)
    expected = [item for item in store.photographs("a").items if item.name != "1"]
    store.delete("a")
    found = store.photographs("some").items
    assert [(i.name, i.truth, i.covariates, i.patient_id, i.eye, i.status, i.reason) for i in found] == [
        (i.name, i.truth, i.covariates, i.patient_id, i.eye, i.status, i.reason) for i in expected
    ]
    assert files(store) == [2, 2, 2]


@pytest.mark.parametrize(("same_people", "patients"), [(True, ["P", "P", ""]), (False, ["a/P", "b/P", ""])])
def test_merging_takes_each_photograph_once(store: Store, same_people: bool, patients: list[str]) -> None:
    fill(store, "a", {"1": b"1", "2": b"2"})
    fill(store, "b", {"1": b"3", "2": b"2", "4": b"4"})
    for name in ("a", "b"):
        store.set_truth(name, [TruthRow("1", {"bmi": 20.0}, patient_id="P")])
    merged = store.merge(["a", "b"], "both", same_people=same_people)
    items = store.photographs("both").items
    assert [item.name for item in items] == ["a/1", "a/2", "b/1", "b/4"]
    assert [items[0].patient_id, items[2].patient_id, items[3].patient_id] == patients
    assert {item.status for item in items} == {"refused"}
    assert [item.truth for item in items] == [{"bmi": 20.0}, {}, {"bmi": 20.0}, {}]
    assert merged.photographs == 4


def test_merging_needs_two(store: Store) -> None:
    store.create_cohort("a")
    with pytest.raises(UsageError, match="two cohorts or more"):
        store.merge(["a", "a"], "both", same_people=True)


def test_every_change_moves_the_revision(store: Store) -> None:
    cohort = store.create_cohort("a")
    seen = [cohort.revision]
    for change in (
        lambda: store.add_photographs("a", [NewPhotograph.of_kept("1", store.keep(b"1"))]),
        lambda: store.set_truth("a", [TruthRow("1", {"sbp": 1.0})]),
        lambda: store.annotate("a", "seen"),
        lambda: run_table.submit(store, "a", [VERSION]),
        lambda: store.rename("a", "b"),
        lambda: store.rename("b", "a"),
    ):
        change()
        seen.append(store.cohort(cohort.id).revision)
    assert seen == sorted(set(seen))
