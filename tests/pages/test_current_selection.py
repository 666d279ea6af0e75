"""A selection on the pages: made in a figure or among pictures, with a study's numbers of its rows, in the address.

Attacked by opening each link in a session of its own, after the selection was renamed, and after its cohort was
deleted.
"""

import numpy as np
import pytest

from fundus_core import evaluation
from fundus_core.analyses import Study, labels, one_cohort
from fundus_core.evaluation import selected
from fundus_core.records import Rule
from fundus_core.targets import TARGETS
from pages.parts.evaluate import scores
from pages.parts.shared import current_selection, studies
from pages.parts.shell.language import literal
from tests.pages.test_pages import words as text_of

PEOPLE = tuple(f"C{number:03d}" for number in range(0, 30, 2))
SOME = Rule(level="patient", names=PEOPLE)


@pytest.fixture(scope="module")
def clinic(filled):
    return studies.View(filled.cohort("Clinic"), "tests-own")


def numbers(filled, rule, target="sbp", score="mae"):
    """What a study of the selected rows says, in the words of the page."""
    table = selected(filled.table("Clinic", ["tests-own"]), rule)
    found = Study.of(table).get(one_cohort.QUICK_SCORES, target).estimates[score]
    return f"{labels.name(score, TARGETS[target])} **{labels.with_interval(found, labels.word(score))}**"


def test_a_lasso_shows_n_errors_table_one_and_pictures_and_its_link_shows_the_same_elsewhere(filled, clinic, page):
    key = filled.keep_selection("Clinic", SOME).key
    link = {"cohort": clinic.cohort.key, "target": "sbp", "selection": key}
    app = page("evaluate", **link)
    shown = text_of(app)
    assert "**15 people · 30 photographs**" in shown
    assert numbers(filled, SOME) in shown
    assert numbers(filled, SOME, score="bias") in shown
    assert "Characteristics (Table 1)" in shown
    assert f'"{PEOPLE[1]}"' in app.get("plotly_chart")[0].proto.spec
    assert '"selectedpoints":[0,2,4' in app.get("plotly_chart")[0].proto.spec.replace(" ", "")
    filled.name_selection(key, "Every other")
    again = text_of(page("evaluate", **link))
    assert "Every other" in again
    assert numbers(filled, SOME) in again
    listed = page("evaluate", cohort=clinic.cohort.key).selectbox(key="pick_selection_selectbox")
    assert listed.options == ["none", "Every other"]
    filled.name_selection(key, "")


def test_a_link_to_a_point_shows_whose_it_is_at_every_level(filled, clinic, page):
    item = filled.photograph("Clinic", "C007_left.jpg")
    for level, name in (("patient", "C007"), ("eye", "C007 · left"), ("photograph", "C007_left.jpg")):
        app = page("evaluate", **clinic.link(item), target="sbp", level=level)
        assert "Selected" in [heading.value for heading in app.subheader]
        assert f"**{literal(name)}**" in text_of(app)
        assert app.query_params["photograph"]
    app.button(key="forget-eye").click().run()
    assert "photograph" not in app.query_params
    gone = page("evaluate", cohort=clinic.cohort.key, photograph="9999-aaaaaaaa")
    assert "is not here" in gone.warning[0].value


def test_the_same_selection_is_in_explore_and_in_present(filled, clinic, page):
    link = {"cohort": clinic.cohort.key, "selection": filled.keep_selection("Clinic", SOME).key}
    app = page("explore", **link)
    assert "30 photographs fit" in text_of(app)
    assert numbers(filled, SOME) in text_of(app)
    assert all(tick.value for tick in app.checkbox)
    assert "60 photographs fit" in text_of(page("explore", **link, show="all"))
    assert page("present", **link).title[0].value


def test_pictures_that_are_ticked_are_marked_in_the_figure(filled, clinic, page):
    app = page("explore", cohort=clinic.cohort.key, order="name")
    app.checkbox[0].check().run()
    app.checkbox[1].check().run()
    rule = filled.selection(app.query_params["selection"]).rule
    assert rule == Rule(level="photograph", names=("C000_left.jpg", "C000_right.jpg"))
    assert current_selection.marked(clinic, filled.keep_selection("Clinic", rule), "patient") == ["C000"]
    app.checkbox[0].uncheck().run()
    app.checkbox[1].uncheck().run()
    assert "selection" not in app.query_params


def test_a_filter_is_a_selection(filled, clinic, page):
    app = page("explore", cohort=clinic.cohort.key, status="refused", eye="left")
    app.button(key="select-these").click().run()
    assert filled.selection(app.query_params["selection"]).rule == Rule(statuses=("refused",), eye="left")
    assert "**6 people · 6 photographs**" in text_of(app)


