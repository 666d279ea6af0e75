"""The page New cohort: the door, the mapping, the match and the strictness, without a browser."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fundus_core import pipeline, runs, truth
from fundus_core.deidentify import Pseudonyms, key_from_passphrase, write_key
from fundus_core.errors import joined
from fundus_core.records import Prediction
from fundus_core.runs.model_loading import RENDERED_REMARK
from fundus_core.store import Finding, ModelVersion, NewPhotograph, prediction_table, schema, versions
from fundus_core.synthetic import synthesise
from fundus_core.truth import Column, Proposal
from pages.parts.shell.home import folder
from pages.parts.shell.upload_store import Inbox

TYPED = "correct horse battery"
PERSON = "YAMADA"


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """Photographs of two people whose names are in the file names, and a letter."""
    folder = tmp_path_factory.mktemp("eyes")
    synthesise(2, 3, folder / "made", size=280)
    out = folder / "photographs"
    out.mkdir()
    for path in sorted((folder / "made" / "photographs").iterdir()):
        Image.open(path).save(out / f"{PERSON}_{path.stem}.png")
    (out / "letter.jpg").write_bytes(b"Dear colleague")
    return out


@pytest.fixture
def ready(fresh, monkeypatch):
    """The store of the pages, and a model that is said to be at hand; no network is asked."""
    monkeypatch.setattr("pages.parts.shell.cards.ready", lambda: ["tests-own"])
    monkeypatch.setattr("pages.parts.shell.cards.title", lambda model: model)
    monkeypatch.setattr("pages.parts.shell.cards.reads_rendered_eyes", lambda model: False)
    monkeypatch.setattr("fundus_core.runs.supervisor.derive", lambda *_known: None)
    monkeypatch.setattr("fundus_core.runs.supervisor.model_loading.ready_card", lambda model: model)
    monkeypatch.setattr(
        "fundus_core.runs.supervisor.model_loading.version_of", lambda card: ModelVersion(card, "w", "c")
    )
    return fresh


def drop(app, *paths: Path):
    """Put files where an upload puts them."""
    batch = Inbox(folder() / "inbox").batch(app.session_state["upload"])
    for path in paths:
        batch.put(path.name, path.read_bytes())
    return batch


def words(app) -> str:
    kinds = ("subheader", "caption", "markdown", "info", "warning", "error", "success")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def press(app, label: str):
    next(button for button in app.button if button.label.startswith(label)).click().run()
    assert not app.exception, app.exception


def test_behind_the_door_nothing_is_left_of_an_upload_but_pseudonyms(ready, page, eyes):
    app = page("new_cohort")
    batch = drop(app, *sorted(eyes.iterdir()))
    app.run()
    app.toggle(key="door0").set_value(True).run()
    app.session_state["key-door0"] = "passphrase"
    app.run()
    assert "at least 12 characters" in app.text_input(key="passphrase-door0").label
    app.text_input(key="passphrase-door0").set_value("short").run()
    assert "at least 12 are needed" in words(app)
    assert next(button for button in app.button if button.label.startswith("Read")).disabled
    app.text_input(key="passphrase-door0").set_value(TYPED).run()
    made = Pseudonyms(key_from_passphrase(TYPED))
    assert made.photograph(f"{PERSON}_P0001_L.png") in words(app)
    assert "Taken away: file name" in words(app)
    press(app, "Read")
    (cohort,) = ready.cohorts()
    assert cohort.photographs == 5
    assert {item.name for item in ready.photographs(cohort.id).items} == {
        made.photograph(path.name) for path in eyes.iterdir()
    }
    assert not batch.folder.exists(), "the originals are gone"
    for path in ready.shelf.folder.rglob("*"):
        assert PERSON not in path.name
        assert not path.is_file() or PERSON.encode() not in path.read_bytes()
        assert not path.is_file() or TYPED.encode() not in path.read_bytes()
    (run,) = runs.runs_of(ready, cohort.id)
    assert (run.failed, run.queued) == (1, 4), "the letter ends with its reason, at once"
    assert "Kept nowhere" in words(app)
    app.run()
    assert "passphrase-door0" not in app.session_state
    assert app.session_state["kept_derived-door0"] == ("", b"")


def test_a_mapping_is_confirmed_saved_and_used_again(ready, page, eyes, tmp_path):
    rows = [f"{path.name},{number % 2 + 1},{120 + number}" for number, path in enumerate(sorted(eyes.glob("*.png")))]
    (tmp_path / "truth.csv").write_text("\n".join(["filename,sex,SBP", *rows, "nobody.png,1,118"]))
    app = page("new_cohort")
    drop(app, *sorted(eyes.iterdir()), tmp_path / "truth.csv")
    app.run()
    assert "Not used until you confirm: sex" in words(app)
    assert [metric.value for metric in app.metric] == ["4", "1", "1"]
    assert "4 of 5 photographs have truth" in words(app)
    saved = truth.propose(truth.read_table((tmp_path / "truth.csv").read_bytes(), "truth.csv")).confirm("sex")
    uploader = next(each for each in app.file_uploader if each.label == "Mapping saved before")
    uploader.set_value(("mapping.json", saved.to_json().encode(), "application/json")).run()
    assert "Not used until" not in words(app)
    app.text_input(key="name0").set_value("Mapped").run()
    press(app, "Read")
    sexes = [item.truth["sex"] for item in ready.photographs("Mapped").items if item.truth]
    assert sorted(sexes) == [0, 0, 1, 1]


def test_what_needs_a_person_stands_first_and_one_click_confirms_it(ready, page, eyes, tmp_path):
    rows = [f"{path.name},{number % 2 + 1},{120 + number}" for number, path in enumerate(sorted(eyes.glob("*.png")))]
    (tmp_path / "truth.csv").write_text("\n".join(["filename,sex,SBP", *rows, "nobody.png,1,118", "else.png,1,119"]))
    app = page("new_cohort")
    drop(app, *sorted(eyes.iterdir()), tmp_path / "truth.csv")
    app.run()
    assert any("(2 rows: 6, 7)" in warning.value for warning in app.warning)
    assert not [fold.label for fold in app.expander if fold.proto.expanded], "what is right is folded"
    press(app, "Confirm")
    assert "Not used until you confirm" not in words(app)
    press(app, "Read")
    (cohort,) = ready.cohorts()
    assert sorted(item.truth["sex"] for item in ready.photographs(cohort.id).items if item.truth) == [0, 0, 1, 1]


def test_photographs_without_a_row_are_named(ready, page, eyes, tmp_path):
    (*with_row, third, fourth) = sorted(eyes.glob("*.png"))
    rows = [f"{path.name},{120 + number}" for number, path in enumerate(with_row)]
    (tmp_path / "truth.csv").write_text("\n".join(["filename,SBP", *rows]))
    app = page("new_cohort")
    drop(app, *sorted(eyes.iterdir()), tmp_path / "truth.csv")
    app.run()
    said = [warning.value.replace("\\", "") for warning in app.warning]
    assert any(f"(3 photographs: {third.name}, {fourth.name}, letter.jpg)" in one for one in said), said


def test_a_mapping_of_another_table_is_refused(ready, page, eyes, tmp_path):
    (tmp_path / "truth.csv").write_text("filename,SBP\na.png,120\n")
    app = page("new_cohort")
    drop(app, *sorted(eyes.iterdir()), tmp_path / "truth.csv")
    app.run()
    other = Proposal((Column("Blutdruck", "sbp"),)).to_json().encode()
    uploader = next(each for each in app.file_uploader if each.label == "Mapping saved before")
    uploader.set_value(("mapping.json", other, "application/json")).run()
    assert "The saved mapping is of another table: it names Blutdruck" in words(app)


def test_a_key_file_makes_the_same_pseudonyms_as_on_the_command_line(ready, page, eyes, tmp_path):
    key = write_key(tmp_path / "pseudonym.key")
    app = page("new_cohort")
    drop(app, *sorted(eyes.glob("*_R.png")))
    app.run()
    app.toggle(key="door0").set_value(True).run()
    app.session_state["key-door0"] = "file"
    app.run()
    given = ("pseudonym.key", (tmp_path / "pseudonym.key").read_bytes(), "application/octet-stream")
    app.file_uploader(key="keyfile-door0").set_value(given).run()
    assert Pseudonyms(key).photograph(f"{PERSON}_P0001_R.png") in words(app)


def test_another_key_can_be_chosen(ready, page, eyes, tmp_path):
    names = [path.name for path in sorted(eyes.glob("*.png"))]
    rows = [f"{name},p{number // 2},{'R' if 'R' in name[-5:] else 'L'},120" for number, name in enumerate(names)]
    (tmp_path / "truth.csv").write_text("\n".join(["filename,patient_id,eye,SBP", *rows]))
    app = page("new_cohort")
    drop(app, *sorted(eyes.iterdir()), tmp_path / "truth.csv")
    app.run()
    choice = next(box for box in app.selectbox if box.label.startswith("Matched by"))
    assert choice.value == "photograph"
    assert "Matched by the photograph's name: 4 of 5" in words(app)
    other = next(key for key in choice.options if key.startswith("the patient's id as written"))
    choice.select(other).run()
    assert "Matched by the patient's id as written in the file name or folder: 0 of 5" in words(app)


def test_limits_of_too_few_photographs_are_refused_before_anything_is_made(ready, page, eyes):
    app = page("new_cohort")
    drop(app, *sorted(eyes.iterdir()))
    app.run()
    app.slider(key="strict0").set_value(5).run()
    press(app, "Read")
    assert "at least 20 are needed" in words(app)
    assert ready.cohorts() == ()


def _registry():
    from pages.parts.cohorts import registry_export
    from pages.parts.shell import home

    registry_export.draw(home.store().cohort("Clinic"))


def test_a_cohort_is_written_for_a_registry(fresh, page, eyes):
    fresh.create_cohort("Clinic")
    pipeline.intake(fresh, "Clinic", [eyes])
    assert any(button.label == "De-identified export" for button in page("cohorts").button)
    app = AppTest.from_function(_registry, default_timeout=30).run()
    press(app, "Write the file")
    assert "4 photographs are in it; 1 was left behind." in words(app)
    (file,) = (fresh.shelf.folder / "outbox").rglob("registry.zip")
    assert PERSON.encode() not in file.read_bytes()


def test_a_note_on_a_photograph_is_shown_in_the_gallery(fresh, page):
    cohort = fresh.create_cohort("Pages")
    kept = fresh.keep(np.zeros(4, np.uint8).tobytes())
    fresh.add_photographs(cohort.id, [NewPhotograph.of_kept("a.tif", kept)])
    limits = '{"focus": 0.05}'
    with fresh.writing() as connection:
        version = versions.version_id(connection, ModelVersion("tests-own", "w", "c", limits=limits))
        said = {"sbp": Prediction(120.0, 100.0, 140.0)}
        note = joined(["Only the first of several pages was read.", RENDERED_REMARK])
        prediction_table.write(connection, version, [Finding(kept.sha256, "predicted", reason=note, predictions=said)])
        prediction_table.attach(connection, version, schema.photograph.c.cohort_id == cohort.id)
    app = page("explore", cohort="Pages")
    assert "Only the first of several pages was read." in words(app)
    assert RENDERED_REMARK not in words(app)
    assert "Limits of quality taken from this cohort itself: focus 0.05" in words(app)


def test_a_run_that_read_nothing_says_what_to_do(ready, page, eyes, monkeypatch):
    cohort = ready.create_cohort("Real eyes")
    kept = [NewPhotograph.of_kept(path.name, ready.keep(path.read_bytes())) for path in sorted(eyes.iterdir())]
    ready.add_photographs(cohort.id, kept)
    run = runs.submit(ready, cohort.id, ["tests-own"])
    monkeypatch.setattr("pages.parts.shell.cards.reads_rendered_eyes", lambda model: True)
    refused = replace(runs.progress(ready, run), state="done", refused=len(kept))
    monkeypatch.setattr(runs, "progress", lambda store, number: refused)
    app = page("new_cohort", run=f"{run}-{cohort.key}")
    assert "Not one photograph was read" in words(app)
    assert "reads rendered eyes only" in words(app)


def test_ids_that_are_written_differently_are_joined_only_when_the_user_says_so(ready, page, eyes, tmp_path):
    names = [path.name for path in sorted(eyes.glob("*.png"))]
    rows = [f"{name.swapcase()},120" for name in names]
    (tmp_path / "truth.csv").write_text("\n".join(["filename,SBP", *rows]))
    app = page("new_cohort")
    drop(app, *sorted(eyes.iterdir()), tmp_path / "truth.csv")
    app.run()
    assert "only in upper and lower case" in words(app)
    assert "Matched by the photograph's name: 0 of" in words(app)
    box = next(box for box in app.checkbox if box.label == "These are the same: join them")
    assert not box.value
    box.check().run()
    assert f"Matched by the photograph's name: {len(names)} of" in words(app)
