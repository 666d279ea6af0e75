"""Scores of a probability: how well it separates, decides and is calibrated.

With truth y (1 positive), probability p and the threshold one half:

================  ============================================================================================
``auc``           probability that a positive unit has the higher p, ties half
``accuracy``      share of units with (p >= 0.5) equal to y
``sensitivity``   share of positive units with p >= 0.5; ``specificity``: share of negative units with p < 0.5
``brier``         mean (p - y)²; 0.25 for always saying one half (Brier 1950)
================  ============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fundus_core.evaluation.observations.sample import Sample
from fundus_core.evaluation.one_cohort.scores import divide
from fundus_core.records import Floats

THRESHOLD = 0.5
"""A probability of at least this is read as positive."""

_PAIRS = "no photograph has both a measured and a predicted value"

BINARY_SCORES: Mapping[str, tuple[Callable[[Floats], Floats], str]] = MappingProxyType(
    {
        "accuracy": (lambda s: divide(s[:, 3], s[:, 0]), _PAIRS),
        "sensitivity": (lambda s: divide(s[:, 4], s[:, 1]), "there is no positive case"),
        "specificity": (lambda s: divide(s[:, 5], s[:, 2]), "there is no negative case"),
        "brier": (lambda s: divide(s[:, 6], s[:, 0]), _PAIRS),
    }
)
"""Scores from sums, and why they may be missing."""

AUC_NEEDS = "needs positive and negative cases"
"""Why an area may be missing."""


def binary_columns(sample: Sample) -> Floats:
    """Return, per unit, what is summed: 7 x n."""
    positive = sample.y == 1
    called = sample.p >= THRESHOLD
    return np.array(
        [
            np.ones(len(sample)), positive, ~positive,
            called == positive, called & positive, ~called & ~positive,
            (sample.p - sample.y) ** 2,
        ],
        dtype=np.float64,
    )  # fmt: skip


def binary_scores(sums: Floats) -> Floats:
    """Compute every score on every draw: draws x 7 to draws x scores."""
    return np.column_stack([compute(sums) for compute, _ in BINARY_SCORES.values()])
