"""A plan of a cohort is taken before the truth, kept with date and hash, and never after."""

import json

import numpy as np
import pytest

from fundus_core import pipeline
from fundus_core.analyses import Settings, read_plan
from fundus_core.errors import UsageError
from fundus_core.store import NewPhotograph, Store, TruthRow
from pages.parts.new_cohort import analysis_plan

pytestmark = pytest.mark.usefixtures("undrawn")

PLAN = b'title = "T"\nwritten_by = "A"\ntargets = ["sbp"]\nmain_estimate = "mae"\n'


def write(folder, seed):
    draw = np.random.default_rng(seed)
    folder.mkdir()
    truth = draw.normal(130, 17, 40)
    rows = {"predictions.csv": truth + draw.normal(0, 12, 40), "truth.csv": truth}
    for name, values in rows.items():
        lines = [f"{folder.name}{k},{value}" for k, value in enumerate(values.tolist())]
        (folder / name).write_text("patient_id,sbp\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "lab") as made:
        made.create_cohort("Clinic")
        made.add_photographs("Clinic", [NewPhotograph(name="a", locator="", sha256="0" * 64, patient_id="P")])
        yield made


def test_a_plan_is_kept_before_the_truth_and_refused_after_it(store):
    first, second = read_plan(PLAN), read_plan(PLAN.replace(b'"T"', b'"U"'))
    revision = store.cohort("Clinic").revision
    pipeline.state_plan(store, "Clinic", first, stated_at="2026-11-01T00:00:00+00:00")
    pipeline.state_plan(store, "Clinic", second)
    assert store.cohort("Clinic").revision > revision
    kept = pipeline.stated_plan(store, "Clinic")
    assert (kept.plan, kept.earlier) == (second, (first.sha256,))
    assert "kept in the store before" in kept.order
    store.set_truth("Clinic", [TruthRow("a", {"sbp": 120.0})])
    with pytest.raises(UsageError, match="stated before that"):
        pipeline.state_plan(store, "Clinic", first)
    assert pipeline.stated_plan(store, "Clinic").plan == second


def test_what_a_form_writes_is_a_plan():
    limits = {"sbp": (12.0, 2.0), "dbp": (0.0, 0.0)}
    text = analysis_plan.written('A "plan" ü', "B", ["sbp", "dbp"], "eye", ["sex"], limits, beats=True)
    plan = read_plan(text.encode())
    assert (plan.title, plan.unit, plan.subgroups, dict(plan.margins)) == ('A "plan" ü', "eye", ("sex",), {"sbp": 2.0})
    assert [(each.target, each.below, each.test) for each in plan.success] == [
        ("sbp", 12.0, ""),
        ("sbp", None, "baseline"),
        ("dbp", None, "baseline"),
    ]


def test_evaluate_prints_the_plan_beside_the_result(tmp_path):
    clinic = write(tmp_path / "in", 1)
    files = (clinic / "predictions.csv", clinic / "truth.csv")
    file = tmp_path / "plan.toml"
    file.write_bytes(PLAN + b'[[success]]\ntarget = "sbp"\nestimate = "mae"\nbelow = "0.1 mmHg"\n')
    pipeline.evaluate(*files, tmp_path / "out", Settings(draws=20), plan=file)
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    assert told["sha256"] == read_plan(file.read_bytes()).sha256
    assert told["sha256"] in report
    assert "declared, not proven" in report
    assert told["success"] == "Success as planned: not met; 0 of 1 criteria."
    assert told["planned_success"][0]["verdict"] in ("not met", "not computable")
    assert (tmp_path / "out" / "planned.csv").is_file()
    assert all(name in report for name in ("TRIPOD+AI", "CLAIM", "health inequalities", "to be filled in by you"))


SIDES = b"""title = "T"
written_by = "A"
targets = ["sbp"]
main_estimate = "mae"
margins = { sbp = "60 mmHg" }
[[family]]
name = "primary"
tests = ["cohorts", "equivalence"]
[[family]]
name = "secondary"
tests = ["baseline"]
[[success]]
target = "sbp"
test = "equivalence"
[[success]]
target = "sbp"
estimate = "mae"
below = "12 mmHg"
"""


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    home = tmp_path_factory.mktemp("sides")
    return {name: write(home / name, seed) for seed, name in enumerate(("Gaps", "Ties"))}


def test_a_comparison_keeps_to_its_plan(sides, tmp_path):
    file, said = tmp_path / "plan.toml", []
    file.write_bytes(SIDES)
    out = tmp_path / "out"
    pipeline.compare(sides, out, Settings(draws=40), same_people=False, plan=file, say=said.append)
    told = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert told["sha256"] == read_plan(SIDES).sha256
    assert "declared, not proven" in told["order"]
    tests = [row for row in told["planned"] if row["what"] != "main estimate"]
    assert {row["family"] for row in tests} == {"primary"}
    assert all("planned family 'primary', times 1 family" in row["correction"] for row in tests), (
        "what it cannot ask counts for none"
    )
    assert [row["first"] for row in told["planned"] if row["what"] == "main estimate"] == list(sides)
    assert [row["verdict"] for row in told["planned_success"]] == ["met", "not computable"]
    assert any("another number of cohorts" in row["why"] for row in told["planned_deviations"])
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "The plan, as it was stated" in report
    differences = json.loads((out / "comparison.json").read_text(encoding="utf-8"))["differences"]
    planned = {row["score"] for row in differences if row["p_adjusted"] is not None and row["target"] == "sbp"}
    assert planned == {"mae"}, "what the plan does not name stays exploratory"
    assert all(row["q"] is not None for row in differences if row["p"] is not None and row["p_adjusted"] is None)
    assert any(read_plan(SIDES).sha256 in line for line in said)


def test_a_plan_of_a_comparison_needs_two_cohorts_and_nothing_is_written_without(sides, tmp_path):
    file = tmp_path / "plan.toml"
    file.write_bytes(SIDES)
    with pytest.raises(UsageError, match="goes to evaluate --plan"):
        pipeline.compare({"Gaps": sides["Gaps"]}, tmp_path / "out", plan=file)
    file.write_bytes(SIDES.replace(b"mae", b"nonsense", 1))
    with pytest.raises(UsageError, match="'main_estimate' is 'nonsense'; it must be one of mae"):
        pipeline.compare(sides, tmp_path / "out", plan=file)
    assert not (tmp_path / "out").exists()
