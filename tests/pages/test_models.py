"""The models page: what is asked of the command line, and how its answers are shown."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fundus_core import jobs
from fundus_core.checking import change_card, identify_card
from fundus_core.models import registry
from fundus_core.models.card import as_plain
from fundus_core.store import ModelVersion
from pages.parts.models import card_lines, model_check
from pages.parts.shared import subprocess_cli
from pages.parts.shell import cards as shell_cards
from pages.parts.shell.language import literal
from tests.pages import conftest

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


def identified():
    """What measuring answers: red and blue are exchanged."""
    card = registry.models()["sample-rendered"]
    pair = {"r_before": [0.1, 0.0, 0.2], "r_after": [0.5, 0.4, 0.6]}
    pair |= {"error_before": [20.0, 18.0, 22.0], "error_after": [10.0, 9.0, 11.0]}
    report = identify_card.IdentifyReport(
        id=card.id, photographs=60, people=60, changes={"input.channels": ["rgb", "bgr"]}, confirmed=("input.size",),
        sentences=("One line agrees better.",), results={"sbp": pair},
        points={"sbp": {"truth": [120.0, 130.0], "before": [100.0, 90.0], "after": [121.0, 133.0]}},
        card=as_plain(replace(card, input=replace(card.input, channels="bgr"))),
    )  # fmt: skip
    return json.loads(json.dumps(report.as_json()))


def test_a_card_is_measured_applied_and_taken_back_by_whoever_opens_the_page(filled, page, monkeypatch):
    told = []
    monkeypatch.setattr(jobs, "go_on", lambda folder: told.append((folder, (folder / jobs.COMMAND).read_text())))
    page("models").button(key="identify-sample-rendered").click().run()
    ((folder, words),) = told
    assert words.split("\n")[:3] == ["models", "identify", "sample-rendered"]
    jobs._write(folder, jobs.Stage("trying", 7, 28, words="224 px"), psutil.Process())
    app = page("models")  # another tab, on which nothing was asked
    assert [bar.proto.text for bar in app.get("progress")] == ["Trying one line after the other · 7 / 28"]
    assert "224 px" in [one.value for one in app.caption]
    app.button(key="stop-identify-sample-rendered").click().run()
    assert (folder / jobs.STOP).exists()
    assert (folder / jobs.GIVEN / "truth.csv").is_file(), "it may go on"
    jobs.keep(folder, identified())
    assert not list(folder.rglob("*.csv")), "patients' values stay where their cohort is deleted"
    app.run()
    assert not app.exception
    assert any("One line agrees better." in one.value for one in app.markdown)
    chosen = app.selectbox(key="identify-on-sample-rendered")
    other = next(cohort for cohort in filled.cohorts() if cohort.files and cohort.key != chosen.value)
    chosen.set_value(other.key).run()  # another cohort is looked at meanwhile: what was measured stays what it was
    app.button(key="apply-sample-rendered").click().run()
    card = registry.find("sample-rendered")
    assert card.input.channels == "bgr"
    assert card.measured[-1].keys == ("input.channels", "input.size")
    assert "(Clinic)" in card.measured[-1].on
    assert any("Measured on" in one.value for one in app.caption)
    app.button(key="undo-sample-rendered").click().run()
    assert not app.exception
    assert registry.find("sample-rendered").input.channels == "rgb"


def test_lines_that_nobody_confirmed_are_in_sight_of_every_card(page):
    app = page("models")
    for card in registry.models().values():
        shown = [one.value for one in app.caption if "Nobody has confirmed" in one.value]
        assert not card.unverified or any(literal(card.unverified[0]) in one for one in shown), card.id
    state = {key: card_lines._state(card, key) for key, _value, _meaning in card_lines._lines(card)}
    assert state["outputs." + card.targets[0]] == state["input.size"] == "Unverified"


def warned(app):
    return [one.value for one in app.warning if "was changed since" in one.value]


def test_numbers_of_an_earlier_card_say_so_and_lead_to_where_it_reads_again(fresh, put_cohort, page, monkeypatch):
    card = registry.find("sample-rendered")
    monkeypatch.setattr(conftest, "VERSION", ModelVersion(card.id, card.weights.sha256, card.sha256))
    key = fresh.cohort(put_cohort(fresh, "Clinic", seed=1)).key
    assert not warned(page("evaluate", cohort=key))
    change_card.edit(card.id, ["input.channels=bgr"])
    monkeypatch.setattr(shell_cards, "ready", lambda: ["another", card.id])
    assert "Clinic" in warned(page("evaluate", cohort=key))[0]
    assert warned(page("models"))
    assert page("new_cohort", to=key, add="model").button_group(key="later_models").value == [card.id]
    change_card.undo(card.id)
    assert not warned(page("evaluate", cohort=key))


def test_open_lines_stand_beside_the_numbers_of_a_model_as_well(fresh, put_cohort, page, monkeypatch):
    card = registry.find("joir-age")
    monkeypatch.setattr(conftest, "VERSION", ModelVersion(card.id, "w", "c"))
    put_cohort(fresh, "Clinic", seed=1)
    shown = [one.value for one in page("evaluate").caption]
    assert any(literal(card.unverified[0]) in one and "Nobody has confirmed" in one for one in shown)


def test_a_verb_that_fails_answers_with_its_sentence_alone():
    answer = subprocess_cli.ask("show", "no-such-model")
    assert not answer.found
    assert answer.fault.startswith("There is no model 'no-such-model'"), answer.fault


def test_weights_without_a_card_are_brought_by_naming_what_they_give(page, monkeypatch):
    asked = []
    monkeypatch.setattr(subprocess_cli, "ask", lambda *words: asked.append(words) or subprocess_cli.Answer())
    app = page("models")
    app.selectbox(key="bring_for").set_value("none").run()
    app.file_uploader(key="own_weights0").set_value(("ours.pth", b"bytes", "application/octet-stream")).run()
    button = next(one for one in app.button if one.label == "Import")
    assert button.disabled, "nothing is imported before it is said what the network gives"
    app.multiselect(key="own_targets").set_value(["bmi", "sbp"]).run()
    assert any("--targets bmi,sbp" in one.value for one in app.code)
    next(one for one in app.button if one.label == "Import").click().run()
    assert not app.exception
    ((verb, file, *words),) = asked
    assert (verb, file.name, words) == ("import", "ours.pth", ["--targets", "bmi,sbp"]), "in the order that was told"
