"""Medians, ranks and areas under draws, against numpy, scipy and scikit-learn on repeated rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from fundus_core.evaluation.intervals.rank_statistics import (
    areas_under_roc,
    average_precisions,
    medians,
    spearman,
    spearman_effects,
)

columns = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 1), st.integers(0, 3)), min_size=2, max_size=25
)


def repeated(rows):
    y, p, positive, count = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    times = count.astype(int)
    return y, p, positive, count[None], np.repeat(np.arange(len(y)), times)


@settings(max_examples=150, deadline=None)
@given(columns)
def test_statistics_on_counts_equal_those_on_repeated_rows(rows):
    y, p, positive, count, chosen = repeated(rows)
    everyone = np.arange(len(y))
    middle = medians(count, y, everyone)[0]
    rank = spearman(count, y, p, everyone)[0]
    area, precision = (of(count, positive, p, everyone)[0] for of in (areas_under_roc, average_precisions))
    if len(chosen) == 0:
        assert np.isnan([middle, rank, area, precision]).all()
        return
    assert middle == np.median(y[chosen])
    constant = np.ptp(y[chosen]) == 0 or np.ptp(p[chosen]) == 0
    assert np.isnan(rank) if constant else rank == pytest.approx(stats.spearmanr(y[chosen], p[chosen])[0])
    labels = positive[chosen]
    if 0 < labels.sum() < len(labels):
        assert area == pytest.approx(roc_auc_score(labels, p[chosen]))
    else:
        assert np.isnan(area)
    if labels.any():
        assert precision == pytest.approx(average_precision_score(labels, p[chosen]))


def test_reversing_the_order_mirrors_rank_statistics():
    rng = np.random.default_rng(0)
    y, p, ones = rng.integers(0, 2, 40).astype(float), rng.random(40).round(1), np.ones((1, 40))
    everyone = np.arange(40)
    assert spearman(ones, y, -p, everyone) == pytest.approx(-spearman(ones, y, p, everyone))
    assert areas_under_roc(ones, y, -p, everyone) == pytest.approx(1 - areas_under_roc(ones, y, p, everyone))
    assert areas_under_roc(ones, y, y, everyone)[0] == 1


def test_several_units_of_a_person_share_their_count():
    rng = np.random.default_rng(1)
    y, group = rng.normal(size=30), np.repeat(np.arange(10), 3)
    counts = rng.integers(0, 3, (5, 10)).astype(float)
    expected = [np.median(np.repeat(y, row[group].astype(int))) for row in counts]
    assert medians(counts, y, group) == pytest.approx(expected)


def test_what_each_person_adds_to_a_rank_correlation_is_its_derivative():
    rng = np.random.default_rng(2)
    y, p = rng.integers(0, 9, (2, 24)).astype(float)
    p += y

    def weighted(w):
        ranks = [((of < of[:, None]) + (of == of[:, None]) / 2) @ w - w.sum() / 2 for of in (y, p)]
        return (w * ranks[0] * ranks[1]).sum() / np.sqrt((w * ranks[0] ** 2).sum() * (w * ranks[1] ** 2).sum())

    ones, step = np.ones(24), 1e-5 * np.eye(24)
    slopes = [(weighted(ones + each) - weighted(ones - each)) / 2e-5 for each in step]
    assert spearman_effects(y, p, np.arange(24)) == pytest.approx(slopes, abs=1e-8)
