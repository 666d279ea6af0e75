"""Tables with visits as strangers have them, from files to metrics.json: every number against pandas.

Attacked with twelve ways to write a visit down, measurements some days apart, and tables that must be refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from fundus_core import pipeline, truth
from fundus_core.__main__ import main
from fundus_core.analyses import Settings
from fundus_core.deidentify import Pseudonyms
from fundus_core.errors import UsageError
from fundus_core.evaluation import unit_names, usual_level
from fundus_core.records import DAYS_APART
from fundus_core.store import NewPhotograph, Store

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def seen() -> pd.DataFrame:
    """12 people, three visits, two eyes; measured up to 9 days from the photograph."""
    random = np.random.default_rng(11)
    made = []
    for person in range(12):
        usual = random.normal(130, 15)
        for visit in range(3):
            taken = pd.Timestamp(2021 + visit, 4, 12) + pd.Timedelta(days=int(random.integers(15)))
            gap = int(random.integers(-9, 10))
            truth = round(usual + random.normal(0, 6), 1)
            for eye in ("R", "L"):
                predicted = round(130 + 0.4 * (truth - 130) + random.normal(0, 8), 1)
                made.append((f"P{person:03}", visit, taken, taken + pd.Timedelta(days=gap), eye, truth, predicted))
    return pd.DataFrame(made, columns=["who", "visit", "taken", "measured", "eye", "y", "p"])


def era(day: pd.Timestamp) -> str:
    return f"R{day.year - 2018}.{day.month}.{day.day}"


WRITTEN = {
    "iso": ("exam_date", lambda day: f"{day:%Y-%m-%d}"),
    "slashes": ("検査日", lambda day: f"{day.year}/{day.month}/{day.day}"),
    "dots": ("visit date", lambda day: f"{day:%d.%m.%Y}"),
    "digits": ("受診日", lambda day: f"{day:%Y%m%d}"),
    "serial": ("date", lambda day: str((day - pd.Timestamp(1899, 12, 30)).days)),
    "month": ("study_date", lambda day: f"{day.day}-{day:%b}-{day:%y}"),
    "era": ("健診年月日", era),
    "words": ("測定日", lambda day: f"令和{day.year - 2018}年{day.month}月{day.day}日"),
    "time": ("acquisition_date", lambda day: f"{day:%Y-%m-%d} 09:30:00"),
}


def evaluated(folder, predictions: pd.DataFrame, measured: pd.DataFrame | None, level: str = "") -> dict:
    predictions.to_csv(folder / "p.csv", index=False)
    if measured is not None:
        measured.to_csv(folder / "t.csv", index=False)
    truth = None if measured is None else folder / "t.csv"
    return pipeline.score_files(folder / "p.csv", truth, Settings(level, draws=20)).evaluation.as_json()


def check(found: dict, units: pd.DataFrame, level: str = "visit") -> None:
    of, error = found["targets"]["sbp"], units.p - units.y
    assert (found["level"], of["n"], of["n_patients"]) == (level, len(units), 12)
    assert of["mae"]["value"] == pytest.approx(error.abs().mean(), abs=1e-9)
    assert of["rmse"]["value"] == pytest.approx(np.sqrt((error**2).mean()), abs=1e-9)
    assert of["pearson"]["value"] == pytest.approx(np.corrcoef(units.y, units.p)[0, 1], abs=1e-9)
    assert of["mae"]["low"] < of["mae"]["value"] < of["mae"]["high"]


def visits_of(seen: pd.DataFrame) -> pd.DataFrame:
    return seen.groupby(["who", "visit"], as_index=False)[["y", "p"]].mean()


@pytest.mark.parametrize("way", WRITTEN)
def test_dates_in_a_column_of_both_tables(tmp_path, seen, way):
    heading, write = WRITTEN[way]
    predictions = pd.DataFrame({"patient_id": seen.who, "eye": seen.eye, heading: seen.taken.map(write), "sbp": seen.p})
    measured = seen.drop_duplicates(["who", "visit"])
    lines = pd.DataFrame({"ID": measured.who, heading: measured.measured.map(write), "収縮期血圧": measured.y})
    check(evaluated(tmp_path, predictions, lines), visits_of(seen))


@pytest.mark.parametrize(
    "name", ["{who}_{taken:%Y%m%d}_{eye}.jpg", "{taken:%Y-%m-%d}/{who}_{eye}.png", "visit{visit}/{who}_{eye}.png"]
)
def test_visits_in_names_and_folders(tmp_path, seen, name):
    predictions = pd.DataFrame({"photograph": [name.format(**row) for row in seen.to_dict("records")], "sbp": seen.p})
    lines = seen.drop_duplicates(["who", "visit"]).rename(columns={"who": "patient_id", "y": "sbp"})
    key = ["visit"] if name.startswith("visit") else ["measured"]
    lines = lines[["patient_id", *key, "sbp"]].rename(columns={"measured": "exam_date"})
    check(evaluated(tmp_path, predictions, lines), visits_of(seen))


def test_measured_values_beside_predictions(tmp_path, seen):
    both = pd.DataFrame({"patient_id": seen.who, "exam_date": seen.taken, "sbp_pred": seen.p, "sbp": seen.y})
    check(evaluated(tmp_path, both, None), visits_of(seen))


@pytest.mark.parametrize(("which", "level"), [("first", "patient"), ("last", "patient_last")])
def test_one_visit_a_person_on_request(tmp_path, seen, which, level):
    both = pd.DataFrame({"patient_id": seen.who, "exam_date": seen.taken, "sbp_pred": seen.p, "sbp": seen.y})
    check(evaluated(tmp_path, both, None, level=level), visits_of(seen).groupby("who").agg(which), level)


def test_days_beyond_the_limit_have_no_truth_and_are_counted(tmp_path, seen):
    predictions = pd.DataFrame({"patient_id": seen.who, "eye": seen.eye, "exam_date": seen.taken, "sbp": seen.p})
    measured = seen.drop_duplicates(["who", "visit"])
    lines = pd.DataFrame({"patient_id": measured.who, "exam_date": measured.measured, "sbp": measured.y})
    predictions.to_csv(tmp_path / "p.csv", index=False)
    lines.to_csv(tmp_path / "t.csv", index=False)
    found = pipeline.score_files(
        tmp_path / "p.csv", tmp_path / "t.csv", linkage=pipeline.Linkage(visiting=pipeline.Visiting(4))
    )
    near = seen[(seen.taken - seen.measured).abs() <= pd.Timedelta(days=4)]
    assert found.evaluation.targets["sbp"].n_photographs == len(near)
    days, far = map(str, found.match.of_visits)
    apart = (near.taken - near.measured).dt.days.abs()
    assert days.startswith(f"{(apart > 0).sum()} of {len(near)} photographs were taken on another day")
    assert f"median {apart[apart > 0].median():g} day" in days
    assert far.startswith(f"{len(seen) - len(near)} photographs have rows of the person, none within 4 days")


def test_nothing_says_which_visit_and_the_sentence_says_so(tmp_path, seen):
    seen[["who", "eye", "p"]].set_axis(["patient_id", "eye", "sbp"], axis=1).to_csv(tmp_path / "p.csv", index=False)
    lines = seen.drop_duplicates(["who", "visit"])[["who", "measured", "y"]]
    lines.set_axis(["patient_id", "exam_date", "sbp"], axis=1).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UsageError, match="nothing says at which"):
        pipeline.score_files(tmp_path / "p.csv", tmp_path / "t.csv")


def test_the_choice_of_a_visit_needs_the_level_that_has_one(tmp_path, capsys):
    call = ["evaluate", "--predictions", "p.csv", "--out", str(tmp_path), "--of-visits", "last"]
    assert main(call) == 2
    assert "add --level patient" in capsys.readouterr().err


def test_the_command_line_says_the_unit_and_writes_what_it_reads_again(tmp_path, seen, capsys):
    both = pd.DataFrame({"patient_id": seen.who, "exam_date": seen.taken, "sbp_pred": seen.p, "sbp": seen.y})
    both.to_csv(tmp_path / "p.csv", index=False)
    assert (
        main(["evaluate", "--predictions", str(tmp_path / "p.csv"), "--draws", "20", "--out", str(tmp_path / "o")]) == 0
    )
    assert "Unit of analysis: the visit" in capsys.readouterr().out
    check(json.loads((tmp_path / "o" / "metrics.json").read_text()), visits_of(seen))
    made = pipeline.read_predictions(tmp_path / "o" / "predictions.csv")
    linkage = pipeline.Linkage()
    found = pipeline.join_truth(made.table, linkage.match(made.table, linkage.load(tmp_path / "o" / "truth.csv")))
    assert usual_level(found) == "visit"
    assert len(np.unique(unit_names(found, "visit"))) == len(visits_of(seen))


def test_under_pseudonyms_visits_are_numbers_and_no_date_stays():
    names = ["P1_20210401_R.jpg", "P1_20220410_R.jpg", "P2_20210501_R.jpg"]
    lines = truth.load(b"patient_id,exam_date,sbp\nP1,2021-04-03,120\nP1,2022-04-10,140\nP2,2021-05-01,130\n", "t.csv")
    found = truth.match(lines, names, visits=truth.visits_in_names(names).tolist())
    clean = pipeline.under_pseudonyms(found, Pseudonyms(b"k" * 32))
    assert clean.values()["sbp"].tolist() == [120, 140, 130]
    assert clean.visit().tolist() == ["visit 1", "visit 2", "visit 1"]
    assert not any(str(year) in f"{clean.truth} {clean.taken} {clean.faults} {clean.remarks}" for year in (2021, 2022))


def test_a_cohort_keeps_its_visits(tmp_path):
    with Store.open(tmp_path) as store:
        cohort = store.create_cohort("c")
        store.add_photographs(
            cohort.id, [NewPhotograph("a.jpg", "/a.jpg", visit="2021-04-05"), NewPhotograph("b", "/b")]
        )
        lines = truth.load(b"photograph,exam_date,sbp\na.jpg,2021-04-01,120\nb,2022-04-10,140\n", "t.csv")
        pipeline.set_truth(store, cohort.id, pipeline.match_truth(store, cohort.id, lines))
        table = store.table(cohort.id)
    assert table.visit.tolist() == ["2021-04-05", "2022-04-10"]
    assert table.covariates[DAYS_APART].tolist() == ["4", ""]
