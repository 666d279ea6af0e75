"""A plan's form before the truth, and what came of the plan on the page and on a slide."""

import pytest

from fundus_core import pipeline
from fundus_core.analyses import read_plan
from fundus_core.store import NewPhotograph, Store
from pages.parts.shell import home
from tests import frozen
from tests.pages.conftest import put

PLAN = b"""title = "T"
written_by = "A"
targets = ["sbp", "dbp"]
main_estimate = "mae"
subgroups = ["site"]
[[success]]
target = "sbp"
estimate = "mae"
below = "12 mmHg"
"""


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    """A cohort whose plan was stated before its truth."""
    taken = Store.set_truth

    def after_the_plan(self, ref, rows):
        pipeline.state_plan(self, ref, read_plan(PLAN), stated_at="2026-11-01T09:00:00+00:00")
        return taken(self, ref, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDUS_LAB_HOME", str(tmp_path_factory.mktemp("lab")))
        patch.setattr("fundus_core.runs.ensure_worker", lambda store: None)
        patch.setattr(Store, "set_truth", after_the_plan)
        put(home.store(), "Clinic", seed=1)
        yield


def text_of(app):
    return " ".join(str(each.value) for each in (*app.markdown, *app.caption, *app.code))


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "Success as planned: met; 1 of 1 criteria."), ("ja", "計画した成功基準：達成（1 件中 1 件）。")],
)
def test_the_evaluate_page_shows_what_the_plan_asked_for(stated, page, lang, said):
    app = page("evaluate", cohort="Clinic", model="tests-own", target="sbp", lang=lang)
    text = text_of(app)
    assert said in text
    assert read_plan(PLAN).sha256 in text
    cells = " ".join(str(cell) for frame in app.dataframe for cell in frame.value.to_numpy().ravel())
    assert {"en": "nothing of it was measured", "ja": "測定値がない"}[lang] in cells
    assert {"en": "main estimate", "ja": "主要な推定値"}[lang] in cells


def test_a_slide_says_whether_success_was_met(stated, page):
    app = page("present", cohort="Clinic", model="tests-own", lang="en")
    made = [each.proto.json or each.proto.mixed.json for each in app.get("bidi_component")]
    slides = frozen.text_of(frozen._unpacked(next(each for each in made if "slides" in each)))
    assert "Success as planned: met; 1 of 1 criteria." in slides
    assert "kept in the store before" in slides


def test_a_plan_is_asked_for_beside_a_cohort_without_truth(fresh, page):
    cohort = fresh.create_cohort("Bare")
    fresh.add_photographs(cohort.id, [NewPhotograph.of_kept("a.jpg", fresh.keep(b"x"), patient_id="P")])
    app = page("new_cohort", to=fresh.cohort("Bare").key, add="values")
    key = f"of-{fresh.cohort('Bare').key}"
    app.text_input(key=f"plan-title-{key}").set_value("Mine")
    app.text_input(key=f"plan-who-{key}").set_value("Me")
    app.multiselect(key=f"plan-targets-{key}").set_value(["sbp"]).run()
    assert not app.exception
    app.button(key=f"state-{key}0").click().run()
    assert not app.exception
    assert pipeline.stated_plan(fresh, "Bare").plan.title == "Mine"
