"""The law of the rendered cohort: its limits, its readers, and what sampling says of both."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from fundus_core.synthetic import population as law
from fundus_core.targets import TARGETS

POPULATION = law.solve()


@cache
def sample(people=200_000, seed=1):
    t, z = POPULATION.draw(people, np.random.default_rng(seed))
    return law.measured(t), z, t


def score(truth, expected):
    """Mean absolute error, or accuracy for sex, of predictions."""
    return {
        name: np.mean((expected[name] > 0.5) == (truth[name] == 1))
        if TARGETS[name].binary
        else np.mean(np.abs(truth[name] - expected[name]))
        for name in law.TRAITS
    }


def test_the_solution_meets_every_published_value():
    limits = POPULATION.limits()
    assert limits.keys() == law.PUBLISHED_LIMIT.keys()
    for name, published in law.PUBLISHED_LIMIT.items():
        assert limits[name] == pytest.approx(published, rel=1e-6)


def test_reliabilities_are_correlations():
    assert np.all((POPULATION.a > 0) & (POPULATION.a < 1))


@pytest.mark.parametrize("matrix", [POPULATION.R, POPULATION.C], ids=["R", "C"])
def test_covariances_are_symmetric_and_positive(matrix):
    assert np.allclose(matrix, matrix.T, atol=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_the_joint_law_of_traits_and_latents_is_a_law():
    A = np.diag(POPULATION.a)
    joint = np.block([[POPULATION.R, POPULATION.R @ A], [A @ POPULATION.R, A @ POPULATION.R @ A + np.eye(7) - A @ A]])
    multivariate_normal(np.zeros(14), joint)  # raises where the matrix is no covariance
    # The textbook conditional from the joint covariance is the second source of W and C.
    latent = np.linalg.inv(joint[7:, 7:])
    assert np.allclose(POPULATION.W, joint[:7, 7:] @ latent)
    assert np.allclose(POPULATION.C, joint[:7, :7] - joint[:7, 7:] @ latent @ joint[7:, :7])


def test_latents_are_standard_and_correlate_with_their_trait_as_stated():
    _, z, t = sample()
    assert np.allclose(z.mean(axis=0), 0, atol=0.01)
    assert np.allclose(z.std(axis=0), 1, atol=0.01)
    both = [np.corrcoef(t[:, k], z[:, k])[0, 1] for k in range(7)]
    assert np.allclose(both, POPULATION.a, atol=0.005)


def test_the_best_reader_scores_the_limit():
    truth, z, _ = sample()
    found = score(truth, POPULATION.expected(z))
    for name, limit in POPULATION.limits().items():
        assert found[name] == pytest.approx(limit, rel=0.008), name


def test_no_linear_reader_of_the_latents_beats_the_limit():
    truth, z, _ = sample(50_000)
    design = np.column_stack([np.ones(len(z)), z])
    for name in ("age", "sbp", "dbp", "waist", "bmi"):
        fitted = design @ np.linalg.lstsq(design, truth[name], rcond=None)[0]
        assert np.mean(np.abs(truth[name] - fitted)) > 0.985 * POPULATION.limits()[name]


def test_expected_values_are_conditional_means():
    truth, z, _ = sample()
    expected = POPULATION.expected(z)
    for name in law.TRAITS:
        residual = truth[name] - expected[name]
        assert abs(residual.mean()) < 5 * residual.std() / np.sqrt(len(residual)), name
        weights = z * (residual / residual.std())[:, None]
        assert np.all(np.abs(weights.mean(axis=0)) < 5 / np.sqrt(len(z))), name


def test_limits_given_the_latents_average_to_the_limits():
    _, z, _ = sample()
    for name, given in POPULATION.limits_given(z).items():
        assert given.mean() == pytest.approx(POPULATION.limits()[name], rel=0.005), name


def test_perfect_latents_leave_no_error_and_useless_ones_the_spread():
    perfect = law.Population(POPULATION.R, np.full(7, 1 - 1e-12)).limits()
    useless = law.Population(POPULATION.R, np.full(7, 1e-9)).limits()
    assert perfect["sex"] == pytest.approx(1, abs=1e-4)
    assert useless["sex"] == pytest.approx(0.5, abs=1e-4)
    for name in ("age", "sbp", "dbp", "waist", "bmi"):
        assert perfect[name] == pytest.approx(0, abs=1e-3)
        assert useless[name] == pytest.approx(law.SPREAD[name] * np.sqrt(2 / np.pi), rel=1e-6)


def test_measured_values_have_the_stated_moments():
    truth, _, _ = sample()
    for name, mean in law.MEAN.items():
        assert truth[name].mean() == pytest.approx(mean, rel=0.005), name
        assert truth[name].std() == pytest.approx(law.SPREAD[name], rel=0.02), name
    assert set(np.unique(truth["sex"])) == {0.0, 1.0}
    assert truth["sex"].mean() == pytest.approx(0.5, abs=0.01)


def test_men_have_the_higher_pressure_and_the_wider_waist():
    truth, _, _ = sample(50_000)
    for name in ("sbp", "dbp", "glucose", "waist", "bmi"):
        assert truth[name][truth["sex"] == 0].mean() > truth[name][truth["sex"] == 1].mean()
