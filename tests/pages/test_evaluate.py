"""The evaluate and explore pages: the eyes beside a figure, whom the model reads alike, and what can be taken along."""

import json

import pytest

from fundus_core import evaluation
from fundus_core.analyses import nearest, one_cohort
from fundus_core.analyses.labels import word
from fundus_core.figures import WEBGL_POINTS
from fundus_core.store import Ids, Where
from pages.parts import explore
from pages.parts.evaluate import scores
from pages.parts.shared import studies
from pages.parts.shared.studies import View
from pages.parts.shell import home


def words(app) -> str:
    """Everything that a page says."""
    kinds = ("title", "subheader", "caption", "markdown", "info", "error")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def chosen(app) -> str:
    """Who is shown beside the figure: the one name that stands alone in bold; what is a sentence is no name."""
    bold = [text for each in app.markdown if (text := str(each.value)).startswith("**") and text.count("*") == 4]
    (name,) = [text for text in bold if not text.endswith(".**")]
    return name.strip("*")


def alike(app) -> list:
    """The buttons that open the photographs that the model reads alike."""
    return [button for button in app.button if str(button.key).startswith("alike-")]


def test_the_largest_error_is_shown_until_somebody_is_chosen(filled, page):
    app = page("evaluate", cohort="Clinic", target="sbp")
    view = View(home.store().cohort("Clinic"), "tests-own")
    study = studies.study(view, "patient")
    order = study.sample("sbp")[1][study.by_error("sbp")]
    assert chosen(app) == order[0]
    assert "Largest error" in words(app)
    assert app.button(key="eye-P").disabled
    app.button(key="eye-N").click().run()
    assert chosen(app) == order[1]
    app.button(key="eye-P").click().run()
    assert chosen(app) == order[0]


def test_a_neighbour_is_opened_by_a_click_and_left_again(filled, page):
    app = page("evaluate", cohort="Clinic", target="sbp")
    before, button = chosen(app), alike(app)[0]
    app = button.click().run()
    assert not app.exception
    assert chosen(app) == button.label != before
    assert "Selected" in words(app)
    (close,) = [each for each in app.button if each.help == "Back to the largest error"]
    assert chosen(close.click().run()) == before


def test_who_was_chosen_stays_while_the_target_changes(filled, page):
    app = page("evaluate", cohort="Clinic", target="sbp")
    button = alike(app)[0]
    app = button.click().run()
    app = app.button_group(key="pick_target_segmented_control").set_value("bmi").run()
    assert chosen(app) == button.label
    assert "kg/m²" in words(app)


@pytest.mark.parametrize(("level", "ending"), [("patient", ""), ("eye", " · right"), ("photograph", "_right.jpg")])
def test_a_neighbour_is_named_as_the_level_counts(filled, page, level, ending):
    app = page("evaluate", cohort="Clinic", target="sbp", level=level)
    labels = [button.label for button in alike(app)]
    assert labels
    assert any(label.endswith(ending) for label in labels)


def test_neighbours_are_other_people_and_the_nearest(filled, page):
    view = View(home.store().cohort("Clinic"), "tests-own")
    among = evaluation.standardised_predictions(studies.study(view).table)
    names, distances, targets = nearest(studies.study(view), "C000_right.jpg", 6)
    assert targets == 4
    assert all(not name.startswith("C000_") for name in names)
    expected, _distance = evaluation.nearest_neighbours(among, "C000_right.jpg", 6)
    assert names == expected.tolist()
    assert distances == sorted(distances)


def test_the_interval_and_the_quality_stand_beside_an_eye(filled, page):
    said = words(page("evaluate", cohort="Clinic", target="sbp"))
    assert "90 % prediction interval:" in said
    assert "quality 0.90 · distance 0.50" in said


def test_a_figures_table_is_shown_on_request(filled, page):
    app = page("evaluate", cohort="Clinic", target="sbp")
    (switch, *_others) = [each for each in app.toggle if str(each.key).startswith("table-scatter-sbp")]
    shown = len(app.dataframe)
    app = switch.set_value(True).run()
    assert not app.exception
    assert len(app.dataframe) == shown + 1
    table = app.dataframe[0].value
    *_band, trace, ring = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert table["name"].tolist() == trace["customdata"]
    shown = next(name for name in trace["customdata"] if f"**{name}**" in words(app))
    row = table[table["name"] == shown].iloc[0].tolist()
    assert ring["x"][0] in row
    assert ring["y"][0] in row, "who stands beside the figure has a ring"


@pytest.mark.parametrize("what", ["scatter", "agreement", "calibration", "errors", "residuals", "subgroups"])
def test_every_figure_can_be_taken_along(filled, page, what):
    app = page("evaluate", cohort="Clinic", target="sbp", figure=what, by="site")
    keys = [str(element.proto.id) for element in app.get("download_button")]
    for kind in ("CSV", "PNG", "SVG"):
        assert any(f"{kind}-{what}-sbp" in key for key in keys), keys


def test_every_estimate_is_explained_or_says_itself(filled):
    view = View(home.store().cohort("Clinic"), "tests-own")
    names = [name for target in ("sbp", "sex") for name in studies.study(view).get(one_cohort.SCORES, target).estimates]
    plain = {"interval_width", "loa_high", "accuracy", "sensitivity", "specificity"}
    assert {name for name in names if not word(name).says and not name.startswith("within_")} <= plain
    assert all(word(name).name != name or name.startswith("within_") for name in names if name not in plain)


