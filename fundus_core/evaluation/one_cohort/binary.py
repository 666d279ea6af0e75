"""Scores of a probability: how well it separates, decides and is calibrated.

With truth y (1 positive), probability p and the threshold one half:

=====================  =======================================================================================
``auc``                probability that a positive unit has the higher p, ties half
``accuracy``           share of units with (p >= 0.5) equal to y
``sensitivity``        share of positive units with p >= 0.5; ``specificity``: share of negative units with p < 0.5
``brier``              mean (p - y)²; 0.25 for always saying one half (Brier 1950)
``prevalence``         mean y
``accuracy_majority``  share of units that belong to the class of most other people
``brier_null``         mean (q - y)² of the prevalence q of all other people
``brier_age_sex``      the same of a logistic regression on age and sex, cross-validated by person
``calibration_slope``  slope b of logit P(y) = a + b logit(p): 1 for a calibrated probability, below 1 where it is too
                       sure (Cox 1958, doi:10.1093/biomet/45.3-4.562); ``calibration_intercept``: a where b is 1,
                       above 0 where positives are more frequent than predicted
=====================  =======================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fundus_core.evaluation.intervals.bootstrap import matmul
from fundus_core.evaluation.intervals.estimate import FEWEST_PEOPLE, Rule
from fundus_core.evaluation.observations.sample import Sample
from fundus_core.evaluation.one_cohort.baselines import age_and_sex, majority_of_others, mean_of_others
from fundus_core.evaluation.one_cohort.scores import divide
from fundus_core.records import Floats

THRESHOLD = 0.5
"""A probability of at least this is read as positive."""

_PAIRS = "no photograph has both a measured and a predicted value"
_TWO = "needs two people: the baseline is that of the others"
_AGE_SEX = "needs 20 people of known age and sex, and a target that is neither"


@dataclass(frozen=True, slots=True)
class BinaryScore:
    """A score that divides one sum by another."""

    above: int
    """Column of the sum that is divided."""
    below: int
    """Column of the count that it is divided by."""
    needs: str
    """Why it may be missing."""
    share: bool = True
    """Whether it is a share of observations."""
    least: int = FEWEST_PEOPLE
    """People that its interval takes: of a baseline as many as of a number's."""

    @property
    def rule(self) -> Rule:
        """How its interval is made."""
        return Rule("share" if self.share else "t", count=self.below, related=True, least=self.least)


BINARY_SCORES: Mapping[str, BinaryScore] = MappingProxyType(
    {
        "accuracy": BinaryScore(3, 0, _PAIRS),
        "sensitivity": BinaryScore(4, 1, "there is no positive case"),
        "specificity": BinaryScore(5, 2, "there is no negative case"),
        "brier": BinaryScore(6, 0, _PAIRS, share=False),
        "prevalence": BinaryScore(1, 0, _PAIRS),
        "accuracy_majority": BinaryScore(8, 7, _TWO),
        "brier_null": BinaryScore(9, 7, _TWO, share=False, least=50),
        "brier_age_sex": BinaryScore(11, 10, _AGE_SEX, share=False, least=50),
    }
)
"""Scores from sums."""

AUC_NEEDS = "needs positive and negative cases"
"""Why an area may be missing."""

CALIBRATION_NEEDS = "the classes can be told apart without error, or every prediction is the same"
"""Why a calibration slope may be missing."""


def binary_columns(sample: Sample) -> Floats:
    """Return, per unit, what is summed: 12 x n."""
    positive = sample.y == 1
    called = sample.p >= THRESHOLD
    prevalence, logistic = mean_of_others(sample), age_and_sex(sample, "logistic")
    null, known = np.isfinite(prevalence), np.isfinite(logistic)
    right = np.where(null, 1 - np.abs(majority_of_others(sample) - sample.y), 0.0)
    return np.array(
        [
            np.ones(len(sample)), positive, ~positive,
            called == positive, called & positive, ~called & ~positive,
            (sample.p - sample.y) ** 2,
            null, right, np.nan_to_num((prevalence - sample.y) ** 2),
            known, np.nan_to_num((logistic - sample.y) ** 2),
        ],
        dtype=np.float64,
    )  # fmt: skip


