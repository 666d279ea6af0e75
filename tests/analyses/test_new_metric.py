"""One more metric: its formula and its word are all that anybody writes; every surface follows.

Walked with the root of the MAE, which nobody has: a line in the formulas, a line in the words, and nothing else.
"""

from types import MappingProxyType

import numpy as np
import pytest

from fundus_core.analyses import Settings, Study, drawn_scores, evaluated, forest_of, labels, one_cohort, shown
from fundus_core.analyses.labels import Kind, Word
from fundus_core.evaluation import from_values
from fundus_core.evaluation.one_cohort import scores
from fundus_core.figures import Look
from fundus_core.targets import TARGETS


@pytest.fixture
def study(monkeypatch):
    formula = scores.Score(lambda sums, _moments: np.sqrt(scores.divide(sums.absolute, sums.n)), "nobody")
    word = Word("root of the MAE", Kind.PLAIN, "A made-up number.", drawn=True)
    monkeypatch.setattr(scores, "SCORES", MappingProxyType({**scores.SCORES, "root_mae": formula}))
    monkeypatch.setattr(labels, "ESTIMATES", MappingProxyType({**labels.ESTIMATES, "root_mae": word}))
    truth = np.random.default_rng(2).normal(120, 15, 60)
    return Study.of(from_values("sbp", truth, truth + np.linspace(-9, 9, 60)), Settings(draws=200))


def test_it_has_its_value_and_its_interval_in_json(study):
    of = evaluated(study).as_json()["targets"]["sbp"]
    assert of["root_mae"]["value"] == pytest.approx(of["mae"]["value"] ** 0.5)
    assert of["root_mae"]["low"] < of["root_mae"]["value"] < of["root_mae"]["high"]


def test_it_has_a_row_on_pages_and_in_reports(study):
    row = next(row for row in shown(study, one_cohort.SCORES, "sbp").body if row[0] == "root of the MAE")
    assert "A made-up number." in row
    assert " to " in row[1]


def test_cohorts_are_drawn_by_it(study):
    results = {"Clinic": study.get(one_cohort.SCORES, "sbp")}
    assert drawn_scores(results)[0] == "mae"
    assert "root_mae" in drawn_scores(results)
    (row,) = forest_of(results, "root_mae", Look()).table()
    assert row["root of the MAE"] == results["Clinic"].estimates["root_mae"].value


@pytest.mark.parametrize("target", TARGETS)
def test_shares_within_a_tolerance_keep_their_names_wherever_the_new_one_stands(study, target):
    names = scores.score_names(target)
    assert names[-1] == "root_mae"
    assert sum(name.startswith("within_") for name in names) == 3
