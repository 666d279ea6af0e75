"""What people decide about photographs: laws of the tables that evaluation reads, then who may decide what."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from fundus_core import runs
from fundus_core.__main__ import main
from fundus_core.errors import UsageError
from fundus_core.records import CohortTable, Prediction
from fundus_core.store import (
    Finding,
    ModelVersion,
    NewPhotograph,
    Store,
    TruthRow,
    Where,
    base,
    database,
    endings,
    run_table,
)
from tests.store import databases

MODEL = ModelVersion("model", "w", "c")
OTHER = ModelVersion("other", "w2", "c2")
BY = {"who": "AB", "why": "A haemorrhage, well readable."}
REFUSED = {"2.jpg": "focus", "3.jpg": "focus", "4.jpg": "glare"}


def finding(sha256: str, name: str, shift: float = 0.0) -> Finding:
    """Six photographs: two predicted, three refused of which one without a prediction, one that no model may read."""
    number = int(name[0])
    found = {"sbp": Prediction(100.0 + number + shift, 90.0 + number, 110.0 + number)}
    if name in REFUSED:
        made = {} if number == 4 else found
        return Finding(sha256, "refused", REFUSED[name], "No.", quality=0.4, kind="colour", predictions=made)
    if number == 5:
        return Finding(sha256, "refused", "out_of_distribution", "Far.", quality=0.8, kind="colour")
    return Finding(sha256, "predicted", quality=0.9, kind="stretched", predictions=found)


def fill(store: Store, cohort: str = "a") -> str:
    store.create_cohort(cohort)
    kept = {f"{i}.jpg": store.keep(b"%d" % i) for i in range(6)}
    store.add_photographs(cohort, [NewPhotograph.of_kept(name, one) for name, one in kept.items()])
    store.set_truth(cohort, [TruthRow(name, {"sbp": 120.0 + i}) for i, name in enumerate(kept)])
    store.record(cohort, MODEL, [finding(one.sha256, name) for name, one in kept.items()])
    run_table.submit(store, cohort, [MODEL])
    return cohort


def same(one: CohortTable, other: CohortTable) -> bool:
    return all(
        _equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(CohortTable)
    )  # fmt: skip


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)


def counted(store: Store, cohort: str = "a") -> list[str]:
    table = store.table(cohort)
    return [str(name) for name in table.photograph[table.status == "predicted"]]


def test_what_was_predicted_of_a_refused_photograph_is_seen_nowhere_until_somebody_accepts_it(store: Store) -> None:
    fill(store)
    table = store.table("a")
    assert np.isfinite(table.predicted["sbp"]).tolist() == [True, True, False, False, False, False]
    item = store.photograph("a", "2.jpg")
    assert (item.status, dict(item.predictions)) == ("refused", {})
    assert [one.name for one in store.photographs("a", Where(target="sbp", predicted=(0, 500))).items] == [
        "0.jpg", "1.jpg",
    ]  # fmt: skip
    assert all(not one.predictions for one in store.readings("a", "model") if one.status == "refused")


def test_accepting_and_withdrawing_again_leaves_the_same_table(store: Store) -> None:
    fill(store)
    before = store.table("a")
    store.decide("a", "accept", names=["2.jpg"], **BY)
    assert counted(store) == ["0.jpg", "1.jpg", "2.jpg"]
    store.decide("a", "withdraw", names=["2.jpg"], **BY)
    assert same(store.table("a"), before)
    store.decide("a", "withdraw", names=["0.jpg"], **BY)
    assert counted(store) == ["1.jpg"]
    store.decide("a", "accept", names=["0.jpg"], **BY)
    assert same(store.table("a"), before)
    assert [one.verdict for one in store.decisions("a")] == ["accept", "withdraw", "withdraw", "accept"]


def test_the_order_of_decisions_about_different_photographs_does_not_matter(store: Store) -> None:
    for name, order in (("a", (0, 1)), ("b", (1, 0))):
        fill(store, name)
        done = (("accept", "2.jpg"), ("withdraw", "1.jpg"))
        for at in order:
            store.decide(name, done[at][0], names=[done[at][1]], **BY)
    assert same(store.table("a"), store.table("b"))
    assert counted(store, "a") == ["0.jpg", "2.jpg"]


def test_deciding_what_is_so_already_changes_and_writes_nothing(store: Store) -> None:
    fill(store)
    before = store.table("a")
    assert store.decide("a", "accept", names=["0.jpg", "1.jpg"], **BY).changed == 0
    assert store.decide("a", "withdraw", names=["2.jpg"], **BY).changed == 0
    assert same(store.table("a"), before)
    assert store.decisions("a") == ()


def test_decisions_of_one_cohort_touch_no_other_with_the_same_bytes(store: Store) -> None:
    fill(store, "a")
    fill(store, "b")
    before = store.table("b")
    store.decide("a", "accept", code="focus", **BY)
    assert same(store.table("b"), before)
    assert counted(store, "a") == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert store.decisions("b") == ()


def test_all_of_one_reason_are_accepted_and_taken_back_together(store: Store) -> None:
    fill(store)
    made = store.decide("a", "accept", code="focus", **BY)
    assert (made.changed, made.without_prediction, dict(made.left)) == (2, 0, {})
    again = store.decide("a", "accept", code="focus", **BY)
    assert (again.changed, again.unchanged, dict(again.left)) == (0, 2, {}), "said, not passed over"
    assert store.refusals("a") == {"focus": 2, "glare": 1, "out_of_distribution": 1}, "whatever anybody decided"
    table = store.table("a")
    assert table.decision.tolist() == ["", "", "overruled", "overruled", "", ""]
    assert table.predicted["sbp"][2:4].tolist() == [102.0, 103.0]
    item = store.photograph("a", "2.jpg")
    assert (item.status, item.reason_code, item.gate) == ("predicted", "overruled", "focus")
    assert item.reason.startswith("Refused as focus, accepted by AB on 20")
    assert store.decide("a", "withdraw", code="focus", **BY).changed == 2
    assert counted(store) == ["0.jpg", "1.jpg"]


def test_a_withdrawn_photograph_is_refused_and_its_prediction_is_kept_beside(store: Store) -> None:
    fill(store)
    store.decide("a", "withdraw", names=["1.jpg"], who="C D", why="blurred")
    table = store.table("a")
    assert (table.status[1], table.decision[1]) == ("refused", "withdrawn")
    assert np.isnan(table.predicted["sbp"][1])
    assert np.flatnonzero(np.isfinite(table.withdrawn["sbp"])).tolist() == [1]
    assert table.withdrawn["sbp"][1] == 101.0
    item = store.photograph("a", "1.jpg")
    assert (item.reason_code, dict(item.predictions)) == ("withdrawn", {})
    assert item.reason.endswith(": blurred")
    assert [one.name for one in store.photographs("a", Where(reason_codes=("withdrawn",))).items] == ["1.jpg"]


def test_a_decision_holds_under_a_model_that_comes_later(store: Store) -> None:
    fill(store)
    store.decide("a", "accept", names=["2.jpg"], **BY)
    store.decide("a", "withdraw", names=["0.jpg"], **BY)
    hashes = store.hashes("a")
    store.record("a", OTHER, [finding(str(sha), f"{i}.jpg", shift=7.0) for i, sha in enumerate(hashes)])
    table = store.table("a", ["other"])
    assert table.status.tolist()[:3] == ["refused", "predicted", "predicted"]
    assert table.predicted["sbp"][2] == 109.0


def test_decisions_go_with_a_cohort_that_is_copied_merged_exported_and_read_in(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.decide("a", "accept", names=["2.jpg"], **BY)
    store.decide("a", "withdraw", names=["2.jpg"], who="X", why="not at all")
    store.decide("a", "accept", names=["2.jpg"], who="Y", why="after all")
    store.decide("a", "withdraw", names=["0.jpg"], **BY)
    table = store.table("a")
    store.select("a", "part", Where(names=("0.jpg", "2.jpg")))
    assert counted(store, "part") == ["2.jpg"]
    store.create_cohort("empty")
    merged = store.merge(["a", "empty"], "both", same_people=True)
    assert counted(store, merged.name) == ["a/1.jpg", "a/2.jpg"]
    store.export("a", tmp_path / "a.zip")
    store.import_(tmp_path / "a.zip", name="again")
    for cohort in ("part", "both", "again"):
        about = store.decisions(cohort, {"both": "a/2.jpg"}.get(cohort, "2.jpg"))
        assert [(one.verdict, one.who) for one in about] == [("accept", "AB"), ("withdraw", "X"), ("accept", "Y")]
    again = store.table("again")
    assert same(again, table)
    store.decide("again", "withdraw", names=["2.jpg"], **BY)
    store.decide("again", "accept", names=["0.jpg"], **BY)
    assert counted(store, "again") == ["0.jpg", "1.jpg"], "what was predicted came along, shown or not"


def test_what_nobody_can_decide_about_is_left_with_the_sentence_why(store: Store) -> None:
    fill(store)
    made = store.decide("a", "accept", names=["4.jpg", "5.jpg"], **BY)
    assert (made.changed, made.without_prediction) == (1, 1)
    assert list(made.left.values()) == [1]
    assert "The model itself refused it" in next(iter(made.left))
    assert counted(store) == ["0.jpg", "1.jpg"], "without a prediction it stays refused"
    sha = str(store.hashes("a")[0])
    store.create_cohort("none")
    store.add_photographs("none", [NewPhotograph("x.jpg", "", sha)])
    store.record("none", OTHER, [Finding(sha, "refused", "not_a_retina", "No.", kind="mask")])
    left = store.decide("none", "accept", names=["x.jpg"], **BY).left
    assert [why for why in left if why.startswith("No field of view was found")]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"verdict": "accept", "names": ["9.jpg"]}, "no photograph '9.jpg'"),
        ({"verdict": "accept", "code": "contrast"}, r"refused for 'contrast'; there are: focus \(2\)"),
        ({"verdict": "accept"}, "name either photographs or one reason"),
        ({"verdict": "accept", "names": ["2.jpg"], "code": "focus"}, "name either photographs or one reason"),
        ({"verdict": "accept", "names": ["2.jpg"], "who": " \n"}, "name or initials"),
        ({"verdict": "accept", "names": ["2.jpg"], "why": ""}, "name or initials"),
        ({"verdict": "accept", "names": ["2.jpg"], "why": "x" * 401}, "has 401 letters; at most 400"),
    ],
)
def test_a_call_at_fault_writes_nothing(asked: dict[str, object], says: str, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        fill(store)
        with pytest.raises(UsageError, match=says):
            store.decide("a", **{**BY, **asked})  # type: ignore[arg-type]
        assert store.decisions("a") == ()


def test_photographs_are_found_by_their_kind(store: Store) -> None:
    fill(store)
    assert [one.name for one in store.photographs("a", Where(kinds=("stretched",))).items] == ["0.jpg", "1.jpg"]
    assert store.table("a").kind.tolist() == ["stretched"] * 2 + ["colour"] * 4


def test_a_store_of_the_last_release_takes_decisions_and_shows_what_it_refused_to_models_again(tmp_path: Path) -> None:
    """Its refusals came without predictions; who accepts one has it read again by the next run."""
    engine = databases.as_released(base.resolve_address(tmp_path, None)[0], 7)
    sha = "f" * 64
    refused = {"status": "refused", "reason_code": "focus", "reason": "No."}
    with database.writing(engine) as connection:
        _put(connection, "cohort", id=1, name="old", rendered=0, note="", selected_from="", revision=3, created_at=1.0)
        words = {"patient_id": "P", "eye": "", "eye_source": "", "covariates": ""}
        _put(connection, "photograph", id=1, cohort_id=1, name="x.jpg", sha256=sha, locator="/x.jpg", kept=0, **words)
        _put(connection, "version", id=1, model="model", weights_sha256="w", card_sha256="c", origin="", limits="")
        told = {"quality": 0.4, "precision": "", "code_version": "", "created_at": 1.0}
        _put(connection, "reading", id=1, sha256=sha, version_id=1, **refused, **told)
        _put(connection, "outcome", photograph_id=1, version_id=1, reading_id=1, **refused)
    engine.dispose()
    with Store.open(tmp_path) as store:
        before = store.table("old")
        assert before.status.tolist() == ["refused"]
        run = run_table.submit(store, "old", [MODEL])
        assert runs.progress(store, run).queued == 0, "nobody asked for it"
        made = store.decide("old", "accept", code="focus", **BY)
        assert (made.changed, made.without_prediction) == (1, 1)
        assert store.table("old").status.tolist() == ["refused"]
        run = run_table.submit(store, "old", [MODEL])
        assert runs.progress(store, run).queued == 1
        assert endings.known(store, [1], [sha]) == {}
        read = Finding(sha, "refused", "focus", "No.", kind="colour", predictions={"sbp": Prediction(120.0, 1, 2)})
        store.record("old", MODEL, [read])
        assert store.table("old").predicted["sbp"].tolist() == [120.0]
        assert store.photograph("old", "x.jpg").kind == "colour"


def _put(connection: sa.Connection, table: str, **values: object) -> None:
    connection.execute(sa.insert(sa.table(table, *map(sa.column, values))).values(values))


def test_the_command_line_decides_and_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(tmp_path) as store:
        fill(store)
    here = ["decide", "--cohort", "a", "--store", str(tmp_path)]
    told = ["--by", "AB", "--because", "Well readable."]
    assert main([*here, "--reason", "focus", "--accept", *told]) == 0
    assert main([*here, "--photograph", "5.jpg", "--accept", *told]) == 1
    assert "1 not decided: The model itself refused it" in capsys.readouterr().out
    assert main([*here, "--list"]) == 0
    assert "accept  2 photographs  by AB: Well readable.\n  2.jpg  focus\n  3.jpg  focus\n" in capsys.readouterr().out
    assert main([*here, "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["photographs"] == ["2.jpg", "3.jpg"]
    assert main([*here, "--reason", "blue", "--accept", *told]) == 2
    assert "there are: focus (2), glare (1)" in capsys.readouterr().err
    assert main([*here, "--reason", "focus", *told]) == 2
