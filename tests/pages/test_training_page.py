"""A training is started, watched, stopped and taken up again from the Models page, which imports no torch for it."""

import csv

import psutil
import pytest

from fundus_core import jobs
from fundus_core.models import registry
from fundus_core.training.learning_curve import LOG


@pytest.fixture
def started(monkeypatch):
    """The commands that the page starts; none runs."""
    seen = []
    monkeypatch.setattr(jobs, "go_on", lambda folder: seen.append((folder / jobs.COMMAND).read_text().split("\n")))
    return seen


def test_a_training_is_started_on_what_the_store_holds_watched_stopped_and_taken_up(filled, page, started):
    app = page("models")
    app.selectbox(key="train-on").set_value("Clinic").run()
    app.selectbox(key="train-start").set_value("sample-rendered").run()
    app.text_input(key="train-id").set_value("Own Model").run()
    assert app.button(key="train-start-it").disabled, "no id"
    app.text_input(key="train-id").set_value("own-model").run()
    app.number_input(key="train-minutes").set_value(20).run()
    app.button(key="train-start-it").click().run()
    assert not app.exception
    folder = registry.home() / "own-model"
    told = started[0]
    assert told[:6] == [
        "train",
        "--photographs",
        f"{folder}/given/photographs.csv",
        "--truth",
        f"{folder}/given/truth.csv",
        "--out",
    ]
    assert told[told.index("--pretrained") + 1] == str(registry.find("sample-rendered").weights_path)
    assert told[told.index("--minutes") + 1] == "20"
    assert told[told.index("--targets") + 1] == "sbp,bmi,age,sex"
    with (jobs.given(folder) / "truth.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == len(filled.table("Clinic"))

    own = psutil.Process()
    jobs._write(folder, jobs.Stage("learning", 30, 120, 90.0), own)
    (folder / LOG).write_text("epoch,training_loss,validation_loss,seconds\n0,1,0.9,3\n1,0.8,0.95,6\n")
    app.run()
    assert [(bar.proto.value, bar.proto.text) for bar in app.get("progress")] == [
        (25, "Learning · 30 / 120 · 2 min left")
    ]
    app.button(key="stop-training-own-model").click().run()
    assert (folder / jobs.STOP).exists()

    (folder / jobs.PROGRESS).write_text('{"name": "learning", "done": 31}', encoding="utf-8")
    (folder / jobs.LOG).write_text("fundus_core train: It was stopped, as was asked.\n")
    app.run()
    assert any("was stopped" in warning.value for warning in app.warning)
    app.button(key="resume-training-own-model").click().run()
    assert not app.exception
    assert started[1] == told
