"""From latents to one photograph, each part with a generator of its own; and back, to draw it again otherwise."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Floats, Pixels
from fundus_core.synthetic.anatomy import add_signals
from fundus_core.synthetic.camera import CAMERAS, Camera, add_defect, expose, field_pixels, frame, illuminate, record
from fundus_core.synthetic.population import TRAITS
from fundus_core.synthetic.tissue import grid, paint
from fundus_core.synthetic.vessels import tree
from fundus_core.tables import records_from_csv


def eye_seed(seed: int, person: int, eye: Eye) -> int:
    """Return the seed of one eye: all that a drawing depends on besides z and the camera."""
    side = 1 if eye is Eye.LEFT else 0
    return int(np.random.SeedSequence([seed, person, side]).generate_state(1, np.uint64)[0])


def draw(z: Floats, eye: Eye, camera: Camera, seed_of_eye: int, size: int, defect: str = "") -> Pixels:
    """Draw one photograph from 7 latents in the order of ``population.TRAITS``: height x width x 3, RGB, 0..255.

    A left eye is drawn mirrored. The seed is of everything random: with another z it is the same eye of a changed
    person. ``size`` is about the height in pixels (each camera has its own share of it); ``defect`` is one of
    ``defects.DEFECTS``, empty for a good photograph.
    """
    children = np.random.SeedSequence(seed_of_eye).spawn(6)
    place, branches, skin, shutter, grain, mishap = map(np.random.default_rng, children)
    view = grid(field_pixels(camera, size), camera.zoom)
    anatomy = add_signals(z, place)
    tissue = paint(anatomy, tree(anatomy, branches), view, skin)
    if eye is Eye.LEFT:
        tissue = np.ascontiguousarray(tissue[:, ::-1])
    exposure = expose(shutter)
    field = add_defect(illuminate(tissue, camera, exposure, view), view, defect, mishap)
    return frame(record(field, camera, view, grain), camera, exposure, size)


def what_if(seed_of_eye: int, z: Floats, camera: str, size: int, eye: Eye = Eye.RIGHT) -> Pixels:
    """Redraw one eye with other latents: what z changes, and nothing else, differs.

    Raises:
        UsageError: No camera has that name, or z is not 7 finite numbers.
    """
    if camera not in CAMERAS:
        raise UsageError("There is no camera '{camera}'; the cameras are {cameras}.", camera=camera, cameras=CAMERAS)
    if np.shape(z) != (len(TRAITS),) or not np.all(np.isfinite(z)):
        raise UsageError(
            "Latents are {traits} finite numbers ({traits_2}), not {z}.", traits=len(TRAITS), traits_2=TRAITS, z=repr(z)
        )
    return draw(z, eye, CAMERAS[camera], seed_of_eye, size)


@dataclass(frozen=True, slots=True)
class RenderedEye:
    """Everything that one photograph of a rendered cohort was drawn from, but for its defect."""

    seed_of_eye: int
    """Everything random."""
    z: Floats
    """7 latents in the order of ``population.TRAITS``."""
    camera: str
    """Id of the camera."""
    eye: Eye
    """Which eye."""
    size: int
    """Size that the cohort was rendered at."""

    def redraw(self, shifts: Mapping[str, float]) -> Pixels:
        """Draw the same eye with latents moved by ``shifts`` (by trait, in standard deviations).

        Raises:
            UsageError: A shift names no trait.
        """
        unknown = sorted(set(shifts) - set(TRAITS))
        if unknown:
            raise UsageError(
                "There is no trait '{unknown}'; the traits are {traits}.", unknown=unknown[0], traits=TRAITS
            )
        z = self.z + np.array([shifts.get(trait, 0.0) for trait in TRAITS])
        return what_if(self.seed_of_eye, z, self.camera, self.size, self.eye)


def find(folder: Path, photograph: str) -> RenderedEye:
    """Find what drew one photograph of the cohort that ``synthesise`` wrote to that folder.

    Raises:
        UsageError: The folder holds no rendered cohort, or none with that photograph.
    """
    tables = [folder / name for name in ("limit.json", "truth.csv", "latents.csv")]
    missing = [table.name for table in tables if not table.is_file()]
    if missing:
        raise UsageError(
            "The folder {name} holds no rendered cohort: {missing} is missing.", name=folder.name, missing=missing
        )
    limit = json.loads(tables[0].read_text(encoding="utf-8"))
    row = next((row for row in _rows(tables[1]) if row["photograph"] == photograph), None)
    if row is None:
        raise UsageError(
            "The rendered cohort in {name} has no photograph '{photograph}'; truth.csv lists them.",
            name=folder.name,
            photograph=photograph,
        )
    people = _rows(tables[2])
    person = next(n for n, latent in enumerate(people) if latent["patient_id"] == row["patient_id"])
    z = np.array([float(people[person][f"z_{trait}"]) for trait in TRAITS])
    eye = Eye(row["eye"])
    return RenderedEye(eye_seed(limit["seed"], person, eye), z, row["camera"], eye, limit["size"])


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table."""
    with path.open(encoding="utf-8", newline="") as file:
        return records_from_csv(file)[1]
