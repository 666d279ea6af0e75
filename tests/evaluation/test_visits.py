"""Visits as units: laws first, then every number by hand. Attacked with unsorted rows, words for visits, visits that
nobody knows, last and nearest visits, and with a person who would be fitted to themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fundus_core.analyses import Study
from fundus_core.evaluation import (
    applicable_criteria,
    both_person_means,
    evaluate,
    from_values,
    unit_names,
    units_of_analysis,
    usual_level,
)
from fundus_core.evaluation.observations.visits import ranks
from fundus_core.evaluation.one_cohort.baselines import mean_of_others
from fundus_core.records import DAYS_APART
from fundus_core.targets import target
from tests.evaluation.test_change_over_time import by_analysis_of_variance


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """20 people, up to 3 visits, up to 2 eyes, in no order."""
    random = np.random.default_rng(5)
    made = []
    for person in range(20):
        usual = random.normal(130, 15)
        for visit in range(1 + person % 3):
            day = f"{2019 + visit}-04-{1 + int(random.integers(28)):02}"
            truth = usual + random.normal(0, 5)
            for eye in ("right", "left")[: 1 + person % 2]:
                predicted = 130 + 0.4 * (truth - 130) + random.normal(0, 8)
                made.append((f"P{person:02}", day, eye, truth, predicted, 40 + person, person % 2))
    frame = pd.DataFrame(made, columns=["who", "visit", "eye", "y", "p", "age", "sex"])
    return frame.sample(frac=1, random_state=3).reset_index(drop=True)


@pytest.fixture(scope="module")
def table(rows):
    known = {"patient_id": rows.who, "eye": rows.eye, "visit": rows.visit, "age": rows.age, "sex": rows.sex}
    return from_values("sbp", rows.y, rows.p, **known)


def by_hand(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return rows.groupby(keys, sort=True)[["y", "p", "age", "sex"]].mean().reset_index()


@pytest.mark.parametrize(
    ("level", "keys"),
    [("visit", ["who", "visit"]), ("eye", ["who", "visit", "eye"]), ("photograph", ["who", "y", "p"])],
)
def test_every_unit_is_the_mean_of_its_photographs(rows, table, level, keys):
    expected = by_hand(rows.assign(y_=rows.y), keys) if level != "photograph" else rows
    found = evaluate(table, level=level, draws=20).targets["sbp"]
    error = expected.p - expected.y
    assert found.n == len(expected)
    assert found.n_patients == 20
    values = {name: each.value for name, each in found.estimates.items()}
    assert values["mae"] == pytest.approx(error.abs().mean(), abs=1e-9)
    assert values["rmse"] == pytest.approx(np.sqrt((error**2).mean()), abs=1e-9)
    assert values["slope"] == pytest.approx(np.polyfit(expected.p, expected.y, 1)[0], abs=1e-9)
    within, _between, _usual, among = by_analysis_of_variance(error.to_numpy(), expected.who.to_numpy())
    assert values["loa_low"] == pytest.approx(error.mean() - 1.96 * np.sqrt(within + max(among, 0)), abs=1e-9)


@pytest.mark.parametrize(("level", "take"), [("patient", "first"), ("patient_last", "last")])
def test_one_visit_stands_for_a_person(rows, table, level, take):
    visits = by_hand(rows, ["who", "visit"])
    expected = visits.groupby("who").agg(take)
    found = units_of_analysis(table, target("sbp"), level)
    assert np.allclose(found.y, expected.y, atol=1e-12)
    assert found.visit.tolist() == expected.visit.tolist()


def test_the_nearest_visit_is_nearest_to_its_measurement():
    days = ["-9", "3", "", "2"]
    table = from_values("sbp", [1, 2, 3, 4], [0] * 4, patient_id=["a", "a", "a", "b"], visit=["1", "2", "3", "1"])
    object.__setattr__(table, "covariates", {DAYS_APART: np.array(days)})
    assert units_of_analysis(table, target("sbp"), "patient_nearest").y.tolist() == [2, 4]


def test_a_visit_without_a_value_is_not_the_first():
    table = from_values("sbp", [np.nan, 2], [1, 1], patient_id=["a", "a"], visit=["2020-01-01", "2021-01-01"])
    assert units_of_analysis(table, target("sbp"), "patient").visit.tolist() == ["2021-01-01"]


def test_visits_are_in_time():
    words = np.array(["V10", "V2", "baseline", "", "V1"])
    assert words[np.argsort(ranks(words))].tolist() == ["baseline", "V1", "V2", "V10", ""]


def test_where_nobody_has_several_visits_nothing_changes(rows):
    once = rows.drop_duplicates(["who", "eye"])
    plain = from_values("sbp", once.y, once.p, patient_id=once.who, eye=once.eye)
    dated = from_values("sbp", once.y, once.p, patient_id=once.who, eye=once.eye, visit=once.who)
    assert usual_level(plain) == usual_level(dated) == "patient"
    assert evaluate(plain, draws=50) == evaluate(dated, draws=50)


def test_the_visit_is_usual_where_somebody_has_several(table):
    assert usual_level(table) == "visit"
    assert Study.of(table).level == "visit"
    assert Study.of(table).at("patient_last").level == "patient_last"


def test_intervals_draw_people_with_all_their_visits(rows):
    """Every visit three times over is no news of people: the interval stays as wide as it was."""
    often = pd.concat([rows.assign(visit=rows.visit + word) for word in ("", " b", " c")])
    one, three = (
        evaluate(from_values("sbp", of.y, of.p, patient_id=of.who, visit=of.visit), level="visit", draws=200)
        for of in (rows, often)
    )
    first, second = (found.targets["sbp"].estimates["mae"] for found in (one, three))
    assert first.value == pytest.approx(second.value, abs=1e-9)
    assert second.high - second.low == pytest.approx(first.high - first.low, rel=1e-6)


def test_no_baseline_is_fitted_to_the_persons_other_visits(table):
    sample = units_of_analysis(table, target("sbp"), "visit")
    who = sample.patients[sample.group]
    expected = [sample.y[who != each].mean() for each in who]
    assert np.allclose(mean_of_others(sample), expected, atol=1e-9)


def test_criteria_judge_a_person_by_the_first_visit_that_was_measured():
    visit = ["2020-01-01", "2021-01-01", "2022-01-01", "2020-01-01"]
    table = from_values("sbp", [np.nan, 150, 110, 120], [1, 140, 120, 130], patient_id=list("aaab"), visit=visit)
    means = both_person_means(table)
    assert means.truth.sbp.tolist() == [150, 120]
    assert means.predicted.sbp.tolist() == [140, 130]
    assert applicable_criteria(table) == means.criteria


def test_a_unit_is_named_after_its_person_visit_and_eye(table, rows):
    study = Study.of(table)
    sample, ids = study.sample("sbp")
    assert len(set(ids)) == len(sample) == len(by_hand(rows, ["who", "visit"]))
    behind = study.behind([str(ids[0])], "sbp")
    mine = rows[(rows.who == sample.patients[0]) & (rows.visit == sample.visit[0])]
    assert len(behind) == len(mine)
    first = study.at("patient").behind(["P02"], "sbp")
    assert len(first) == len(rows[(rows.who == "P02") & (rows.visit == rows[rows.who == "P02"].visit.min())])
    assert unit_names(table, "eye")[0] == f"{rows.who[0]} · {rows.visit[0]} · {rows.eye[0]}"
