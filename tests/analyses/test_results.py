"""The sentences of a paper say what the tables say, and no more than was shown."""

import re
from dataclasses import replace

import numpy as np
import pytest

from fundus_core.analyses import Settings, Study, labels, meaning_in_words, one_cohort, results_in_words, shown
from fundus_core.evaluation import from_values


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    who = [f"P{k:03d}" for k in range(80)]
    age, sex = rng.uniform(35, 80, 80), np.arange(80) % 2
    y, noise = rng.normal(128, 17, 80), rng.normal(0, 1, 80)
    made = {
        "sbp": from_values("sbp", y, 128 + 0.6 * (y - 128) + 4 * noise, patient_id=who),
        "dbp": from_values("dbp", y - 50, 78 + 11 * noise, patient_id=who),
        "sex": from_values("sex", sex.astype(float), np.clip(sex * 0.6 + 0.2 + 0.3 * noise, 0, 1), patient_id=who),
    }
    truth = {name: one.truth[name] for name, one in made.items()} | {"age": age}
    return replace(made["sbp"], truth=truth, predicted={name: one.predicted[name] for name, one in made.items()})


@pytest.fixture(scope="module")
def study(table):
    return Study.of(table, Settings(draws=50))


def test_what_reads_something_is_told_from_what_reads_nothing(study) -> None:
    said = results_in_words(study)
    assert re.search(r"Systolic blood pressure \(80 people\): MAE [\d.]+ mmHg \(.*?\), below that of predicting", said)
    assert re.search(
        r"Diastolic blood pressure \(80 people\): MAE [\d.]+ mmHg \(.*?\), not shown to be below .*?; p = [\d.]+\)",
        said,
    )
    assert re.search(
        r"Probability of female \(80 people\): accuracy [\d.]+ % \(.*?\), above that of the commoner", said
    )
    assert "Information beyond age and sex is shown for: SBP." in said
    assert "No information beyond age and sex is shown for: DBP." in said


def test_sentences_and_table_have_the_estimates_of_the_scores(study) -> None:
    said, short = results_in_words(study), meaning_in_words(study)
    for name in ("sbp", "dbp"):
        found = study.get(one_cohort.QUICK_SCORES, name).estimates
        with_ends = labels.with_interval(found["mae"], labels.word("mae"))
        value, around = with_ends.split(" ", 1)
        assert f"MAE {value} mmHg {around}" in said
        assert any(f"{value} mmHg {around}" in line for line in short)
        assert any(with_ends in row for row in shown(study, one_cohort.RESULTS).body)
        assert labels.written(found["mae_median"].value, labels.Kind.UNIT) in said


def test_no_gain_is_said_where_none_is_shown(study) -> None:
    assert [line.endswith("(no gain shown)") for line in meaning_in_words(study)[:3]] == [False, True, False]


def test_units_stand_beside_the_targets_where_they_differ(table) -> None:
    mixed = replace(table, truth={**table.truth, "bmi": table.truth["sbp"] / 5}, predicted={
        "sbp": table.predicted["sbp"], "bmi": table.predicted["sbp"] / 5})  # fmt: skip
    made = shown(Study.of(mixed, Settings(draws=50)), one_cohort.RESULTS)
    assert [row[0] for row in made.body] == ["SBP (mmHg)", "BMI (kg/m²)"]
    one = shown(
        Study.of(replace(table, predicted={"sbp": table.predicted["sbp"]}), Settings(draws=50)), one_cohort.RESULTS
    )
    assert one.body[0][0] == "SBP"
    assert "MAE (mmHg)" in one.head
