"""The tables of a rendered cohort: measured values, latents, and the limit that no reader can beat."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Eye, Floats
from fundus_core.synthetic import population as law
from fundus_core.synthetic.camera import CAMERAS
from fundus_core.synthetic.people import EYES, People
from fundus_core.tables import write_csv
from fundus_core.targets import TARGETS

STATEMENT = (
    "The photographs are rendered, not taken; the people do not exist. "
    "The limits equal published errors by construction and say nothing about any real model. "
    "Research use only."
)
"""Stands in every limit.json."""

FORMULA: Mapping[str, str] = MappingProxyType(
    {
        "latents": "z = A t + sqrt(I - A^2) e, t ~ N(0, R), e ~ N(0, I)",
        "reader": "E[t|z] = W z, W = R A (A R A + I - A^2)^-1, C = R - W A R",
        "mae": "SD sqrt(2 / pi) sqrt(C_kk)",
        "glucose": "(mean - floor) 2 (2 Phi(s sqrt(C_kk) / 2) - 1), y = floor + exp(mu + s t)",
        "sex": "1 - arccos(sqrt(1 - C_kk)) / pi",
    }
)
"""How limits are computed; stands in every limit.json."""

_TRUTH_ORDER = ("age", "sex", "sbp", "dbp", "glucose", "waist", "bmi")


def photograph_name(patient_id: str, eye: Eye) -> str:
    """Return the file name, from which the eye can be read.

    >>> photograph_name("P0001", Eye.LEFT)
    'P0001_L.jpg'
    """
    return f"{patient_id}_{'L' if eye is Eye.LEFT else 'R'}.jpg"


def write_truth(drawn: People, path: Path) -> None:
    """Write a row per photograph."""
    header = ["photograph", "patient_id", "eye", "site", "camera", "treated", "defect", *_TRUTH_ORDER]
    rows = (
        [
            photograph_name(drawn.patient_id[person], eye),
            drawn.patient_id[person],
            eye.value,
            CAMERAS[str(drawn.camera[person])].site,
            drawn.camera[person],
            int(drawn.treated[person]),
            drawn.defect[person, side],
            *(_shown(name, drawn.truth[name][person]) for name in _TRUTH_ORDER),
        ]
        for person in range(len(drawn))
        for side, eye in enumerate(EYES)
    )
    write_csv(path, header, rows)


def _shown(target: str, value: float) -> str:
    """Return a measured value with the target's digits; empty where missing."""
    if np.isnan(value):
        return ""
    return f"{value:.{0 if TARGETS[target].binary else TARGETS[target].decimals}f}"


def write_latents(drawn: People, population: law.Population, path: Path) -> None:
    """Write a row per person."""
    expected = population.expected(drawn.z)
    header = [
        "patient_id",
        *(f"z_{name}" for name in law.TRAITS),
        *(f"expected_{name}" for name in law.TRAITS),
    ]
    rows = (
        [
            drawn.patient_id[person],
            *(f"{value:.6f}" for value in drawn.z[person]),
            *(f"{expected[name][person]:.6f}" for name in law.TRAITS),
        ]
        for person in range(len(drawn))
    )
    write_csv(path, header, rows)


def write_limit(drawn: People, population: law.Population, seed: int, size: int, path: Path) -> None:
    """Write what no reader of the photographs can beat, and the law behind it."""
    given = population.limits_given(drawn.z)
    everyone = np.ones(len(drawn), bool)
    sites = {camera.site: drawn.camera == camera.id for camera in CAMERAS.values()}
    limit = {
        "rendered": True,
        "statement": STATEMENT,
        "seed": seed,
        "people": len(drawn),
        "photographs": len(drawn) * len(EYES),
        "size": size,
        "limits": _rounded(population.limits()),
        "measure": {name: "accuracy" if TARGETS[name].binary else "mae" for name in law.TRAITS},
        "unit": {name: TARGETS[name].unit for name in law.TRAITS},
        "method": "closed form over the population (fundus_core.synthetic.population)",
        "cohort": _share(given, everyone),
        "sites": {site: _share(given, there) for site, there in sites.items()},
        "method_cohort_and_sites": "exact limit given each person's latents, averaged over those people",
        "formula": dict(FORMULA),
        "population": {
            "traits": list(law.TRAITS),
            "mean": dict(law.MEAN),
            "spread": dict(law.SPREAD),
            "glucose_floor": law.GLUCOSE_FLOOR,
            "correlations": population.R.tolist(),
            "reliabilities": _rounded(dict(zip(law.TRAITS, population.a.tolist(), strict=True))),
        },
    }
    path.write_text(json.dumps(limit, indent=2) + "\n", encoding="utf-8")


def _share(given: dict[str, Floats], chosen: NDArray[np.bool_]) -> dict[str, object]:
    """Return how many people are chosen and their limits; no limits where there is nobody."""
    count = int(np.count_nonzero(chosen))
    limits = {name: float(values[chosen].mean()) for name, values in given.items()} if count else {}
    return {"people": count, "limits": _rounded(limits)}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    """Round for reading: six digits after the point."""
    return {name: round(value, 6) for name, value in values.items()}
