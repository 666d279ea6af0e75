"""The models page: what is asked of the command line, and how its answers are shown."""

import csv
from pathlib import Path

import pytest

from pages.parts.models import model_check
from pages.parts.shared import subprocess_cli

FOUND = {
    "golden": [{"target": "sbp", "expected": 120.0, "said": 3.0, "passed": False}],
    "photographs": 60,
    "left_out": 2,
    "with_truth": 4,
    "symptoms": [{"code": "unit", "target": "bmi", "sentence": "Read in another unit.", "lines": []}],
    "lines": ["scale = 2.0"],
    "notes": [],
    "healthy": False,
}


@pytest.fixture
def asked(monkeypatch):
    """What the page asks, with the two tables that it hands over; the answer names a symptom."""
    seen = {}

    def ask(*options):
        told = list(map(str, options))
        seen["told"] = told
        for flag in ("--photographs", "--truth"):
            if flag in told:
                with Path(told[told.index(flag) + 1]).open(encoding="utf-8", newline="") as stream:
                    seen[flag] = list(csv.DictReader(stream))
        return subprocess_cli.Answer(FOUND)

    monkeypatch.setattr(subprocess_cli, "ask", ask)
    return seen


def check(page):
    app = page("models")
    app.selectbox(key="check-on-sample-rendered").set_value("Clinic").run()
    app.button(key="check-sample-rendered").click().run()
    assert not app.exception
    return app


def test_a_check_is_asked_on_the_cohorts_photographs_with_their_truth(filled, page, asked):
    check(page)
    table = filled.table("Clinic")
    assert asked["told"][:2] == ["check", "sample-rendered"]
    assert [line["path"] for line in asked["--photographs"]] == [
        filled.locator("Clinic", str(name)) for name in table.photograph
    ]
    written = {line["photograph"]: float(line["sbp"]) for line in asked["--truth"]}
    for row in range(0, len(table), 7):
        path = filled.locator("Clinic", str(table.photograph[row]))
        assert written[path] == pytest.approx(table.truth["sbp"][row], rel=1e-4)


def test_a_large_cohort_is_checked_on_some_photographs_evenly_chosen(filled, page, asked, monkeypatch):
    monkeypatch.setattr(model_check, "MOST", 25)
    check(page)
    paths = [filled.locator("Clinic", str(name)) for name in filled.table("Clinic").photograph]
    assert [line["path"] for line in asked["--photographs"]] == paths[::3]


def test_what_is_wrong_is_said_and_what_would_mend_it(filled, page, asked):
    app = check(page)
    assert "**BMI** · Read in another unit." in [warning.value for warning in app.warning]
    assert any("not reproduced for SBP" in error.value for error in app.error)
    assert "scale = 2.0" in [code.value for code in app.code]
    assert not app.success


def test_a_verb_that_fails_answers_with_its_sentence_alone():
    answer = subprocess_cli.ask("show", "no-such-model")
    assert not answer.found
    assert answer.fault.startswith("There is no model 'no-such-model'"), answer.fault
