from __future__ import annotations

import math

import numpy as np
import pytest

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Prediction, Status
from fundus_core.store import (
    Finding,
    ModelVersion,
    NewPhotograph,
    Store,
    TruthRow,
    cohort_columns,
    prediction_table,
    run_table,
    versions,
)

ONE, TWO = ModelVersion("one", "w1", "c1"), ModelVersion("two", "w2", "c2")


def predicted(sha256: str, **values: float) -> Finding:
    found = {name: Prediction(value, value - 1, value + 1) for name, value in values.items()}
    return Finding(sha256, "predicted", quality=0.5, out_of_distribution=0.7, predictions=found)


@pytest.fixture
def cohort(store: Store) -> str:
    store.create_cohort("a")
    kept = [store.keep(b"%d" % i) for i in range(4)]
    store.add_photographs("a", (NewPhotograph.of_kept(f"p{9 - i}", one) for i, one in enumerate(kept)))
    store.set_truth(
        "a",
        [
            TruthRow("p8", {"sbp": 120.0, "age": math.nan}, {"site": "x"}, "P", Eye.LEFT),
            TruthRow("p9", {"sbp": 110.0}, {"camera": "y"}),
            TruthRow("nobody", {"sbp": 1.0}),
        ],
    )
    with store.writing() as connection:
        first, second = (versions.version_id(connection, version) for version in (ONE, TWO))
        digests = [one.sha256 for one in kept]
        prediction_table.write(connection, first, [predicted(digests[0], sbp=1.0), predicted(digests[1], sbp=2.0)])
        prediction_table.write(connection, first, [Finding(digests[2], "refused", "focus", "Blurred.", quality=0.1)])
        prediction_table.write(connection, second, [predicted(digests[0], sbp=5.0, age=50.0)])
        prediction_table.write(connection, second, [Finding(digests[1], "failed", "truncated", "Cut off.")])
    run_table.submit(store, "a", [ONE])
    run_table.submit(store, "a", [TWO])
    return "a"


def test_columns_stand_in_the_order_of_adding(store: Store, cohort: str) -> None:
    table = store.table(cohort, ["one"])
    assert table.photograph.tolist() == ["p9", "p8", "p7", "p6"]
    assert table.patient_id.tolist() == ["p9", "P", "p7", "p6"]
    assert table.eye.tolist() == ["", "left", "", ""]
    assert table.status.tolist() == ["predicted", "predicted", "refused", "queued"]
    assert table.reason.tolist() == ["", "", "Blurred.", ""]
    np.testing.assert_equal(table.quality, [0.5, 0.5, 0.1, np.nan])
    np.testing.assert_equal(table.out_of_distribution, [0.7, 0.7, np.nan, np.nan])
    np.testing.assert_equal(dict(table.truth), {"sbp": np.array([110.0, 120.0, np.nan, np.nan])})
    np.testing.assert_equal(dict(table.predicted), {"sbp": np.array([1.0, 2.0, np.nan, np.nan])})
    np.testing.assert_equal(table.low["sbp"], table.predicted["sbp"] - 1)
    np.testing.assert_equal(table.high["sbp"], table.predicted["sbp"] + 1)
    covariates = {name: column.tolist() for name, column in table.covariates.items()}
    assert covariates == {"camera": ["y", "", "", ""], "site": ["", "x", "", ""]}


def test_of_two_models_the_first_named_reads_a_shared_target(store: Store, cohort: str) -> None:
    forth = store.table(cohort, ["one", "two"])
    back = store.table(cohort, ["two", "one"])
    assert list(forth.predicted) == list(back.predicted) == ["sbp", "age"]
    np.testing.assert_equal(forth.predicted["sbp"], [1.0, 2.0, np.nan, np.nan])
    np.testing.assert_equal(back.predicted["sbp"], [5.0, np.nan, np.nan, np.nan])
    np.testing.assert_equal(forth.predicted["age"], [50.0, np.nan, np.nan, np.nan])
    assert forth.status.tolist() == ["predicted", "failed", "refused", "queued"]
    assert back.status.tolist() == ["predicted", "failed", "queued", "queued"]


