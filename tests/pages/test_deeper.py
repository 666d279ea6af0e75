"""The pages that go beyond the scores: criteria, sample size, and cohorts beside each other and the literature."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from fundus_core.analyses import labels, side_by_side
from fundus_core.evaluation import people_for_mae, people_for_r2
from fundus_core.figures import heading
from fundus_core.records import Eye, Prediction
from fundus_core.store import (
    Finding,
    ModelVersion,
    NewPhotograph,
    TruthRow,
    Where,
    cohorts,
    prediction_table,
    schema,
    versions,
)
from pages.parts.shared import studies
from pages.parts.shared.studies import View
from pages.parts.shell import home
from tests.evaluation.conftest import assess_cohort

PEOPLE = 60
CENTRE = {"sbp": (128, 17), "dbp": (76, 11), "glucose": (97, 14), "waist": (83, 11)}
FIRST, SECOND = ModelVersion("model-one", "a" * 64, "b" * 64), ModelVersion("model-two", "c" * 64, "d" * 64)


def put(store, name, *, seed, truth=True, models=(FIRST,)):
    """Both eyes of sixty people, numbered alike in every cohort."""
    rng = np.random.default_rng(seed)
    cohort = store.create_cohort(name)
    added, rows, found = [], [], {model: [] for model in models}
    for person in range(PEOPLE):
        values = {key: float(rng.normal(*of)) for key, of in CENTRE.items()} | {"sex": float(person % 2)}
        for eye in (Eye.RIGHT, Eye.LEFT):
            kept = store.keep(f"{name} {person} {eye}".encode())
            added.append(
                NewPhotograph.of_kept(f"{person:03d}_{eye.value}.jpg", kept, patient_id=f"{person:03d}", eye=eye)
            )
            rows.append(TruthRow(added[-1].name, values, {}, f"{person:03d}", eye))
            for model in models:
                said = {key: values[key] + float(rng.normal(0, 0.5 * of[1])) for key, of in CENTRE.items()}
                predictions = {key: Prediction(value, np.nan, np.nan) for key, value in said.items()}
                found[model].append(Finding(kept.sha256, "predicted", "", "", 0.9, 0.5, "float32", predictions))
    store.add_photographs(cohort.id, added)
    if truth:
        store.set_truth(cohort.id, rows)
    with store.writing() as connection:
        for model in models:
            version = versions.version_id(connection, model)
            prediction_table.write(connection, version, found[model])
            prediction_table.attach(connection, version, schema.photograph.c.cohort_id == cohort.id)
        cohorts.update(connection, cohort.id)


@pytest.fixture(scope="module")
def clinics(tmp_path_factory):
    """Two clinics with truth, one of them read by two models, and two vans without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDUS_LAB_HOME", str(tmp_path_factory.mktemp("clinics")))
        patch.setattr("fundus_core.runs.ensure_worker", lambda store: None)
        store = home.store()
        put(store, "North", seed=1, models=(FIRST, SECOND))
        put(store, "South", seed=2)
        put(store, "Van 1", seed=3, truth=False)
        put(store, "Van 2", seed=4, truth=False)
        for one, other in combinations(store.cohorts(), 2):
            store.keep_document(one.id, "same_people", other.key, {"same": False})
        yield store


def words(app) -> str:
    kinds = ("title", "subheader", "caption", "markdown", "info")
    said = [str(element.value) for kind in kinds for element in app.get(kind)]
    return "\n".join(said + [each.label for each in app.expander])


def analyses(app) -> list[str]:
    """What the fold of all analyses offers."""
    return next(each.options for each in app.selectbox if each.label == "Analysis")


def tables(app) -> str:
    return "\n".join(frame.value.to_csv() for frame in app.dataframe)


def test_the_criteria_page_shows_what_the_evaluation_says(clinics, page):
    app = page("criteria", ["criteria"], cohort="South", criterion="large_waist")
    found = assess_cohort(clinics.table("South"), "large_waist")
    shown = {each.label: each.value for each in app.metric}
    assert shown["Observed prevalence"] == f"{100 * found.judged.prevalence.value:.1f} %"
    assert shown[heading(labels.word("expected").short)] == f"{100 * found.judged.expected.value:.1f} %"
    assert f",{found.measured.yes},{found.measured.no},{found.measured.indeterminate}," in tables(app)
    assert "calls too few people positive" in words(app)
    assert len(app.get("plotly_chart")) == 4, "discrimination, calibration, decisions; and all criteria"


def test_a_cohort_without_the_targets_of_any_criterion_says_so(clinics, page):
    assert "No criterion can be told" in words(page("criteria", cohort="Van 1"))


def test_the_planner_starts_from_the_cohort_and_follows_the_numbers(clinics, page):
    app = page("planner", cohort="South")
    mae = studies.scores(View(clinics.cohort("South"), FIRST.model)).targets["sbp"].estimates["mae"].value
    assert app.number_input(key="mae-sbp").value == pytest.approx(mae, abs=1e-3)
    app.number_input(key="r2-sbp").set_value(0.3).run()
    assert app.metric[1].value == f"{people_for_r2(0.3, 0.1).people:,}"


