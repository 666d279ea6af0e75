"""A rendered photograph traced back to what drew it, so that it can be drawn again with another z."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Floats, Pixels
from fundus_core.synthetic.population import TRAITS
from fundus_core.synthetic.render import eye_seed, what_if
from fundus_core.tables import records_from_csv


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
