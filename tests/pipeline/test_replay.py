"""What changed since, and the same numbers again.

Attacked with people who come and go, values and predictions that change, another model; with inputs and bundles that
are not the ones meant, numbers that somebody altered, settings of every kind.
"""

import io
import json
import re
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fundus_core import pipeline
from fundus_core.__main__ import main
from fundus_core.analyses import Settings
from fundus_core.errors import UsageError
from fundus_core.pipeline import Asked, Linkage, Visiting
from fundus_core.pipeline.bundle import _LIBRARIES as LIBRARIES
from fundus_core.records import Prediction
from fundus_core.store import Finding, ModelVersion, NewPhotograph, Store, TruthRow

pytestmark = pytest.mark.usefixtures("undrawn")

RNG = np.random.default_rng(3)
PEOPLE = pd.DataFrame({"id": [f"K{n}" for n in range(40)], "SBP": RNG.normal(128, 15, 40).round()})
PEOPLE["site"] = np.where(PEOPLE.index % 3 == 0, "north", "south")
PEOPLE["SBP_pred"] = (PEOPLE.SBP + RNG.normal(2, 9, 40)).round(2)


def put(frame: pd.DataFrame, file: Path) -> Path:
    frame.to_csv(file, index=False)
    return file


def mae(frame: pd.DataFrame) -> float:
    return float((frame.SBP - frame.SBP_pred).abs().mean())


def test_the_next_evaluation_says_what_differs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = pipeline.evaluate(put(PEOPLE, tmp_path / "t.csv"), None, out, Settings(draws=50))
    assert first.since == ()
    assert not (out / "changes.csv").exists()
    same = pipeline.evaluate(tmp_path / "t.csv", None, out, Settings(draws=50))
    assert same.since == ("Nothing has changed since the evaluation before.",)
    later = PEOPLE.iloc[3:].copy()
    later.loc[5:6, "SBP"] += 10
    later.loc[9, "SBP_pred"] -= 1
    new = pd.DataFrame({"id": ["N1", "N2"], "SBP": [120, 130], "SBP_pred": [121, 128]})
    later = pd.concat([later, new])
    found = pipeline.evaluate(put(later, tmp_path / "t.csv"), None, out, Settings(draws=50))
    row = pd.read_csv(out / "changes.csv").iloc[0]
    names = ["people_before", "people_after", "people_added", "people_removed", "values_changed", "predictions_changed"]
    assert row[names].tolist() == [40, 39, 2, 3, 2, 1]
    assert row[["before", "after"]].tolist() == pytest.approx([mae(PEOPLE), mae(later)], abs=1e-9)
    assert "2 people came and 3 went" in found.since[0]
    assert found.since[0] in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("lost", [0, 1, 40])
def test_an_evaluation_that_was_kept_by_target_and_person_is_held_against(tmp_path: Path, lost: int) -> None:
    """As they were written until November 2026: an older folder still says what differs."""
    out = tmp_path / "out"
    pipeline.evaluate(put(PEOPLE, tmp_path / "t.csv"), None, out, Settings(draws=50))
    kept = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    del kept["who"], kept["values"]
    rows = PEOPLE.iloc[lost:]
    kept["people"] = {"sbp": {row.id: [row.SBP, row.SBP_pred] for row in rows.itertuples()}}
    (out / "evaluation.json").write_text(json.dumps(kept), encoding="utf-8")
    (since, *more) = pipeline.evaluate(tmp_path / "t.csv", None, out, Settings(draws=50)).since
    assert not more
    if lost:
        assert f"{lost} {'person' if lost == 1 else 'people'} came and 0 went" in since
    else:
        assert since == "Nothing has changed since the evaluation before."


SETTINGS = [
    {},
    {"settings": Settings("photograph", 5, 60)},
    {"settings": Settings(draws=50, margins={"sbp": 2.0}, beyond=("site",))},
    {"asked": Asked(columns=("SBP_pred=sbp predicted", "id=patient_id"))},
    {"linkage": Linkage(fold=True, visiting=Visiting(4, in_names=False))},
]


