"""Who comes to which site: people of a population whose best possible error is known in closed form.

Standardised traits ``t ~ N(0, R)`` of age, sex (a liability whose sign is the sex), blood pressures, glucose,
waist and body mass index. A photograph shows ``z = A t + sqrt(I - A²) e`` and nothing else of the person, so

    E[t | z] = W z,   W = R A (A R A + I - A²)⁻¹,   C = cov(t | z) = R - W A R,

and no reader of the photographs, however good, errs less than the limits stated here. ``A`` (diagonal) is
solved so that these limits are the errors published for the models of the Japan Ocular Imaging Registry.
Means, spreads and correlations are a modelling choice near Japanese check-up populations (e.g. Okayama
2009-10, PMC6288903; Ningen Dock 2020, jmaj 2024-0328; waist and BMI, Circ J 2007;71:776), not data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import expit, ndtr

from fundus_core.records import Eye, Floats, Labels
from fundus_core.synthetic.camera import CAMERAS, DEFECTS
from fundus_core.targets import TARGETS

TRAITS = ("age", "sex", "sbp", "dbp", "glucose", "waist", "bmi")
"""Order of every vector and matrix here."""

MEAN: Mapping[str, float] = MappingProxyType(
    {"age": 60.0, "sbp": 130.0, "dbp": 77.0, "glucose": 96.0, "waist": 84.0, "bmi": 23.5}
)
"""Population means, in the targets' units."""

SPREAD: Mapping[str, float] = MappingProxyType(
    {"age": 12.0, "sbp": 17.5, "dbp": 11.0, "glucose": 14.0, "waist": 11.0, "bmi": 3.7}
)
"""Population standard deviations, in the targets' units."""

GLUCOSE_FLOOR = 60.0
"""Glucose less this many mg/dL is log-normal: check-up glucose is skewed to the right."""

PUBLISHED_LIMIT: Mapping[str, float] = MappingProxyType(
    {"age": 3.0, "sex": 0.93, "sbp": 10.34, "dbp": 7.09, "glucose": 8.71, "waist": 7.18, "bmi": 2.53}
)
"""What the limits are solved for: mean absolute errors, and the accuracy of sex."""

_UPPER_CORRELATIONS = (
    (0.00, 0.42, 0.05, 0.25, 0.15, 0.00),
    (0.12, 0.20, 0.15, 0.25, 0.15),
    (0.65, 0.22, 0.28, 0.25),
    (0.15, 0.30, 0.28),
    (0.32, 0.28),
    (0.80,),
)
_START = (0.95, 0.98, 0.56, 0.49, 0.59, 0.46, 0.35)


def correlations() -> Floats:
    """Return the 7 x 7 correlation matrix of the traits; a positive sex liability means male."""
    matrix = np.eye(len(TRAITS))
    for row, values in enumerate(_UPPER_CORRELATIONS):
        matrix[row, row + 1 :] = values
        matrix[row + 1 :, row] = values
    return matrix