def test_all_models_means_the_latest_run_first(store: Store, cohort: str) -> None:
    assert [version.model for version in store.models(cohort)] == ["two", "one"]
    np.testing.assert_equal(dict(store.table(cohort).predicted), dict(store.table(cohort, ["two", "one"]).predicted))


def test_new_weights_of_a_model_replace_the_old_ones(store: Store, cohort: str) -> None:
    new = ModelVersion("one", "w3", "c1")
    run_table.submit(store, cohort, [new])
    assert store.models(cohort)[0] == new
    assert set(store.table(cohort, ["one"]).status) == {"queued"}


def test_truth_is_replaced_as_a_whole(store: Store, cohort: str) -> None:
    assert store.set_truth(cohort, [TruthRow("p6", {"age": 40.0})]) == 1
    table = store.table(cohort)
    np.testing.assert_equal(dict(table.truth), {"age": np.array([np.nan, np.nan, np.nan, 40.0])})
    assert table.covariates == {}
    assert table.patient_id[1] == "P"


def test_truth_that_cannot_be_is_refused_as_a_whole(store: Store, cohort: str) -> None:
    with pytest.raises(UsageError, match="infinite"):
        store.set_truth(cohort, [TruthRow("p6", {"age": 40.0}), TruthRow("p7", {"age": math.inf})])
    with pytest.raises(UsageError, match="no target 'height'"):
        store.set_truth(cohort, [TruthRow("p6", {"height": 1.7})])
    assert store.table(cohort).truth["sbp"][0] == 110.0


def test_readings_leave_out_what_is_queued(store: Store, cohort: str) -> None:
    found = list(store.readings(cohort, "one"))
    assert [reading.photograph for reading in found] == ["p9", "p8", "p7"]
    assert [reading.status for reading in found] == [Status.PREDICTED, Status.PREDICTED, Status.REFUSED]
    assert (found[0].model, found[0].weights_sha256, found[0].predictions) == (
        "one",
        "w1",
        {"sbp": Prediction(1, 0, 2)},
    )
    assert (found[1].patient_id, found[1].eye) == ("P", Eye.LEFT)
    assert (found[2].reason_code, found[2].predictions) == ("focus", {})


def test_an_empty_cohort_has_an_empty_table(store: Store) -> None:
    store.create_cohort("empty")
    table = store.table("empty")
    assert len(table) == 0
    assert table.truth == {}


def test_a_model_that_never_ran_is_named(store: Store, cohort: str) -> None:
    with pytest.raises(UsageError, match=r"'three'.*two, one"):
        store.table(cohort, ["three"])
    store.create_cohort("new")
    with pytest.raises(UsageError, match="no run has been started"):
        store.table("new", ["one"])


def test_hashes_stand_in_the_order_of_the_table(store: Store) -> None:
    store.create_cohort("two")
    kept = [store.keep(data) for data in (b"b", b"a")]
    store.add_photographs("two", [NewPhotograph.of_kept(f"{k}.jpg", one) for k, one in enumerate(kept)])
    store.add_photographs("two", [NewPhotograph("unread.jpg", "/nowhere/unread.jpg")])
    assert store.hashes("two").tolist() == [kept[0].sha256, kept[1].sha256, ""]
    assert len(store.hashes("two")) == len(store.table("two"))


def test_targets_that_enough_people_were_measured_of_are_told_without_the_table(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{k}.jpg" for k in range(4)]
    store.create_cohort("few")
    store.add_photographs("few", [NewPhotograph(name, f"/nowhere/{name}") for name in names])
    values = [{"sbp": 120.0, "age": 50.0}, {"sbp": 121.0, "age": 50.0}, {"sbp": 122.0}, {}]
    people = ["a", "a", "", "b"]
    store.set_truth("few", [TruthRow(n, of, {}, who) for n, of, who in zip(names, values, people, strict=True)])
    assert [store.measured("few", people) for people in (1, 2, 3)] == [("sbp", "age"), ("sbp",), ()]
    for looked_at in (1, 2, 3):  # whether or not those looked at first are enough
        monkeypatch.setattr(cohort_columns, "_LOOKED_AT", looked_at)
        assert [store.measured("few", people) for people in (1, 2, 3)] == [("sbp", "age"), ("sbp",), ()]