@pytest.mark.parametrize("options", SETTINGS)
def test_the_same_numbers_come_again(options: dict[str, object], tmp_path: Path) -> None:
    table = put(PEOPLE, tmp_path / "t.csv")
    pipeline.evaluate(table, None, tmp_path / "out", **{"settings": Settings(draws=50), **options})  # type: ignore[arg-type]
    again = pipeline.replay(tmp_path / "out" / "replay.json", table, None, tmp_path / "again")
    assert (again.differing, dict(again.versions)) == ((), {})
    assert again.estimates > 10
    for name in ("metrics.json", "estimates.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert "K3" not in (tmp_path / "out" / "replay.json").read_text(encoding="utf-8"), "it says nothing of a person"


def test_every_setting_goes_along(tmp_path: Path) -> None:
    """``--beyond`` was once left out: whoever replayed it was asked another question."""
    table, out = put(PEOPLE, tmp_path / "t.csv"), tmp_path / "out"
    settings, linkage = Settings("eye", 5, 40, {"sbp": 2.0}, ("site",)), Linkage(fold=True, visiting=Visiting(4))
    pipeline.evaluate(table, None, out, settings, linkage=linkage)
    content = json.loads((out / "replay.json").read_text(encoding="utf-8"))
    told = content["settings"] | content["linkage"]
    assert set(told) == {one.name for record in (Settings, Linkage) for one in fields(record)}
    assert [told[name] for name in ("level", "seed", "draws", "beyond", "fold")] == ["eye", 5, 40, ["site"], True]
    again = pipeline.replay(out / "replay.json", table, None, tmp_path / "again")
    assert (again.scored.study.settings, again.differing) == (settings, ())
    assert (out / "beyond.csv").read_bytes() == (tmp_path / "again" / "beyond.csv").read_bytes()


def test_older_bundles_are_read_and_unknown_settings_refused(tmp_path: Path) -> None:
    table, bundle = put(PEOPLE, tmp_path / "t.csv"), tmp_path / "out" / "replay.json"
    pipeline.evaluate(table, None, tmp_path / "out", Settings(draws=30), linkage=Linkage(fold=True))
    content = json.loads(bundle.read_text(encoding="utf-8"))
    settings = {name: content["settings"][name] for name in ("level", "seed", "draws")}
    before = {name: content["linkage"][name] for name in ("fold", "sheet", "said", "visiting")}
    older = {name: value for name, value in content.items() if name != "linkage"}
    bundle.write_text(json.dumps({**older, "settings": settings | before, "columns": None}), encoding="utf-8")
    assert pipeline.replay(bundle, table, None, tmp_path / "again").differing == ()
    for record in ("settings", "linkage"):
        later = {**content, record: {**content[record], "of_tomorrow": 1}}
        bundle.write_text(json.dumps(later), encoding="utf-8")
        with pytest.raises(UsageError, match="of_tomorrow"):
            pipeline.replay(bundle, table, None, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_two_files_and_a_mapping_go_along(tmp_path: Path) -> None:
    measured = put(PEOPLE[["id", "SBP"]].rename(columns={"SBP": "x"}), tmp_path / "m.csv")
    made = put(PEOPLE[["id", "SBP_pred"]], tmp_path / "p.csv")
    pipeline.evaluate(made, measured, tmp_path / "out", Settings(draws=30), linkage=Linkage(said=("x=sbp",)))
    assert pipeline.replay(tmp_path / "out" / "replay.json", made, measured, tmp_path / "again").differing == ()
    with pytest.raises(UsageError, match=r"--predictions.*--truth"):
        pipeline.replay(tmp_path / "out" / "replay.json", made, None, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_is_not_the_same_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, bundle = put(PEOPLE, tmp_path / "t.csv"), tmp_path / "out" / "replay.json"
    pipeline.evaluate(table, None, tmp_path / "out", Settings(draws=30))
    call = ["evaluate", "--replay", str(bundle), "--predictions", str(table), "--out", str(tmp_path / "again")]
    assert main(call) == 0
    assert "The same numbers" in capsys.readouterr().out
    content = json.loads(bundle.read_text(encoding="utf-8"))
    content["numbers"]["targets"]["sbp"]["mae"]["value"] += 1e-9
    content["versions"]["numpy"] = "1.0"
    bundle.write_text(json.dumps(content), encoding="utf-8")
    assert main(call) == 1
    told = capsys.readouterr().out
    assert "Not the same: sbp mae." in told
    assert "numpy was 1.0 and is" in told
    put(PEOPLE.iloc[1:], table)
    assert main(call) == 2
    assert "is not the file that the numbers were made of" in capsys.readouterr().err
    bundle.write_text("{}", encoding="utf-8")
    assert main(call) == 2
    assert "is no replay.json" in capsys.readouterr().err


def test_a_cohort_of_the_store_goes_as_a_bundle(tmp_path: Path) -> None:
    """Attacked with a heap of 99: the bundle asks nothing, for it says what its columns are."""
    frame = PEOPLE.assign(SBP=[99.0] * 12 + [*PEOPLE.SBP[12:]])
    with Store.open(tmp_path / "store") as store:
        photographs = [NewPhotograph(f"{who}.jpg", "", f"{n:064x}", patient_id=who) for n, who in enumerate(frame.id)]
        store.add_photographs(store.create_cohort("clinic").id, photographs)
        store.set_truth("clinic", [TruthRow(f"{r.id}.jpg", {"sbp": r.SBP}, {"site": "a"}) for r in frame.itertuples()])
        made = [Prediction(value, float("nan"), float("nan")) for value in frame.SBP_pred]
        found = [Finding(f"{n:064x}", "predicted", predictions={"sbp": one}) for n, one in enumerate(made)]
        store.record("clinic", ModelVersion("B7", "w", "c"), found)
        data = pipeline.bundle_of(store, "clinic", "B7", level="patient")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path / "there")
    there = tmp_path / "there"
    again = pipeline.replay(there / "replay.json", there / "predictions.csv", there / "truth.csv", tmp_path / "out")
    assert again.differing == ()
    estimates = again.scored.evaluation.targets["sbp"].estimates
    assert estimates["mae"].value == pytest.approx(mae(frame), abs=1e-9)


def test_only_what_the_program_requires_is_asked_for_its_version():
    """An environment without the tests' own libraries ended every evaluation in a traceback."""
    required = (Path(__file__).resolve().parents[2] / "requirements.txt").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name}\b", required, re.MULTILINE) for name in LIBRARIES)