def binary_scores(sums: Floats) -> Floats:
    """Compute every score on every draw: draws x 12 to draws x scores."""
    return np.column_stack([divide(sums[:, each.above], sums[:, each.below]) for each in BINARY_SCORES.values()])


def recalibrations(weights: Floats, y: Floats, p: Floats) -> Floats:
    """Return calibration intercept and slope for each set of weights: draws x 2.

    Probabilities closer to 0 or 1 than a millionth count as a millionth.

    Args:
        weights: Draws x n.
        y: n truths, 0 or 1.
        p: n probabilities.
    """
    odds = log_odds(p)
    line = np.column_stack([np.ones_like(odds), odds])
    slope = _logistic(weights, line, np.zeros_like(odds), y)[:, 1]
    return np.column_stack([_logistic(weights, line[:, :1], odds, y)[:, 0], slope])


def recalibration_effects(y: Floats, p: Floats) -> Floats:
    """Return to first order what each of n units adds to calibration intercept and slope: n x 2.

    A step of Newton's from where all units settle.

    Args:
        y: n truths, 0 or 1.
        p: n probabilities.
    """
    odds = log_odds(p)
    line = np.column_stack([np.ones_like(odds), odds])
    out = np.empty((len(y), 2))
    for place, (design, offset) in enumerate(((line[:, :1], odds), (line, np.zeros_like(odds)))):
        settled = _logistic(np.ones((1, len(y))), design, offset, y)[0]
        chance = 1 / (1 + np.exp(-(design @ settled + offset)))
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        out[:, place] = (design * (y - chance)[:, None]) @ np.linalg.inv(information)[:, -1]
    return out


def logistic_line(y: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Return intercept and slope of logit P(y) = a + b logit(p), fitted together, and their standard errors: 2 and 2.

    NaN where the classes can be told apart without error, or every prediction is the same. Errors are from the
    information at the maximum.
    """
    odds = log_odds(p)
    line = np.column_stack([np.ones_like(odds), odds])
    if not np.ptp(odds) > 0:
        return np.full(2, np.nan), np.full(2, np.nan)
    values = _logistic(np.ones((1, len(y))), line, np.zeros_like(odds), y)[0]
    chance = 1 / (1 + np.exp(-(line @ values)))
    information = line.T @ (line * (chance * (1 - chance))[:, None])
    if not np.isfinite(values).all():
        return values, values
    return values, np.sqrt(np.diag(np.linalg.inv(information)))


def log_odds(p: Floats) -> Floats:
    """Return log p / (1 - p); probabilities closer to 0 or 1 than a millionth count as a millionth."""
    bounded = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded / (1 - bounded)))


def _logistic(weights: Floats, design: Floats, offset: Floats, y: Floats) -> Floats:
    """Logistic regression by Newton's steps for each set of weights, draws x k; NaN where it does not settle.

    Many sets, each nearly all of the units, start where the units together settle.
    """
    k = design.shape[1]
    found: Floats = np.zeros((len(weights), k))
    step = np.ones((1, k))
    if len(weights) > 1:
        found += np.nan_to_num(_logistic(np.ones((1, len(y))), design, offset, y))
    pairs = (design[:, :, None] * design[:, None, :]).reshape(len(y), k * k)
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(matmul(found, design.T) + offset, -30, 30)))
        square = matmul(weights * chance * (1 - chance), pairs).reshape(-1, k, k) + 1e-12 * np.eye(k)
        right = matmul(weights * (y - chance), design)
        step = np.asarray(np.linalg.solve(square, right[:, :, None])[:, :, 0], dtype=np.float64)
        found = found + np.clip(step, -3, 3)
        if np.abs(step).max(initial=0.0) < 1e-12:
            break
    settled = (np.abs(step).max(axis=1, initial=0.0) < 1e-6) & (np.abs(found).max(axis=1, initial=0.0) < 20)
    return np.where(settled[:, None], found, np.nan)
