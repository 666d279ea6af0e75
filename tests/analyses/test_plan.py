"""An analysis plan: read from a small file, each fault one sentence; planned and exploratory kept apart."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fundus_core.analyses import Settings, Study, one_cohort, plan_results
from fundus_core.analyses.plan import ORDER_DECLARED, AnalysisPlan, StatedPlan
from fundus_core.analyses.plan_reader import read_plan
from fundus_core.errors import UsageError
from fundus_core.evaluation import from_values

GOOD = """
title = "External validation"
written_by = "A. Researcher"
targets = ["sbp", "dbp"]
main_estimate = "mae"
subgroups = ["sex", "site"]
margins = { sbp = "2 mmHg" }

[[family]]
name = "primary"
tests = ["baseline", "equivalence"]
targets = ["sbp"]

[[family]]
name = "fairness"
tests = ["subgroups"]

[[success]]
target = "sbp"
estimate = "mae"
below = "12 mmHg"

[[success]]
target = "sbp"
test = "baseline"

[[success]]
target = "sbp"
estimate = "r2"
above = 0.99
"""

FAULTS = {
    "title = 3": "'title' is 3; it must be a line of text",
    'targets = ["spb"]': "plan.toml: 'targets' is 'spb'; it must be one of sbp",
    "targets = []": "a list with at least one of sbp",
    'main_estimate = "mean"': "'main_estimate' is 'mean'; it must be one of mae",
    'unit_of_analysis = "person"': "it must be one of patient, visit, eye, photograph",
    "margins = { sbp = 2 }": "'margins.sbp' is 2; it must be a number with one of the units mmHg",
    'margins = { sbp = "2 stone" }': "is '2 stone'; it must be a number with one of the units mmHg",
    'margins = { sbp = "-2 mmHg" }': "it must be above zero",
    'margins = { dbp = "x mmHg" }': "it must be a number with its unit",
    'subgroups = "sex"': "must be a list of words",
    'colour = "red"': "has the unknown key 'colour'; the keys are",
    'success = "yes"': "'success' is 'yes'; it must be a list",
}


def changed(line):
    """The plan with one line in the place of the one of its key."""
    key = line.split(" ")[0]
    kept = [each for each in GOOD.splitlines() if not each.startswith(f"{key} =")]
    if key == "success":
        kept = "\n".join(kept).split("[[success]]")[0].splitlines()
    return "\n".join([line, *kept]).encode()


@pytest.mark.parametrize("line", FAULTS)
def test_a_wrong_plan_is_refused_in_one_clear_sentence(line):
    with pytest.raises(UsageError) as fault:
        read_plan(changed(line))
    assert FAULTS[line] in str(fault.value)
    assert "\n" not in str(fault.value)


TABLES = {
    '[[success]]\ntarget = "sbp"\nestimate = "mea"\nbelow = 3': "'mea'; it must be mae, rmse",
    '[[success]]\ntarget = "sbp"\nestimate = "mae"\nbelow = 3': "one of the units",
    '[[success]]\ntarget = "sbp"\nestimate = "mae"': "a table with either below or above",
    '[[success]]\ntarget = "waist"\ntest = "baseline"': "'success[3].target'",
    '[[success]]\ntarget = "dbp"\ntest = "baseline"': "no family holds it",
    '[[family]]\ntests = ["baseline"]': "name' is not given",
    '[[family]]\nname = "x"\ntests = ["t"]': "it must be one of baseline",
    '[[family]]\nname = "x"\ntests = []': "tests' is []; it must be a list with at least one of baseline",
    '[[family]]\nname = "primary"\ntests = ["baseline"]': "have one name",
    '[[family]]\nname = "x"\ntests = ["equivalence"]\ntargets = ["dbp"]': "state margins, or leave the test out",
}


@pytest.mark.parametrize("table", TABLES)
def test_a_wrong_table_of_a_plan_is_refused(table):
    with pytest.raises(UsageError) as fault:
        read_plan(f"{GOOD}\n{table}\n".encode())
    assert TABLES[table] in str(fault.value)


def test_what_is_no_toml_and_what_is_too_large_is_refused():
    for data, said in ((b"title", "not readable TOML"), (b"\xff\xfe", "not readable TOML"), (b"#" * 70_000, "at most")):
        with pytest.raises(UsageError, match=said):
            read_plan(data)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_strangers_bytes_are_a_plan_or_a_sentence(data):
    try:
        assert isinstance(read_plan(data), AnalysisPlan)
    except UsageError as fault:
        assert str(fault)  # noqa: PT017 - either is right


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["targets", "main_estimate", "margins", "subgroups", "family", "success", "unit_of_analysis"]),
    st.sampled_from(
        ["1", "true", '"x"', "[]", "{}", "[1]", "[[1]]", "{a = 1}", "[{}]", '[{name = "a"}]', "1979-05-27"]
    ),
)
def test_a_value_of_any_kind_in_any_place_is_a_plan_or_a_sentence(key, value):
    try:
        assert isinstance(read_plan(changed(f"{key} = {value}").replace(b"[[success]]", b"[[success]]")), AnalysisPlan)
    except UsageError as fault:
        assert str(fault)  # noqa: PT017


def test_the_hash_is_that_of_the_file_and_other_units_are_understood():
    plan = read_plan(GOOD.encode())
    assert plan.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    assert plan.margins == {"sbp": 2.0}
    inches = GOOD.replace('"dbp"]', '"waist"]').replace('sbp = "2 mmHg"', 'waist = "1 in"')
    made = read_plan(inches.replace('"equivalence"', '"baseline"').encode())
    assert made.margins["waist"] == pytest.approx(2.54)


def cohort(n=60, *, sites=2, seed=0):
    rng = np.random.default_rng(seed)
    truth = 125 + 17 * rng.standard_normal(n)
    predicted = 125 + 0.8 * (truth - 125) + 8 * rng.standard_normal(n)
    one = from_values("sbp", truth, predicted, sex=np.arange(n) % 2)
    return replace(one, covariates={"site": np.array([f"S{k % sites}" for k in range(n)])})


def stated(text=GOOD, **more):
    return StatedPlan(read_plan(text.encode()), order=ORDER_DECLARED, **more)


@pytest.fixture(scope="module")
def study():
    table = cohort()
    return plan_results.with_plan(Study.of(table, Settings(draws=20)), stated())


def test_planned_tests_are_corrected_and_all_others_explored(study):
    rows = study.rows(one_cohort.BASELINES)
    assert [(row["score"], row["p_adjusted"] is None, row["q"] is None) for row in rows] == [
        ("mae", False, True),
        ("rmse", True, False),
    ]
    table = study.rows(plan_results.PLANNED)
    assert [(row["what"], row["family"]) for row in table][:3] == [
        ("main estimate", ""),
        ("model minus the best constant", "primary"),
        ("equivalence, with its 90 % interval", "primary"),
    ]
    assert {row["by"] for row in table if row["family"] == "fairness"} == {"sex", "site"}


def test_equivalence_of_the_means_equals_scipy(study):
    (row,) = study.rows(plan_results.MEANS_EQUIVALENT, "sbp")
    table = study.table
    error = table.predicted["sbp"] - table.truth["sbp"]
    low = stats.ttest_1samp(error, -2.0, alternative="greater").pvalue
    high = stats.ttest_1samp(error, 2.0, alternative="less").pvalue
    assert row["p"] == pytest.approx(max(low, high), rel=1e-9)
    assert (row["low"], row["high"]) == pytest.approx(stats.ttest_1samp(error, 0).confidence_interval(0.9), rel=1e-9)


def test_success_is_judged_by_each_criterion(study):
    judged = study.get(plan_results.SUCCESS)
    assert [one.verdict for one in judged] == ["met", "met", "not met"]
    assert plan_results.success_in_words(study) == "Success as planned: not met; 2 of 3 criteria."


def test_what_was_planned_and_not_done_is_named_with_its_reason(study):
    found = {(one.target, str(one.planned)): str(one.why) for one in study.get(plan_results.DEVIATIONS)}
    assert found["dbp", "main estimate"] == "nothing of it was measured"
    assert ("dbp", "difference between groups by sex") in found
    few = plan_results.with_plan(Study.of(cohort(24, sites=2), Settings(draws=20, level="eye")), stated())
    reasons = {str(one.planned): str(one.why) for one in few.get(plan_results.DEVIATIONS) if one.target in ("", "sbp")}
    assert reasons["unit of analysis: patient"] == "used was eye"
    assert reasons["difference between groups by site"] == "fewer than two groups of 20 people"


def test_without_a_plan_nothing_is_planned():
    study = Study.of(cohort(), Settings(draws=20))
    assert [study.rows(each) for each in plan_results.TABLES] == [[], [], []]
    assert plan_results.success_in_words(study) == ""
