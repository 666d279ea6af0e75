"""Slides of what the user asks beside the usual, and of cohorts side by side with results that others shared."""

import pytest

from fundus_core import evaluation
from fundus_core.report.slides import Drawing, Table
from pages.parts.compare import slides
from pages.parts.shared import studies
from pages.parts.shell import language
from tests.pages.test_sharing import file


def test_what_is_asked_beside_the_usual_gets_a_slide(filled, page):
    app = page("present", cohort="Clinic", model="tests-own")
    assert "without error" not in slides_of(app)
    app.number_input(key="icc_sbp").set_value(0.8).run()
    assert not app.exception
    assert "With a reliability of one measurement of 0.80" in slides_of(app)
    assert "Against values without error" in slides_of(app)
    assert "90 % prediction intervals" in slides_of(app)


def slides_of(app) -> str:
    return " ".join(str(each.proto.json or each.proto.mixed.json) for each in app.get("bidi_component"))


@pytest.mark.parametrize(("lang", "title"), [("en", "Sites put together: SBP"), ("ja", "施設の統合")])
def test_sites_and_equivalence_have_slides_without_a_plan(filled, lang, title):
    views = [studies.View(cohort, "tests-own") for cohort in filled.cohorts() if cohort.name in ("Clinic", "Van")]
    shared = {"Clinic A": evaluation.from_text(file(1, "Clinic A"), "a.json")}
    token = language._BOUND.set(lang)
    try:
        study = studies.together(views, "", {"sbp": 3.0}, shared)
        made = slides.deck(study, views, "sbp")
    finally:
        language._BOUND.reset(token)
    heads = [" ".join(one.title.lines) for one in made.pages]
    assert any(head.startswith(title) for head in heads), heads
    assert sum(isinstance(part, Drawing) for one in made.pages for part in one.parts) >= 2
    tables = [part for one in made.pages for part in one.parts if isinstance(part, Table)]
    assert len(tables) >= 2
    assert ("Rendered eyes." if lang == "en" else "。") in made.footer