@dataclass(frozen=True, slots=True)
class Population:
    """The joint law of traits and latents."""

    R: Floats
    """7 x 7 correlations of the standardised traits t."""
    a: Floats
    """7 reliabilities: the correlation of each trait with its own latent."""

    @property
    def W(self) -> Floats:  # noqa: N802 - a matrix keeps its letter
        """7 x 7: the best linear reader, ``E[t | z] = W z``."""
        A = np.diag(self.a)
        return np.asarray(np.linalg.solve(A @ self.R @ A + np.eye(len(self.a)) - A @ A, A @ self.R).T, np.float64)

    @property
    def C(self) -> Floats:  # noqa: N802 - a matrix keeps its letter
        """7 x 7: covariance of the traits that remains when the latents are known."""
        return self.R - self.W @ np.diag(self.a) @ self.R

    def draw(self, people: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw traits t and latents z, each people x 7, standardised."""
        t = generator.multivariate_normal(np.zeros(len(self.a)), self.R, size=people, method="cholesky")
        noise = generator.standard_normal(t.shape)
        return t, t * self.a + np.sqrt(1 - self.a**2) * noise

    def expected(self, z: Floats) -> dict[str, Floats]:
        """Return E[y | z] per target in its unit; for sex the probability of female."""
        return self.values(z @ self.W.T, np.diag(self.C))

    def values(self, centre: Floats, variance: Floats) -> dict[str, Floats]:
        """Turn standardised normals with that centre (n x 7) and variance (7) into expected values."""
        expected = {}
        for k, trait in enumerate(TRAITS):
            if trait == "sex":
                expected[trait] = ndtr(-centre[:, k] / np.sqrt(max(variance[k], 1e-12)))
            elif trait == "glucose":
                mu, s = glucose_scale()
                expected[trait] = GLUCOSE_FLOOR + np.exp(mu + s * centre[:, k] + s**2 * variance[k] / 2)
            else:
                expected[trait] = MEAN[trait] + SPREAD[trait] * centre[:, k]
        return expected

    def limits(self) -> dict[str, float]:
        """Return the Bayes limit per target: E|y - E[y | z]|, and for sex the best possible accuracy."""
        remaining = np.sqrt(np.diag(self.C))
        limit = {}
        for k, trait in enumerate(TRAITS):
            if trait == "sex":
                limit[trait] = float(1 - np.arccos(np.sqrt(1 - remaining[k] ** 2)) / np.pi)
            elif trait == "glucose":
                spread = glucose_scale()[1] * remaining[k]
                limit[trait] = float((MEAN[trait] - GLUCOSE_FLOOR) * 2 * (2 * ndtr(spread / 2) - 1))
            else:
                limit[trait] = float(SPREAD[trait] * np.sqrt(2 / np.pi) * remaining[k])
        return limit

    def limits_given(self, z: Floats) -> dict[str, Floats]:
        """Return per target the best possible score of every person, given their latents z (n x 7).

        For sex the chance that the likelier sex is right; else E[|y - E[y | z]| given z]. Averaged over the
        population these are ``limits``; averaged over the people of one site they are that site's limits.
        """
        remaining = np.sqrt(np.diag(self.C))
        expected = self.expected(z)
        limit = {}
        for k, trait in enumerate(TRAITS):
            if trait == "sex":
                limit[trait] = np.maximum(expected[trait], 1 - expected[trait])
            elif trait == "glucose":
                spread = glucose_scale()[1] * remaining[k]
                limit[trait] = (expected[trait] - GLUCOSE_FLOOR) * 2 * (2 * ndtr(spread / 2) - 1)
            else:
                limit[trait] = np.full(len(z), SPREAD[trait] * np.sqrt(2 / np.pi) * remaining[k])
        return limit


def glucose_scale() -> tuple[float, float]:
    """Return mu and s of ``glucose = floor + exp(mu + s t)``."""
    excess = MEAN["glucose"] - GLUCOSE_FLOOR
    s2 = np.log1p((SPREAD["glucose"] / excess) ** 2)
    return float(np.log(excess) - s2 / 2), float(np.sqrt(s2))


def measured(t: Floats) -> dict[str, Floats]:
    """Turn standardised traits (n x 7) into measured values; sex is 1 for female."""
    values = Population(correlations(), np.zeros(len(TRAITS))).values(t, np.zeros(len(TRAITS)))
    return values | {"sex": (t[:, TRAITS.index("sex")] < 0).astype(np.float64)}


def solve() -> Population:
    """Return the population whose limits equal the published errors.

    >>> {trait: round(value, 2) for trait, value in solve().limits().items()}
    {'age': 3.0, 'sex': 0.93, 'sbp': 10.34, 'dbp': 7.09, 'glucose': 8.71, 'waist': 7.18, 'bmi': 2.53}
    """
    R = correlations()

    def miss(logit: Floats) -> Floats:
        limit = Population(R, expit(logit)).limits()
        return np.array([limit[trait] / PUBLISHED_LIMIT[trait] - 1 for trait in TRAITS])

    start = np.array(_START)
    solution = least_squares(miss, np.log(start / (1 - start)), xtol=1e-14, ftol=1e-14, gtol=1e-14)
    return Population(R, expit(solution.x))


EYES = (Eye.RIGHT, Eye.LEFT)
"""The photographs of one person, in the order of the truth table."""

PULL: Mapping[str, tuple[float, float]] = {
    "alba45": (-0.7, -0.3),
    "boreal50": (0.7, 0.5),
    "cirrus45": (0.0, -0.1),
}
"""How much a camera's site attracts people by z of age and z of glucose.

Sites choose by z, not by the measured values: given z, the site tells nothing more of the person, and the
limits hold even for a reader who recognises the camera.
"""


@dataclass(frozen=True, slots=True)
class People:
    """A cohort before it is photographed; n people."""

    patient_id: tuple[str, ...]
    """``P0001`` and on."""
    z: Floats
    """n x 7 latents."""
    truth: Mapping[str, Floats]
    """By target: n measured values in the target's unit; NaN where the measurement is missing."""
    camera: Labels
    """n camera ids."""
    treated: NDArray[np.bool_]
    """n: takes medicine for blood pressure. Likelier with a high one; values and drawing stay as they are."""
    defect: Labels
    """n x 2, right and left: what went wrong with the photograph, or empty."""

    def __len__(self) -> int:
        return len(self.patient_id)


def sample_people(population: Population, people: int, seed: int, *, defects: float, missing: float) -> People:
    """Draw a cohort.

    People with a value outside the target's plausible range (fewer than 1 in 2,000) are drawn again. Defects
    and gaps have generators of their own: asking for them changes neither people nor eyes.
    """
    children = np.random.SeedSequence(seed).spawn(5)
    who, where, medicine, mishap, gaps = map(np.random.default_rng, children)
    t, z = _plausible(population, people, who)
    truth = measured(t)
    treated = medicine.uniform(size=people) < expit((truth["sbp"] - 148) / 9 + (truth["age"] - 60) / 20)
    digits = max(4, len(str(people)))
    return People(
        tuple(f"P{number:0{digits}d}" for number in range(1, people + 1)),
        z,
        _with_gaps(truth, missing, gaps),
        _sites(z, where),
        treated,
        _mishaps(people, defects, mishap),
    )


def _plausible(population: Population, people: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw until enough people have plausible values; return their traits and latents."""
    traits, latents = np.empty((0, len(TRAITS))), np.empty((0, len(TRAITS)))
    while len(traits) < people:
        t, z = population.draw(people, generator)
        inside = np.all(
            [(v >= TARGETS[name].low) & (v <= TARGETS[name].high) for name, v in measured(t).items()], axis=0
        )
        traits, latents = np.concatenate([traits, t[inside]]), np.concatenate([latents, z[inside]])
    return traits[:people], latents[:people]


def _sites(z: Floats, generator: np.random.Generator) -> Labels:
    """Send each person to a camera by z."""
    pull = np.array([PULL[camera] for camera in CAMERAS])
    weight = np.exp(z[:, [TRAITS.index("age"), TRAITS.index("glucose")]] @ pull.T)
    share = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    chosen = (generator.uniform(size=(len(z), 1)) > share[:, :-1]).sum(axis=1)
    return np.asarray(np.array(list(CAMERAS))[chosen])


def _with_gaps(truth: Mapping[str, Floats], missing: float, generator: np.random.Generator) -> dict[str, Floats]:
    """Blank that share of the values of every target but age and sex."""
    gaps = {name: generator.uniform(size=len(values)) < missing for name, values in truth.items()}
    return {
        name: values if name in ("age", "sex") else np.where(gaps[name], np.nan, values)
        for name, values in truth.items()
    }


def _mishaps(people: int, share: float, generator: np.random.Generator) -> Labels:
    """Choose a defect for that share of the photographs."""
    chance = generator.uniform(size=(people, len(EYES)))
    kind = np.array(list(DEFECTS))[generator.integers(len(DEFECTS), size=chance.shape)]
    return np.where(chance < share, kind, "")
