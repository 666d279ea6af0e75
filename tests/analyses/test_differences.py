"""Differences in words: the sentence follows the corrected p value, and turns round with the order of the cohorts."""

import numpy as np
import pytest

from fundus_core.analyses import Settings, Study, differences_in_words, side_by_side
from fundus_core.evaluation import from_values


def cohort(name: str, error: float, people: int = 80):
    draw = np.random.default_rng(len(name) + people)
    truth = draw.normal(120, 15, people)
    return from_values(
        "sbp", truth, truth + draw.normal(0, error, people), patient_id=[f"{name}{n}" for n in range(people)]
    )


@pytest.fixture(scope="module")
def both():
    tables = {"Clinic": cohort("Clinic", 5), "Van": cohort("Van", 15), "Twin": cohort("Twin", 15)}
    return Study(lambda: tables, Settings(draws=100))


def test_a_difference_is_claimed_only_where_the_corrected_p_shows_it(both):
    rows = [row for row in both.rows(side_by_side.DIFFERENCES, "sbp") if row["score"] == "mae"]
    said = differences_in_words(both, "sbp")
    assert len(said) == len(rows) == 3
    for row, sentence in zip(rows, said, strict=True):
        shown = row["p_adjusted"] is not None and row["p_adjusted"] < 0.05
        assert ("no difference" in sentence) is not shown
        assert f"{abs(row['difference']):.2f}" in sentence
    assert "MAE (mmHg) is smaller in Clinic than in Van: −" in said[0]
    assert "Van and Twin: no difference in MAE (mmHg) shown" in " ".join(said) + " ".join(said[::-1])


def test_the_order_of_cohorts_turns_the_sentence_round(both):
    turned = Study(lambda: dict(reversed(both.tables.items())), Settings(draws=100))
    said = " ".join(differences_in_words(turned, "sbp"))
    assert "MAE (mmHg) is larger in Van than in Clinic: +" in said


def test_too_few_people_are_not_compared():
    study = Study(lambda: {"Clinic": cohort("Clinic", 5), "Two": cohort("Two", 5, 2)}, Settings(draws=100))
    (said,) = differences_in_words(study, "sbp")
    assert "not compared" in said
    assert "–" not in said
