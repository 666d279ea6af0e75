"""What repeated visits tell, as records: tables, figures and files have it where there are visits, and nowhere else."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from fundus_core import pipeline
from fundus_core.analyses import Canvas, Settings, Study, one_cohort
from fundus_core.evaluation import from_values
from fundus_core.figures import Look

pytestmark = pytest.mark.usefixtures("undrawn")


def study(visits: bool = True) -> Study:
    random = np.random.default_rng(6)
    who = [f"P{at // 3:02}" for at in range(36)]
    visit = [f"20{20 + at % 3}-06-01" for at in range(36)] if visits else None
    y = random.normal(130, 12, 36)
    return Study.of(from_values("sbp", y, y + random.normal(0, 6, 36), patient_id=who, visit=visit), Settings(draws=20))


def test_tables_and_figures_are_there_with_visits_alone():
    canvas = Canvas(Look())
    with_visits, without = study(), study(visits=False)
    assert one_cohort.CHANGE.offered(with_visits)
    assert not one_cohort.CHANGE.offered(without)
    assert len(with_visits.rows(one_cohort.CHANGE)) == 11
    assert without.rows(one_cohort.CHANGE) == []
    assert one_cohort.CHANGE.draw(without, "sbp", canvas) is None
    drawn = one_cohort.CHANGE.draw(with_visits, "sbp", canvas)
    assert drawn is not None
    assert len(drawn.table()) == 24


@pytest.mark.parametrize("level", ["visit", "patient", "eye", "photograph"])
def test_a_step_leads_to_the_photographs_at_its_end(level):
    at = study().at(level)
    ends = one_cohort.CHANGE.draw(at, "sbp", Canvas(Look())).table()[0]["name"]
    assert at.behind([ends])


def test_a_course_goes_through_a_persons_visits():
    of = study()
    course = of.get(one_cohort.COURSE, "sbp", "P00")
    assert list(course.visits) == ["2020-06-01", "2021-06-01", "2022-06-01"]
    assert np.allclose(course.truth, of.table.truth["sbp"][:3])
    drawn = one_cohort.COURSE.draw(of, "sbp", Canvas(Look(), by="P00"))
    assert [label.words for label in drawn.x.labels] == list(course.visits)
    assert one_cohort.COURSE.draw(of, "sbp", Canvas(Look(), by="nobody")) is None


def test_files_and_the_report_have_it(tmp_path):
    table = study().table
    lines = ["patient_id,exam_date,sbp,sbp_pred"]
    columns = (table.patient_id, table.visit, table.truth["sbp"], table.predicted["sbp"])
    lines += [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    (tmp_path / "p.csv").write_text("\n".join(lines))
    scored = pipeline.evaluate(tmp_path / "p.csv", None, tmp_path / "o", Settings(draws=20))
    found = scored.study.get(one_cohort.CHANGE, "sbp").estimates["change_r"]
    written = {row["estimate"]: row for row in json.loads((tmp_path / "o" / "metrics.json").read_text())["change"]}
    assert written["change_r"]["value"] == found.value
    with (tmp_path / "o" / "change.csv").open(encoding="utf-8-sig", newline="") as stream:
        back = list(csv.DictReader(stream))
    assert [(row["estimate"], float(row["value"])) for row in back] == [
        (row["estimate"], row["value"]) for row in scored.study.rows(one_cohort.CHANGE)
    ]
    report = (tmp_path / "o" / "report.html").read_text()
    assert "Change over time" in report
    assert "correlation within people (rmcorr)" in report