def test_bars_of_errors_and_of_subgroups_hold_whom_they_count(clinic):
    study = studies.study(clinic)
    found = study.get(one_cohort.ERRORS, "sbp")
    for low, high, count in zip(found.edges[:-1], found.edges[1:], found.counts, strict=True):
        rule = scores._rule(study, "errors", "sbp", "", [f"{float(low)!r} {float(high)!r}"])
        people = Study.of(selected(study.table, rule)).sample("sbp")[0].patients if rule else ()
        assert len(people) == count
    groups = study.get(one_cohort.SUBGROUPS, "sbp", "eye")
    rule = scores._rule(study, "subgroups", "sbp", "eye", ["left"])
    left = next(group for group in groups.groups if group.name == "left")
    mine = Study.of(selected(study.table, rule)).get(one_cohort.QUICK_SCORES, "sbp")
    assert mine.estimates["mae"].value == pytest.approx(left.estimates["mae"].value, abs=1e-12)
    assert scores._rule(study, "scatter", "sbp", "", ["C001"]) is None, "one point is no selection"


def test_one_person_has_no_interval_and_the_reason_is_said(filled, clinic, page):
    key = filled.keep_selection("Clinic", Rule(level="patient", names=("C002",))).key
    shown = text_of(page("evaluate", cohort=clinic.cohort.key, target="sbp", selection=key))
    assert "**1 person · 2 photographs**" in shown
    table = selected(filled.table("Clinic"), Rule(level="patient", names=("C002",)))
    note = Study.of(table).get(one_cohort.QUICK_SCORES, "sbp").estimates["mae"].note
    assert note
    assert note in shown


def test_a_selection_is_compared_with_its_rest(filled, clinic, page):
    key = filled.keep_selection("Clinic", SOME).key
    app = page("compare", cohorts=[key, f"{key}{current_selection.REST}"], target="sbp")
    view = current_selection.applied(clinic, current_selection.find(key))
    rest = current_selection.applied(clinic, current_selection.find(f"{key}{current_selection.REST}"))
    people = [set(evaluation.person_ids(studies.study(each).table)) for each in (view, rest)]
    assert not people[0] & people[1]
    assert len(people[0] | people[1]) == 30
    assert "drawn once" not in text_of(app)
    assert len(app.get("plotly_chart")) == 3


def test_a_saved_cohort_holds_the_selection_and_is_nobodys_default(fresh, page, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    key = fresh.keep_selection("Clinic", SOME).key
    app = page("evaluate", selection=key)
    app.text_input(key=f"cohort-of-{key}").set_value("Half").run()
    app.button(key="save-selection").click().run()
    assert fresh.cohort("Half").photographs == 30
    assert fresh.cohort("Half").selected_from == "Clinic"
    assert page("evaluate").query_params["cohort"] == fresh.cohort("Clinic").key
    whole, half = (fresh.table(name).predicted["sbp"] for name in ("Clinic", "Half"))
    assert np.nansum(selected(fresh.table("Clinic"), SOME).predicted["sbp"]) == pytest.approx(np.nansum(half))
    assert len(whole) == 60


def test_a_selection_is_named_and_the_name_is_taken_once(fresh, page, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    one, other = (fresh.keep_selection("Clinic", rule).key for rule in (SOME, Rule(eye="left")))
    app = page("evaluate", selection=one)
    app.text_input(key=f"call-{one}").set_value("Some").run()
    app.button(key=f"called-{one}").click().run()
    assert fresh.selection(one).name == "Some"
    app = page("evaluate", selection=other)
    app.text_input(key=f"call-{other}").set_value("Some").run()
    app.button(key=f"called-{other}").click().run()
    assert "a selection 'Some' already" in app.error[0].value
    assert "Clinic: Some" in page("compare").button_group(key="compared").options


def test_a_link_to_what_is_gone_or_anothers_says_so(fresh, page, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    put_cohort(fresh, "Van", seed=2)
    clinic, van = fresh.cohort("Clinic").key, fresh.cohort("Van").key
    key = fresh.keep_selection("Clinic", SOME).key
    for name, link in (
        ("evaluate", {"cohort": van, "selection": key}),
        ("explore", {"cohort": clinic, "selection": "0" * 20}),
        ("compare", {"cohorts": [clinic, "0" * 20]}),
    ):
        app = page(name, **link)
        assert "is not here" in app.warning[0].value
        assert not app.get("plotly_chart")
    fresh.delete("Clinic")
    for link in ({"cohort": clinic, "selection": key}, {"selection": key}):
        assert "is not here" in page("evaluate", **link).warning[0].value
