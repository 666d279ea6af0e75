"""Slides of what the user asks beside the usual, and of cohorts side by side with results that others shared."""

import pytest

from fundus_core import evaluation
from fundus_core.analyses import meaning_in_words
from fundus_core.report.slides import Drawing, Table, Words
from pages.parts.compare import slides
from pages.parts.present import contents
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
    choice = next(each for each in app.multiselect if each.label.startswith("Slides, in the order"))
    meaning, intervals = (
        next(at for at, words in enumerate(choice.options) if sought in words)
        for sought in ("What this means", "Prediction intervals")
    )
    choice.set_value([str(meaning), str(intervals)]).run()
    assert not app.exception
    shown = slides_of(app)
    assert "With a reliability" not in shown
    assert shown.index("What this means") < shown.index("Prediction intervals"), (
        "in the order in which they were chosen"
    )


def test_every_slide_has_notes_and_the_numbers_meaning_is_the_pages_own(filled):
    view = next(studies.View(one, "tests-own") for one in filled.cohorts() if one.name == "Clinic")
    made = contents.of_cohort(view, studies.study(view), dark=False)
    assert [" ".join(page.title.lines) for page in made.pages if not page.notes] == []
    meaning = next(page for page in made.pages if page.title.lines == ("What this means",))
    said = next(part for part in meaning.parts if isinstance(part, Words)).lines
    assert said == tuple(meaning_in_words(studies.study(view)))


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
    assert all(one.notes for one in made.pages[1:])
    assert heads[-1].startswith("What this means" if lang == "en" else "この結果の意味")
    assert ("Rendered eyes." if lang == "en" else "。") in made.footer
