"""What z looks like: every latent planted as several signals of one eye's anatomy.

Directions follow the literature where it has one: arterioles narrow as blood pressure rises (Chew 2012, a
meta-analysis), venules widen with glucose and wind with adiposity (Owen 2019, Tapp 2020), the lens yellows
and the choroid shows through with age, men have a rounder disc and wider arcades (Yamashita). Sizes, and the
signals that have no such source (those of waist, the disc's size, the nerve fibres), are a modelling choice:
strong enough to be read, never a claim about eyes.

Every signal is strictly monotone in its z and carries no noise of its own. Most are relative between
neighbouring regions, so that a camera's gain or colour cannot imitate them.
"""

from dataclasses import dataclass

import numpy as np

from fundus_core.records import Floats


@dataclass(frozen=True, slots=True)
class Anatomy:
    """One eye as numbers; lengths in radii of the field, x nasal, y downward, optical densities natural."""

    disc_x: float
    """Centre of the optic disc."""
    disc_y: float
    """Centre of the optic disc."""
    fovea_x: float
    """Centre of the fovea."""
    fovea_y: float
    """Centre of the fovea."""
    tessellation: float
    """age: optical density of the choroid's pattern."""
    atrophy: float
    """age: width of the pale crescent temporal of the disc."""
    lens: float
    """age: optical density of the lens in blue; in green a third of it."""
    arcade: float
    """sex: height of the temporal arcades above the disc."""
    oval: float
    """sex: vertical over horizontal diameter of the disc."""
    rim: float
    """sex: reflectance of the disc's rim in green."""
    arteriole_width: float
    """SBP: width of an arteriolar trunk at the disc."""
    arteriole_density: float
    """SBP: optical density of arterioles in green."""
    sheen: float
    """DBP: reflection of the nerve fibre layer, as negative optical density."""
    ring: float
    """DBP: reflection of the ring about the fovea, as negative optical density."""
    reflex: float
    """DBP: brightness of the arterioles' central light reflex."""
    branching: float
    """DBP: share of arteriolar side branches that carry blood, 0 to about 1.4."""
    venule_width: float
    """glucose: width of a venular trunk at the disc."""
    lesion: float
    """glucose: radius of exudates and microaneurysms."""
    pit: float
    """glucose: optical density of the foveal pit."""
    macula_density: float
    """waist: optical density of the macular pigment."""
    macula_radius: float
    """waist: radius of the macular pigment."""
    cup: float
    """waist: diameter of the cup over that of the disc."""
    tortuosity: float
    """BMI: lateral swing of vessels over their wavelength, times 2 pi."""
    venule_density: float
    """BMI: optical density of venules in green."""
    disc_radius: float
    """BMI: radius of the disc."""


def add_signals(z: Floats, generator: np.random.Generator) -> Anatomy:
    """Turn 7 standardised latents, in the order of ``population.TRAITS``, into anatomy.

    The generator draws what differs between eyes and tells nothing of z: where disc and fovea lie.
    """
    age, sex, sbp, dbp, glucose, waist, bmi = (float(value) for value in z)
    disc_x, disc_y = generator.uniform(0.42, 0.56), generator.normal(-0.02, 0.025)
    fovea_x, fovea_y = disc_x - generator.normal(0.66, 0.012), disc_y + generator.normal(0.07, 0.012)
    return Anatomy(
        disc_x=disc_x,
        disc_y=disc_y,
        fovea_x=fovea_x,
        fovea_y=fovea_y,
        tessellation=0.15 * np.exp(0.38 * age),
        atrophy=0.034 * np.exp(0.45 * age),
        lens=0.30 * np.exp(0.28 * age),
        arcade=0.60 * np.exp(0.11 * sex),
        oval=1.10 * np.exp(-0.06 * sex),
        rim=0.47 * np.exp(-0.13 * sex),
        arteriole_width=0.032 * np.exp(-0.22 * sbp),
        arteriole_density=0.78 * np.exp(-0.22 * sbp),
        sheen=0.26 * np.exp(-0.34 * dbp),
        ring=0.14 * np.exp(-0.36 * dbp),
        reflex=0.24 * np.exp(0.32 * dbp),
        branching=0.62 * np.exp(-0.28 * dbp),
        venule_width=0.037 * np.exp(0.20 * glucose),
        lesion=0.0065 * np.exp(0.40 * glucose),
        pit=0.27 * np.exp(-0.38 * glucose),
        macula_density=0.42 * np.exp(-0.32 * waist),
        macula_radius=0.24 * np.exp(-0.09 * waist),
        cup=0.44 + 0.072 * waist,
        tortuosity=0.19 * np.exp(0.34 * bmi),
        venule_density=0.80 * np.exp(0.19 * bmi),
        disc_radius=0.150 * np.exp(-0.065 * bmi),
    )
