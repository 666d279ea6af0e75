"""A plan of a cohort is taken before the truth, kept with date and hash, and never after."""

import json

import pytest

from fundus_core import pipeline
from fundus_core.analyses import Settings, read_plan
from fundus_core.errors import UsageError
from fundus_core.store import NewPhotograph, Store, TruthRow
from pages.parts.new_cohort import analysis_plan

PLAN = b'title = "T"\nwritten_by = "A"\ntargets = ["sbp"]\nmain_estimate = "mae"\n'


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
    from tests import frozen

    files = frozen.files("Ties", frozen.COHORTS["Ties"], tmp_path / "in")
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
