"""Rows that get their photographs later keep what was said of them, whatever else is said of the same photographs.

Attacked with two cohorts whose tables say different things of one photograph, a selection made before, a second
round of photographs, and the deletion of either cohort.
"""

from __future__ import annotations

from fundus_core.records import Prediction
from fundus_core.store import Cohort, Finding, ModelVersion, NewPhotograph, Store, Where
from fundus_core.store.files import Shelf

ELSEWHERE = ModelVersion("B7", "", "", "elsewhere")


def rows(store: Store, name: str, offset: float) -> Cohort:
    """Three rows without photographs, predicted elsewhere as 100, 110 and 120 mmHg and an offset."""
    cohort = store.create_cohort(name)
    stands = {f"row {n}": Shelf.sha256(f"{name} {n}".encode()) for n in range(3)}
    store.add_photographs(cohort.id, [NewPhotograph(row, "", sha, patient_id=row) for row, sha in stands.items()])
    made = [Prediction(100 + 10 * n + offset, float("nan"), float("nan")) for n in range(3)]
    found = [
        Finding(sha, "predicted", predictions={"sbp": one}) for sha, one in zip(stands.values(), made, strict=True)
    ]
    store.record(cohort.id, ELSEWHERE, found)
    return store.cohort(cohort.id)


def kept(store: Store, data: bytes) -> NewPhotograph:
    return NewPhotograph.of_kept("photo.jpg", store.keep(data))


def predicted(store: Store, cohort: Cohort) -> list[float]:
    table = store.table(cohort.id, ["B7"])
    assert set(table.status) == {"predicted"}
    return table.predicted["sbp"].tolist()


def test_two_tables_that_differ_about_one_photograph_stay_apart(store: Store) -> None:
    one, other = rows(store, "one", 0.0), rows(store, "other", 5.0)
    for cohort in (one, other):
        store.give_photographs(cohort.id, {"row 0": kept(store, b"same bytes"), "row 1": kept(store, b"others")})
    assert predicted(store, one) == [100, 110, 120]
    assert predicted(store, other) == [105, 115, 125]
    assert store.waiting(one.id) == ("row 2",)
    assert store.cohort(one.id).files == 2
    store.delete(one.id)
    assert predicted(store, other) == [105, 115, 125]
    assert store.shelf.find("photographs", Shelf.sha256(b"same bytes")) is not None
    store.delete(other.id)
    assert store.shelf.find("photographs", Shelf.sha256(b"same bytes")) is None


def test_a_second_round_leaves_the_first_as_it_was(store: Store) -> None:
    cohort = rows(store, "one", 0.0)
    for number in range(3):
        store.give_photographs(cohort.id, {f"row {number}": kept(store, b"%d" % number)})
        assert predicted(store, cohort) == [100, 110, 120]
        assert len(store.models(cohort.id)) == 1
    assert store.waiting(cohort.id) == ()


def test_a_selection_made_before_keeps_its_rows(store: Store) -> None:
    cohort = rows(store, "one", 0.0)
    part = store.select(cohort.id, "part", Where(names=("row 0", "row 2")), model="B7")
    store.give_photographs(cohort.id, {"row 0": kept(store, b"a")})
    assert predicted(store, part) == [100, 120]
    store.delete(cohort.id)
    assert predicted(store, part) == [100, 120]
    assert store.waiting(part.id) == ("row 0", "row 2")