def test_the_chosen_target_has_the_intervals_of_a_whole_evaluation(filled):
    view = View(home.store().cohort("Clinic"), "tests-own")
    whole = evaluation.evaluate(studies.study(view).table, ranked=False)
    found = studies.scored(view, "patient", "bmi")
    assert list(found.targets) == list(whole.targets)
    assert found.targets["bmi"] == whole.targets["bmi"]
    assert found.targets["sbp"].estimates["mae"].value == whole.targets["sbp"].estimates["mae"].value
    assert found.targets["sbp"].estimates["mae"].low is None


def test_a_density_is_explained():
    assert "Shaded" in scores.explanation("scatter", "sbp", WEBGL_POINTS + 1)
    assert "Shaded" not in scores.explanation("scatter", "sbp", WEBGL_POINTS)
    assert "Shaded" not in scores.explanation("calibration", "sbp", WEBGL_POINTS + 1)


def test_two_cohorts_of_one_number_never_share_results(fresh, put_cohort, page):
    """SQLite gives the number of a deleted cohort again."""
    put_cohort(fresh, "Clinic", seed=1)
    before = View(fresh.cohort("Clinic"), "tests-own")
    first = studies.point_estimates(before).targets["sbp"].estimates["mae"].value
    fresh.delete("Clinic")
    put_cohort(fresh, "Clinic", seed=1, bias=9.0)
    after = View(fresh.cohort("Clinic"), "tests-own")
    assert (after.cohort.id, after.cohort.revision) == (before.cohort.id, before.cohort.revision)
    assert studies.point_estimates(after).targets["sbp"].estimates["mae"].value > first + 2


def test_the_gallery_is_filtered_by_quality(filled, page):
    app = page("explore", cohort="Clinic", quality="0.5")
    assert "53 photographs fit" in words(app)  # six are refused with a quality of 0.2, one failed unmeasured
    assert app.selectbox(key="pick_quality_selectbox").value == "0.5"


def test_cards_of_the_gallery_say_the_error_the_largest_first(filled, page):
    app = page("explore", cohort="Clinic", target="sbp")
    said = [str(each.value) for each in app.markdown if "error" in str(each.value)]
    sizes = [abs(float(text.split("error ")[1].split()[0].replace("−", "-"))) for text in said]
    assert len(sizes) == explore.PER_PAGE
    assert sizes == sorted(sizes, reverse=True)


def test_a_page_behind_the_last_one_goes_back_to_the_first(filled, page):
    app = page("explore", cohort="Clinic", page="99")
    app.button(key="go-on").click().run()
    assert "No photograph fits" not in words(app)
    assert "60 photographs fit" in words(app)


def test_a_search_is_in_the_address(filled, page):
    app = page("explore", cohort="Clinic", find="C003")
    assert "2 photographs fit" in words(app)


def test_a_cohort_that_another_tab_deleted_meanwhile_takes_no_page_down(fresh, put_cohort, page):
    put_cohort(fresh, "Clinic", seed=1)
    app = page("evaluate", cohort="Clinic", target="sbp")
    button = alike(app)[0]
    fresh.delete("Clinic")
    app = button.click().run()
    assert not app.exception
    assert "Clinic" in app.warning[0].value
    app.button(key="go-on").click().run()
    assert "There is no cohort yet" in words(app)


@pytest.mark.parametrize("name", ["evaluate", "criteria", "explore", "planner"])
def test_a_cohort_without_measured_values_says_what_is_missing(fresh, put_cohort, page, name):
    put_cohort(fresh, "Clinic", seed=1)
    fresh.set_truth("Clinic", [])
    app = page(name, cohort="Clinic")
    assert not app.exception
    missing = {"evaluate": "both a prediction and a measured value", "criteria": "No criterion can be told"}
    assert missing.get(name, "Clinic" if name == "explore" else "published error") in words(app)


@pytest.mark.parametrize("name", ["evaluate", "criteria", "explore", "planner"])
def test_a_single_person_takes_no_page_down(fresh, put_cohort, page, name):
    put_cohort(fresh, "Clinic", seed=1)
    fresh.select("Clinic", "One", Where(patient_id="C001"), model="tests-own")
    assert not page(name, cohort="One", by="site", figure="subgroups").exception


@pytest.mark.parametrize("what", ["scatter", "agreement", "calibration", "errors", "residuals"])
def test_a_single_photograph_is_drawn(fresh, put_cohort, page, what):
    put_cohort(fresh, "Clinic", seed=1)
    fresh.select("Clinic", "One", Where(names=("C001_right.jpg",)), model="tests-own")
    app = page("evaluate", cohort="One", figure=what)
    assert chosen(app) == "C001"
    assert not alike(app), "nobody else is there"


def test_the_eye_chosen_on_one_page_is_the_chosen_one_on_the_others(filled, page):
    app = page("evaluate", cohort="Clinic", target="sbp")
    app.button(key="eye-N").click().run()
    person = chosen(app)
    app.switch_page("../explore.py").run()
    assert not app.exception
    assert words(app).count("chosen last") == 1
    other = next(box for box in app.checkbox if person not in item_of(box))
    other.check().run()
    app.switch_page("../evaluate.py").run()
    assert f"**{item_of(other).split('_')[0]}**" in words(app)
    assert "Selected" in words(app)


def item_of(box) -> str:
    """The photograph whose card a tick stands on."""
    number = int(box.key.split("-")[1])
    view = home.store().cohort("Clinic")
    return home.store().photographs(view.id, Where(ids=Ids.of([number]))).items[0].name
