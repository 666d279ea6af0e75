"""More for a cohort that is there, on the pages: values put in later, another model, photographs of its rows.

Attacked by looking at Evaluate before and after in the same process, so that whatever was remembered would show.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fundus_core import pipeline, runs, truth
from fundus_core.pipeline import Asked, external_predictions
from fundus_core.records import Prediction
from fundus_core.store import Finding, ModelVersion, NewPhotograph
from fundus_core.synthetic import synthesise
from tests.pages.test_new_cohort import drop, press, ready, words  # noqa: F401 (a fixture)


@pytest.fixture
def unmeasured(ready):  # noqa: F811
    """A cohort of 12 people that a model has read and nobody has measured."""
    cohort = ready.create_cohort("Clinic")
    kept = [NewPhotograph.of_kept(f"K{n}.jpg", ready.keep(b"%d" % n), patient_id=f"K{n}") for n in range(12)]
    ready.add_photographs(cohort.id, kept)
    said = [Prediction(110 + 2.0 * n, float("nan"), float("nan")) for n in range(12)]
    found = [Finding(one.sha256, "predicted", predictions={"sbp": p}) for one, p in zip(kept, said, strict=True)]
    ready.record(cohort.id, ModelVersion("tests-own", "w", "c"), found)
    return ready.cohort(cohort.id)


def table(offset: float) -> bytes:
    frame = pd.DataFrame(
        {"patient_id": [f"K{n}" for n in range(12)], "sbp": [110 + 2.0 * n + offset for n in range(12)]}
    )
    return frame.to_csv(index=False).encode()


def put(page, cohort, data: bytes):
    app = page("new_cohort", to=cohort.key)
    takes = next(each for each in app.file_uploader if ".csv" in each.proto.type)
    takes.set_value(("values.csv", data, "text/csv")).run()
    assert not app.exception, app.exception
    return app


def mae(page, cohort) -> str:
    app = page("evaluate", cohort=cohort.key)
    return next(text for text in app.button_group(key="pick_target_segmented_control").options if "SBP" in text).split(
        "**"
    )[1]


def test_values_come_later_and_again(ready, unmeasured, page):  # noqa: F811
    assert "has both a prediction and a measured value" in words(page("evaluate", cohort=unmeasured.key))
    app = put(page, unmeasured, table(5.0))
    assert [metric.value for metric in app.metric][-4:] == ["12", "0", "0", "0"]
    press(app, "Put the values in")
    assert mae(page, unmeasured) == "5.00"
    app = put(page, unmeasured, table(-3.0))
    assert [metric.value for metric in app.metric][-4:] == ["0", "12", "0", "0"]
    press(app, "Put the values in")
    assert mae(page, unmeasured) == "3.00", "nothing that was computed of the old values is shown"
    told = words(page("evaluate", ["changes"], cohort=unmeasured.key))
    assert "Held against the numbers kept on" in told, "the numbers before were kept by themselves"
    assert "Nothing has changed" not in told
    same = put(page, unmeasured, table(-3.0))
    assert next(each for each in same.button if each.label == "Put the values in").disabled


def test_another_model_is_run_on_it(ready, unmeasured, page):  # noqa: F811
    app = page("new_cohort", to=unmeasured.key, add="model")
    app.button_group(key="later_models").set_value(["tests-own"]).run()
    press(app, "Run")
    (run,) = runs.runs_of(ready, unmeasured.id)
    assert run.models == ("tests-own",)


def test_a_cohort_that_is_gone_is_said(ready, page):  # noqa: F811
    assert "“no\\-such” is not here" in words(page("new_cohort", to="no-such"))


def test_photographs_come_to_predictions(ready, page, tmp_path):  # noqa: F811
    synthesise(2, 3, tmp_path / "made", size=200)
    frame = pd.DataFrame(
        {"patient_id": ["P0001", "P0002", "P0009"], "sbp_pred": [1e2, 110, 120], "sbp": [98, 111, 121]}
    )
    read = truth.read_table(frame.to_csv(index=False).encode(), "t.csv")
    asked = Asked(beside=False)
    made = external_predictions.of_every_model(read, pipeline.proposed(read, asked), asked)
    cohort = external_predictions.keep(ready, "theirs", {"B7": made[""]})
    assert "a model needs its photographs" in words(page("new_cohort", to=cohort.key, add="model"))
    app = page("new_cohort", to=cohort.key, add="photographs")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "stranger.png")
    drop(app, *sorted((tmp_path / "made" / "photographs").iterdir()), tmp_path / "stranger.png")
    app.run()
    assert "4 of 5 photographs belong to a row of theirs; the others are not taken." in words(app)
    press(app, "Add 4 photographs")
    now = ready.cohort(cohort.id)
    assert (now.files, now.photographs) == (4, 5), "a person's second photograph is a row of its own"
    assert "B7, made elsewhere" in words(page("evaluate", cohort=cohort.key))
    assert ready.waiting(cohort.id) == ("P0009 (1)",)


def test_ids_in_common_are_asked_about_once(ready, unmeasured, page):  # noqa: F811
    other = ready.create_cohort("Van")
    kept = [NewPhotograph.of_kept(f"V{n}.jpg", ready.keep(b"v%d" % n), patient_id=f"K{n}") for n in range(6)]
    ready.add_photographs(other.id, kept)
    found = [Finding(one.sha256, "predicted", predictions={"sbp": Prediction(120, 1, 2)}) for one in kept]
    ready.record(other.id, ModelVersion("tests-own", "w", "c"), found)
    both = [unmeasured.key, ready.cohort(other.id).key]
    app = page("compare", cohorts=both)
    assert "have 6 patient ids in common, and no photograph" in words(app)
    press(app, "The same people")
    assert "in common, and no photograph" not in words(app)
    assert "in common, and no photograph" not in words(page("compare", cohorts=both[::-1]))
    ((kept_answer,),) = [
        ready.documents(one, "same_people") for one in (unmeasured.id, other.id) if ready.documents(one, "same_people")
    ]
    assert kept_answer.content == {"same": True}
