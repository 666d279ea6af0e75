"""The panels of statistics of one sample: which scores, and how each is computed from drawn people."""

from __future__ import annotations

import numpy as np

from fundus_core.evaluation import binary, scores
from fundus_core.evaluation.bootstrap import CountPanel, Panel, SumPanel
from fundus_core.evaluation.ranked import area_under_roc, median, ranking, spearman
from fundus_core.evaluation.sample import Sample
from fundus_core.records import Floats, Labels


def panels_of(sample: Sample, pool: Labels, *, ranked: bool = True) -> tuple[Panel, ...]:
    """Return everything that is computed for one sample.

    Args:
        sample: Of a target at a level.
        pool: Everybody who is drawn, sorted; the sample's people are among them.
        ranked: Whether to include the median absolute error and Spearman's correlation.
    """
    if sample.target.binary:
        return area_panel(sample, pool), binary_panel(sample, pool)
    return (score_panel(sample, pool), ranked_panel(sample, pool)) if ranked else (score_panel(sample, pool),)


def score_panel(sample: Sample, pool: Labels) -> SumPanel:
    """Every score of a continuous target that is a function of sums."""
    about = scores.scales(sample)
    return SumPanel(
        np.searchsorted(pool, sample.patients),
        scores.score_names(sample.target.id),
        tuple(score.needs for score in scores.SCORES.values()),
        scores.per_patient(sample, scores.columns(sample, about)),
        lambda sums: scores.scores(sums, about),
    )


def binary_panel(sample: Sample, pool: Labels) -> SumPanel:
    """Every score of a probability that is a function of sums."""
    return SumPanel(
        np.searchsorted(pool, sample.patients),
        tuple(binary.BINARY_SCORES),
        tuple(needs for _, needs in binary.BINARY_SCORES.values()),
        scores.per_patient(sample, binary.binary_columns(sample)),
        binary.binary_scores,
    )


def area_panel(sample: Sample, pool: Labels) -> CountPanel:
    """The area under the ROC curve."""
    order = ranking(sample.p)

    def compute(counts: Floats) -> Floats:
        return area_under_roc(counts[:, sample.group], sample.y, order)[:, None]

    return CountPanel(np.searchsorted(pool, sample.patients), ("auc",), (binary.AUC_NEEDS,), compute)


def ranked_panel(sample: Sample, pool: Labels) -> CountPanel:
    """Median absolute error and Spearman's correlation."""
    y, p, absolute = ranking(sample.y), ranking(sample.p), np.abs(sample.error)
    order = np.argsort(absolute, kind="stable")

    def compute(counts: Floats) -> Floats:
        weights = counts[:, sample.group]
        return np.column_stack([median(weights, absolute, order), spearman(weights, y, p)])

    needs = (scores.SCORES["mae"].needs, scores.SCORES["pearson"].needs)
    return CountPanel(np.searchsorted(pool, sample.patients), ("medae", "spearman"), needs, compute)
