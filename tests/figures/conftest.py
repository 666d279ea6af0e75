"""Made results: a criterion judged, and tenths of the predictions."""

import numpy as np
import pytest

from fundus_core.evaluation import CRITERIA, Bin, Counts, CriterionAssessment, Estimate
from fundus_core.evaluation.criteria.classification import classify
from fundus_core.evaluation.criteria.criterion_assessment import CURVE


@pytest.fixture(scope="module")
def judged():
    rng = np.random.default_rng(3)
    chance = rng.uniform(0, 1, 400)
    return classify((rng.uniform(0, 1, 400) < chance).astype(np.int8), chance, thresholds=CURVE)


def assessed(judged, unknown: int = 0, most: float = 0.6) -> CriterionAssessment:
    """A criterion whose complete cases are these, and so many people whose verdict cannot be told."""
    counts, share = Counts(1, 1, unknown), Estimate(0.2, 0.1, 0.3)
    ends = share, Estimate(most, most - 0.1, most + 0.1)
    return CriterionAssessment(CRITERIA["hypertension"], counts, counts, *ends, (share, share), 2, judged, "")


def tenths(predicted, above=2.0, below=0.0, more=3.0) -> list[Bin]:
    """Return a group of ten observations per predicted value, measured so much above it, from below it to more."""
    nothing = Estimate(None)
    return [Bin(at, at, 10, 9, at, Estimate(at + above, at - below, at + more), nothing, nothing) for at in predicted]
