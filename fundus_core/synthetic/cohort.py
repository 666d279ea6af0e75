"""A rendered cohort as files: photographs, tables of truth and latents, and the limit that no reader can beat."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fundus_core import processes
from fundus_core.errors import UsageError
from fundus_core.records import Eye, Floats
from fundus_core.synthetic import population as law
from fundus_core.synthetic.camera import CAMERAS
from fundus_core.synthetic.population import EYES, People, sample_people
from fundus_core.synthetic.render import draw, eye_seed
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


SIZES = (64, 4096)
"""Smallest and largest size that can be asked for."""


@dataclass(frozen=True, slots=True)
class _Shot:
    """One photograph to take."""

    path: Path
    """Where it goes."""
    z: Floats
    """7 latents."""
    eye: Eye
    """Which eye."""
    camera: str
    """Which camera."""
    seed_of_eye: int
    """Everything random."""
    size: int
    """As asked for."""
    defect: str
    """What goes wrong; empty for nothing."""
    quality: int
    """Of the JPEG."""


def synthesise(
    people: int,
    seed: int,
    out: Path,
    *,
    size: int = 512,
    defects: float = 0.0,
    missing: float = 0.0,
    workers: int = 1,
    jpeg_quality: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> People:
    """Render a cohort: both eyes of every person, three sites.

    Writes ``photographs/*.jpg``, ``truth.csv`` (a row per photograph; sex is 1 for female), ``latents.csv``
    (a row per person: ``z_<trait>`` and ``expected_<trait>`` = E[y | z]) and ``limit.json``. The same
    arguments give the same files, whatever the number of workers.

    Args:
        people: How many.
        seed: Of everything.
        out: A folder that holds no cohort yet; made where absent.
        size: About the height of a photograph in pixels; each camera has its own share of it.
        defects: Share of photographs with a quality defect, 0..1.
        missing: Share of missing values, 0..1, of every target but age and sex.
        workers: Processes that draw.
        jpeg_quality: For all photographs, 1..100; each camera's own where ``None``.
        progress: Called with photographs done and photographs in all.

    Returns:
        The people as drawn.

    Raises:
        UsageError: An argument is out of range or the folder holds photographs; nothing was written.
    """
    _check(people, seed, size, workers, jpeg_quality, {"defects": defects, "missing": missing})
    photographs = out / "photographs"
    if photographs.exists() and any(photographs.iterdir()):
        raise UsageError(
            "The folder {photographs} already holds files; name a new or an empty folder.", photographs=photographs
        )
    population = law.solve()
    drawn = sample_people(population, people, seed, defects=defects, missing=missing)
    photographs.mkdir(parents=True, exist_ok=True)
    write_truth(drawn, out / "truth.csv")
    write_latents(drawn, population, out / "latents.csv")
    write_limit(drawn, population, seed, size, out / "limit.json")
    _take(_shots(drawn, seed, photographs, size, jpeg_quality), workers, progress)
    return drawn


def _check(people: int, seed: int, size: int, workers: int, quality: int | None, shares: dict[str, float]) -> None:
    """Refuse numbers that make no cohort."""
    whole = (
        ("people", people, 1, 1_000_000),
        ("seed", seed, 0, 2**63 - 1),
        ("size", size, *SIZES),
        ("workers", workers, 1, 256),
        ("jpeg_quality", 90 if quality is None else quality, 1, 100),
    )
    limits = (*whole, *((name, share, 0, 1) for name, share in shares.items()))
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise UsageError(
                "The option {name} is {value}; it must lie between {low} and {high}.",
                name=name,
                value=value,
                low=low,
                high=high,
            )


def _shots(drawn: People, seed: int, folder: Path, size: int, quality: int | None) -> list[_Shot]:
    """List every photograph to take."""
    return [
        _Shot(
            path=folder / photograph_name(drawn.patient_id[person], eye),
            z=drawn.z[person],
            eye=eye,
            camera=str(drawn.camera[person]),
            seed_of_eye=eye_seed(seed, person, eye),
            size=size,
            defect=str(drawn.defect[person, side]),
            quality=CAMERAS[str(drawn.camera[person])].quality if quality is None else quality,
        )
        for person in range(len(drawn))
        for side, eye in enumerate(EYES)
    ]


def _take(shots: Sequence[_Shot], workers: int, progress: Callable[[int, int], None] | None) -> None:
    """Take every photograph and tell of the progress."""
    taken = processes.each(_shoot, shots, workers=workers, at_once=8, first=partial(cv2.setNumThreads, 1))
    for done, _ in enumerate(taken, start=1):
        if progress is not None:
            progress(done, len(shots))


def _shoot(shot: _Shot) -> None:
    """Draw one photograph and write it."""
    pixels = draw(shot.z, shot.eye, CAMERAS[shot.camera], shot.seed_of_eye, shot.size, shot.defect)
    Image.fromarray(pixels).save(shot.path, "JPEG", quality=shot.quality, subsampling="4:2:0")
