"""Every page in an empty store, with cohorts, filtered, and with an address that makes no sense."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from fundus_core import analyses, evaluation
from fundus_core.analyses import Study
from fundus_core.figures.printing import fonts
from fundus_core.targets import TARGETS
from pages.parts.shared import display
from pages.parts.shell import home
from pages.parts.shell.language import literal

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "overview",
    "new_cohort",
    "cohorts",
    "evaluate",
    "compare",
    "criteria",
    "explore",
    "one_photograph",
    "models",
    "planner",
    "present",
)


def words(app) -> str:
    """Everything that a page says."""
    kinds = ("title", "subheader", "caption", "markdown", "info", "warning", "error", "success")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_store_says_what_to_do(fresh, page, name):
    app = page(name)
    assert app.title[0].value
    if name in ("evaluate", "criteria", "explore", "present", "one_photograph", "cohorts"):
        assert "There is no cohort yet" in words(app)


def test_the_overview_says_what_the_newest_cohort_found(filled, page):
    """Its name, each target's error with its interval, and what the error must be held against; the other is a link."""
    said = words(page("overview"))
    assert "**Van**" in said
    assert "**Clinic**" not in said
    found = analyses.evaluated(Study.of(filled.table("Van", ["tests-own"])))
    for name, result in found.targets.items():
        error = result.estimates[analyses.main_score(TARGETS[name])]
        scale = 100 if TARGETS[name].binary else 1
        decimals = 1 if TARGETS[name].binary else 2
        for number in (error.value, error.low, error.high):
            assert f"{scale * number:.{decimals}f}" in said
    assert "Other cohorts" in said


@pytest.mark.parametrize("name", ["evaluate", "present"])
def test_a_machine_without_japanese_letters_is_said(filled, page, name, monkeypatch):
    """No font package and no font of the machine: the page names the letters and what keeps them; nothing warns."""
    assert "pip install matplotlib-fontja" not in words(page(name, lang="ja"))
    monkeypatch.setattr(fonts, "_files", lambda asked: tuple(fonts._carried())[:1])
    assert "pip install matplotlib-fontja" in words(page(name, lang="ja"))
    assert "pip install matplotlib-fontja" not in words(page(name, lang="en"))


OPEN_ALL = """
import re
import sys
from functools import cache
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from fundus_core import evaluation
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
evaluation.NUMBER_OF_DRAWS = 20
for name in sys.argv[2:]:
    app = AppTest.from_file(sys.argv[1], default_timeout=60)
    app.query_params["lang"] = "ja"
    (app if name == "overview" else app.switch_page(f"../{name}.py")).run()
    assert not app.exception, app.exception
    assert app.title[0].value
    said = "".join(str(each.value) for kind in ("title", "subheader", "caption", "markdown") for each in app.get(kind))
    assert re.search("[\\u3040-\\u30ff\\u4e00-\\u9fff]", said), (name, said)
print(",".join(sorted({"torch", "timm", "openvino", "keras"} & set(sys.modules))))
"""


def test_every_page_opens_with_cohorts_in_the_store_in_japanese_and_none_imports_torch(filled):
    """In a process of its own, as the page server is."""
    frame = ROOT / "pages" / "parts" / "frame.py"
    command = [sys.executable, "-c", OPEN_ALL, str(frame), *PAGES]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.strip() == "", done.stderr[-2000:]
    assert done.returncode == 0, done.stderr[-2000:]


def metric(app, label: str) -> str:
    """The error that stands on a target's button."""
    return next(
        text for text in app.button_group(key="pick_target_segmented_control").options if text.startswith(label)
    )


def test_the_cards_show_the_mae_that_the_evaluation_gives(filled, page):
    app = page("evaluate", cohort="Clinic")
    expected = evaluation.evaluate(filled.table("Clinic"), level="patient").targets
    assert metric(app, "SBP") == f"SBP MAE **{expected['sbp'].estimates['mae'].value:.2f}**"
    assert metric(app, "BMI") == f"BMI MAE **{expected['bmi'].estimates['mae'].value:.2f}**"
    assert metric(app, "sex") == f"sex accuracy **{100 * expected['sex'].estimates['accuracy'].value:.1f} %**"