def test_the_planner_without_a_cohort_starts_from_published_errors(fresh, page):
    app = page("planner")
    assert app.number_input(key="mae-sbp").value == 10.34
    spread = app.number_input(key="sd-sbp").value
    assert app.metric[0].value == f"{people_for_mae(10.34, 1.0, spread).people:,}"
    assert "published error of the JOIR model" in words(app)


def test_equal_ids_of_two_clinics_are_two_people_on_the_page(clinics):
    views = [View(clinics.cohort(name), FIRST.model) for name in ("North", "South")]
    study = studies.together(views)
    both = study.tables
    assert not set(both["North"].patient_id) & set(both["South"].patient_id)
    assert study.get(side_by_side.COMPARISON, "sbp").in_both == {("North", "South"): 0}


def test_two_cohorts_stand_beside_the_literature_and_recalibrated(clinics, page):
    app = page("compare", cohorts=["North", "South"], analysis="recalibration")
    said = tables(app)
    assert "context, not a ranking" in words(app)
    assert "MAE recalibrated" in said
    assert "were used to fit" not in said
    assert "Equivalence" not in analyses(app)


def test_a_margin_tests_for_equivalence(clinics, page):
    app = page("compare", cohorts=["North", "South"], margin_sbp="25", analysis="equivalence")
    assert "Equivalence" in analyses(app)
    assert "within 25 mmHg" in tables(app)
    assert "not shown" not in tables(app)


def test_cohorts_without_truth_are_compared_by_their_predictions(clinics, page):
    app = page("compare", cohorts=["Van 1", "Van 2"])
    assert "No cohort has measured values" in words(app)
    assert "Shift in predictions" in words(app)
    assert "PSI" in tables(app)


def test_two_models_and_two_eyes_are_compared_on_the_evaluate_page(clinics, page):
    app = page("evaluate", cohort="North")
    assert "Model against model" in words(app)
    assert "Right and left eye" in analyses(page("evaluate", cohort="North", analysis="eyes"))
    assert "Paired t test" in words(app)
    assert "Model against model" not in [each.label for each in page("evaluate", cohort="South").expander]


@pytest.mark.parametrize("margin", ["", "-1", "much", "1e9", "nan"])
def test_a_margin_that_makes_no_sense_is_passed_over(clinics, page, margin):
    page("compare", cohorts=["North", "South"], margin_sbp=margin)


def warnings(app) -> str:
    return "\n".join(str(element.value) for element in app.warning)


def test_cohorts_are_compared_under_the_model_that_read_most_of_them(clinics, page):
    app = page("compare", cohorts=["North", "South"])
    assert app.query_params["compared_model"] == FIRST.model
    assert "Read by different models" not in warnings(app)


def test_a_cohort_that_the_chosen_model_has_not_read_is_said_to_be_read_by_another(clinics, page):
    app = page("compare", cohorts=["North", "South"], compared_model=SECOND.model)
    assert app.query_params["compared_model"] == SECOND.model
    assert f"North: {SECOND.model}; South: {FIRST.model}" in warnings(app)


def test_the_page_shows_the_difference_that_numpy_gives(clinics, page):
    errors = []
    for name in ("North", "South"):
        table = clinics.table(name, [FIRST.model])
        off = (table.predicted["sbp"] - table.truth["sbp"]).reshape(PEOPLE, 2).mean(axis=1)
        errors.append(np.abs(off))
    difference = errors[0].mean() - errors[1].mean()
    spread = np.sqrt(sum(each.var(ddof=1) / PEOPLE for each in errors))
    parts = [each.var(ddof=1) / PEOPLE for each in errors]
    free = sum(parts) ** 2 / sum(part**2 / (PEOPLE - 1) for part in parts)
    reach = stats.t.ppf(0.975, free) * spread
    shown = ", ".join(
        f"{value:+.2f}".replace("-", "−") for value in (difference, difference - reach, difference + reach)
    )
    value, low, high = shown.split(", ")
    app = page(
        "compare",
        ["analyses"],
        cohorts=["North", "South"],
        compared_model=FIRST.model,
        target="sbp",
        analysis="differences",
    )
    assert f"{value} ({low} to {high})" in tables(app)


def test_a_cohort_that_no_model_has_read_is_left_out_and_named(clinics, page):
    clinics.create_cohort("Unread")
    app = page("compare", cohorts=["North", "South", "Unread"])
    assert "No model has read Unread yet" in words(app)
    clinics.delete("Unread")


def test_a_selection_of_a_cohort_shares_its_people(clinics, page):
    clinics.select("North", "Some of North", Where(text="00"))
    app = page("compare", ["analyses"], cohorts=["North", "Some of North"], analysis="differences")
    assert "share 10 people" in words(app)
    assert "Wald test" in words(app)
    clinics.delete("Some of North")


def test_at_most_five_cohorts_stand_side_by_side(clinics, page):
    extra = [f"Extra {n}" for n in range(3)]
    for name in extra:
        clinics.create_cohort(name)
    app = page("compare", cohorts=["North", "South", "Van 1", *extra])
    assert "At most 5 cohorts" in words(app)
    for name in extra:
        clinics.delete(name)
