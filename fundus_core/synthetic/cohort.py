"""A rendered cohort as files: photographs, truth table, latents and the limit that no reader can beat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
from PIL import Image

from fundus_core import processes
from fundus_core.errors import UsageError
from fundus_core.records import Eye, Floats
from fundus_core.synthetic import population as law
from fundus_core.synthetic.camera import CAMERAS
from fundus_core.synthetic.people import EYES, People, sample_people
from fundus_core.synthetic.render import draw, eye_seed
from fundus_core.synthetic.tables import photograph_name, write_latents, write_limit, write_truth

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
