"""Who comes to which site: people with measured values, latents, a camera, a treatment flag and gaps."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from fundus_core.records import Eye, Floats, Labels
from fundus_core.synthetic.camera import CAMERAS
from fundus_core.synthetic.defects import DEFECTS
from fundus_core.synthetic.population import TRAITS, Population, measured
from fundus_core.targets import TARGETS

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
