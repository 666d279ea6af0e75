"""Which tests are corrected together: of reports without any difference, few hold a corrected p below 0.05."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from fundus_core.analyses import Settings, Study, multiple_testing, one_cohort, shown, side_by_side
from fundus_core.analyses.multiple_testing import Family
from fundus_core.evaluation import from_values

SPREAD = {"sbp": 17.0, "dbp": 11.0, "glucose": 18.0, "waist": 10.0, "bmi": 3.5}
MOST_OF_400 = 28
"""One of 400 reports in twenty, and what chance adds to it in 95 of 100 simulations."""


def people(rng, n, name, *, reads=1.0):
    """Return n people with five targets and three columns that mean nothing; a model may read nothing."""
    truth = {target: 100 + sd * rng.standard_normal(n) for target, sd in SPREAD.items()}
    predicted = {
        target: 100 + reads * 0.5 * (truth[target] - 100) + 0.5 * sd * rng.standard_normal(n)
        for target, sd in SPREAD.items()
    }
    one = from_values("sbp", truth["sbp"], predicted["sbp"], patient_id=[f"{name}{k}" for k in range(n)])
    words = {f"column{k}": rng.integers(0, 2, n).astype(str) for k in range(3)}
    return replace(one, truth=truth, predicted=predicted, covariates=words)


def corrected_of(rows):
    return [row["p_adjusted"] for row in rows if row["p_adjusted"] is not None]


def of_cohorts(rng):
    """Three cohorts of one population; the main tests alone, which nobody is drawn for."""
    cohorts = {name: people(rng, 30, name) for name in "ABC"}
    study, of = Study(lambda: cohorts).at("patient"), side_by_side.DIFFERENCES
    quick = [row for target in study.targets for row in of.tests.quick(study, target)]
    return multiple_testing.corrected(study, of, quick)


def of_nothing_read(rng):
    return Study.of(people(rng, 30, "A", reads=0.0)).rows(one_cohort.BASELINES)


def planned(rng, n=60):
    """A plan with two families: five targets by two columns that mean nothing."""
    tests = [(one_cohort.SUBGROUP_DIFFERENCES, target, by) for target in SPREAD for by in ("column0", "column1")]
    stated = (Family("one", tuple(tests[:5])), Family("other", tuple(tests[5:])))
    return replace(Study.of(people(rng, n, "A"), Settings(draws=2)), families=stated)


def of_a_plan(rng):
    """Two families of one test each: that their number counts is what can fail here."""
    study = replace(planned(rng, 40), families=None)
    tests = [(one_cohort.SUBGROUP_DIFFERENCES, target, "column0") for target in ("sbp", "dbp")]
    study = replace(study, families=tuple(Family(one[1], (one,)) for one in tests))
    return [row for target in ("sbp", "dbp") for row in rows_of(study, target, "column0")]


def rows_of(study, target, by):
    of = one_cohort.SUBGROUP_DIFFERENCES
    return multiple_testing.corrected(study, of, study.plain_rows(of, target, by))


def of_two_families(rng):
    study = planned(rng)
    rows = [row for by in ("column0", "column1") for row in study.plain_rows(one_cohort.SUBGROUP_DIFFERENCES, "", by)]
    return multiple_testing.corrected(study, one_cohort.SUBGROUP_DIFFERENCES, rows)


@pytest.mark.slow
@pytest.mark.parametrize("report", [of_cohorts, of_nothing_read, of_a_plan], ids=lambda each: each.__name__)
def test_of_400_null_reports_one_in_twenty_holds_a_corrected_p_below_5_percent(report):
    rng = np.random.default_rng(20261129)
    found = sum(min(corrected_of(report(rng)), default=1.0) < 0.05 for _ in range(400))
    print(f"{report.__name__}: {found} of 400")  # noqa: T201 - the share is what the simulation is for
    assert found <= MOST_OF_400


def test_without_a_plan_one_family_holds_the_main_test_of_every_target():
    rows = of_cohorts(np.random.default_rng(1))
    assert len(rows) == 3 * len(SPREAD)
    holm = multipletests([row["p"] for row in rows], method="holm")[1]
    assert [row["p_adjusted"] for row in rows] == pytest.approx(holm, rel=1e-9)
    assert all(row["q"] is None for row in rows)


def test_a_page_of_one_target_shows_what_the_report_of_all_shows():
    rng = np.random.default_rng(2)
    cohorts = {name: people(rng, 30, name) for name in "AB"}
    study = Study(lambda: cohorts, settings=Settings(draws=20)).at("patient")
    whole = [row for row in study.rows(side_by_side.DIFFERENCES) if row["target"] == "dbp"]
    assert whole == study.rows(side_by_side.DIFFERENCES, "dbp")
    alone = Study(lambda: cohorts, settings=Settings(draws=20)).at("patient").rows(side_by_side.DIFFERENCES, "dbp")
    assert whole == alone
    assert [row["score"] for row in whole if row["p_adjusted"] is not None] == ["mae"]
    others = [row for row in whole if row["score"] != "mae"]
    q = multipletests([row["p"] for row in others], method="fdr_bh")[1]
    assert [row["q"] for row in others] == pytest.approx(q, rel=1e-9)


def test_an_exploratory_table_shows_q_under_that_name_and_no_corrected_p():
    study = Study.of(people(np.random.default_rng(3), 60, "A"), Settings(draws=20))
    head = shown(study, one_cohort.SUBGROUP_DIFFERENCES, "sbp").head
    assert "q" in head
    assert "p, corrected" not in head
    assert all(row["correction"].startswith("exploratory") for row in study.rows(one_cohort.SUBGROUP_DIFFERENCES))


def test_families_of_a_plan_are_corrected_within_and_for_their_number():
    rows = of_two_families(np.random.default_rng(4))
    main = [row for row in rows if row["p_adjusted"] is not None]
    assert len(main) == 10
    for family in (main_of(main, ("sbp", "dbp"), "glucose"), main_of(main, ("waist", "bmi"), "glucose", second=True)):
        holm = multipletests([row["p"] for row in family], method="holm")[1]
        assert [row["p_adjusted"] for row in family] == pytest.approx(np.minimum(1, 2 * holm), rel=1e-9)
    assert "planned family 'one', times 2 families" in main[0]["correction"]
    assert {row["score"] for row in rows if row["q"] is not None} == {"bias"}


def main_of(rows, targets, halved, *, second=False):
    """The first family has glucose by the first column, the other by the second."""
    by = "column1" if second else "column0"
    return [row for row in rows if row["target"] in targets or (row["target"] == halved and row["by"] == by)]


def test_the_same_people_in_two_cohorts_are_paired():
    rng = np.random.default_rng(5)
    truth, first, second = 120 + rng.normal(0, 15, (3, 40))
    ids = [f"P{k}" for k in range(40)]
    cohorts = {
        "A": from_values("sbp", truth, truth + first - 120, patient_id=ids),
        "B": from_values("sbp", truth[::-1], (truth + second - 118)[::-1], patient_id=ids[::-1]),
    }
    study = Study(lambda: cohorts, settings=Settings(draws=20)).at("patient")
    bias = next(row for row in study.rows(side_by_side.DIFFERENCES) if row["score"] == "bias")
    assert bias["test"] == "paired t test"
    assert bias["p"] == pytest.approx(stats.ttest_rel(first, second + 2).pvalue, rel=1e-9)
    assert all(row["p"] is None for row in study.rows(side_by_side.SHIFT))
    assert all("were used to fit the recalibration" in row["note"] for row in study.rows(side_by_side.RECALIBRATION))
