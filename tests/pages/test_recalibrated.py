"""A recalibration is made on the page of one cohort; on its own people the reader is asked first."""

import pytest

from fundus_core.models import registry
from fundus_core.runs.model_loading import version_of
from fundus_core.store import Finding
from pages.parts.shell import home
from tests.pages.test_evaluate import words


@pytest.fixture
def clinics(filled):
    """The two cohorts as the sample's model would have read them, and the same recalibrated on the first."""
    store = home.store()
    version = version_of(registry.find("sample-rendered"))
    for cohort in store.cohorts():
        readings = store.readings(cohort.id, "tests-own")
        found = [Finding(one.sha256, one.status.value, predictions=one.predictions) for one in readings]
        store.record(cohort.id, version, found)
    return store


def said(app) -> str:
    return "\n".join([words(app), *(str(each.value) for each in app.success)])


def test_a_cohort_makes_a_model_and_is_not_tested_on_itself(clinics, page):
    from fundus_core.runs import supervisor

    app = page("evaluate", folds=["recalibrate"], cohort="Clinic", target="sbp", model="sample-rendered")
    (fit,) = [button for button in app.button if button.label == "Fit and keep"]
    app.text_input(key="recalibrated_id").set_value("mended")
    app = fit.click().run()
    assert not app.exception
    assert "Recalibrated from 'sample-rendered' on 'Clinic'" in said(app)
    assert "SBP: intercept" in said(app)
    card = registry.find("mended")
    for cohort in clinics.cohorts():
        supervisor.derive(clinics, cohort.id, card, version_of(card))
    other = next(cohort.name for cohort in clinics.cohorts() if cohort.name != "Clinic")
    app = page("evaluate", cohort=other, target="sbp", model="mended")
    assert not app.exception
    assert "used to fit" not in said(app), "other people: no question"
    app = page("evaluate", ["recalibrate"], cohort="Clinic", target="sbp", model="mended")
    assert "people were used to fit the recalibration of 'mended'" in said(app)
    assert not [button for button in app.button if button.label in ("Different people", "Fit and keep")]
    app = page("evaluate", cohort="Clinic", target="sbp", model="mended", lang="ja")
    assert "「mended」の再較正に使われています" in said(app)
    app = page("evaluate", cohort="Clinic", target="sbp", model="sample-rendered")
    assert not app.exception
    assert "used to fit" not in said(app), "its other models stand without it"
    app = page("planner", cohort="Clinic", model="mended")
    assert not app.exception
    assert "used to fit" not in said(app), "a page that tests nothing takes published numbers"
    app = page("models")
    assert "never tested on these people" in said(app)


def test_equal_ids_are_left_out_or_said_to_be_others_and_the_numbers_follow(clinics, page):
    """Half of Van has the ids of Clinic's people, and no photograph of theirs."""
    from fundus_core import pipeline
    from fundus_core.runs import supervisor
    from fundus_core.store import TruthRow

    made = pipeline.recalibrate_cohort(clinics, "Clinic", "sample-rendered", "shared")
    table = clinics.table("Van", ["sample-rendered"])
    rows = [
        TruthRow(str(name), {"sbp": float(value)}, patient_id=str(who).replace("V0", "C0" if who < "V015" else "V0"))
        for name, who, value in zip(table.photograph, table.patient_id, table.truth["sbp"], strict=True)
    ]
    clinics.set_truth("Van", rows)
    supervisor.derive(clinics, "Van", made.card, version_of(made.card))
    app = page("evaluate", cohort="Van", target="sbp", model="shared")
    assert "15 of its 30 people were used to fit" in said(app)
    (others,) = [button for button in app.button if button.label == "Leave them out"]
    assert [button for button in app.button if button.label == "Different people"]
    app = others.click().run()
    assert not app.exception
    assert "They are left out." in said(app)
    assert len(pipeline.table_to_test(clinics, "Van", "shared")) == 30
    assert "Model against model" in [each.label for each in app.expander]
    (change,) = [button for button in app.button if button.label == "Change"]
    app = change.click().run()
    (different,) = [button for button in app.button if button.label == "Different people"]
    app = different.click().run()
    assert not app.exception
    assert "You said that they are different people." in said(app)
    assert len(pipeline.table_to_test(clinics, "Van", "shared")) == 60