def test_the_level_in_the_address_changes_the_numbers(filled, page):
    app = page("evaluate", cohort="Clinic", level="photograph")
    expected = evaluation.evaluate(filled.table("Clinic"), level="photograph").targets["sbp"]
    assert metric(app, "SBP") == f"SBP MAE **{expected.estimates['mae'].value:.2f}**"
    assert any(literal(f": MAE {expected.estimates['mae'].value:.2f} mmHg (") in each.value for each in app.subheader)


@pytest.mark.parametrize(
    ("figure", "target"),
    [
        *((figure, "sbp") for figure in ("scatter", "agreement", "calibration", "errors", "residuals", "subgroups")),
        *((figure, "sex") for figure in ("scatter", "calibration", "subgroups")),
    ],
)
def test_every_figure_of_every_kind_of_target_is_drawn(filled, page, figure, target):
    app = page("evaluate", cohort="Clinic", target=target, by="site")
    app.selectbox(key="pick_figure_selectbox").set_value(figure).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) >= 1


def test_the_chosen_target_outlives_a_change_of_page(filled, page):
    app = page("evaluate", cohort="Clinic", target="bmi")
    app.switch_page("../explore.py").run()
    app.switch_page("../evaluate.py").run()
    assert app.query_params["target"] == "bmi"
    assert app.query_params["cohort"] == filled.cohort("Clinic").key


def test_rendered_photographs_are_said_to_be_rendered(filled, page):
    assert display.RENDERED in words(page("evaluate", cohort="Van"))
    assert display.RENDERED not in words(page("evaluate", cohort="Clinic"))


def test_every_row_of_an_export_of_rendered_photographs_says_so(filled):
    from pages.parts.shared.studies import View

    text = display.csv_text(
        [{"a": 1, "note": "few people"}, {"a": 2, "note": ""}], View(filled.cohort("Van"), "tests-own")
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["note"] for row in rows] == [f"few people {display.RENDERED}", display.RENDERED]


def test_the_gallery_shows_what_was_refused_and_why(filled, page):
    app = page("explore", cohort="Clinic", status="refused")
    assert "6 photographs fit" in words(app)
    assert "Too blurred; take it again." in words(app)


def test_one_photograph_shows_its_values_beside_what_was_measured(filled, page):
    app = page("one_photograph", cohort="Clinic", photograph="C000_right.jpg")
    item = filled.photograph("Clinic", "C000_right.jpg")
    assert f"{item.predictions['sbp'].value:.1f} mmHg" in [metric.value for metric in app.metric]
    assert f"measured: {item.truth['sbp']:.1f}" in words(app)
    assert f"measured: {'female' if item.truth['sex'] else 'male'}" in words(app)


def test_cohorts_are_compared_with_test_and_correction(filled, page):
    app = page("compare")
    assert len(app.get("plotly_chart")) == 3, "each cohort's predicted against true, and the forest"
    assert "Differences" in words(app)
    assert "difference in MAE" in words(app) or "MAE \\(mmHg\\) is " in words(app)


@pytest.mark.parametrize(
    ("level", "names", "expected"),
    [
        ("patient", ["C001"], ["C001_right.jpg", "C001_left.jpg"]),
        ("eye", ["C001 · left"], ["C001_left.jpg"]),
        ("photograph", ["C001_right.jpg"], ["C001_right.jpg"]),
    ],
)
def test_a_lasso_finds_the_photographs_behind_its_points(filled, level, names, expected):
    from pages.parts.shared import studies

    view = studies.View(filled.cohort("Clinic"), "tests-own")
    assert sorted(studies.study(view, level).behind(names)) == sorted(expected)


def test_a_wrong_card_of_the_user_is_said_and_takes_no_page_down(fresh, page, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    card = home.folder() / "models" / "mine" / "card.toml"
    card.parent.mkdir(parents=True)
    card.write_text("id = 3", encoding="utf-8")
    assert "card.toml" in words(page("models"))
    assert metric(page("evaluate"), "SBP")
