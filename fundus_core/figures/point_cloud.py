"""Observations as points: few of them crisp, many of them quick, very many as a density with the worst on top."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core.figures.marks import Density, Mark, Points
from fundus_core.figures.theme import Look
from fundus_core.records import Floats, Labels

SVG_POINTS = 5_000
"""Up to here every point is an element of its own: crisp and printable."""
WEBGL_POINTS = 50_000
"""Up to here points are drawn by WebGL; above, as a density with the largest errors on top."""
WORST_SHOWN = 500
"""Points drawn over a density, of all groups together."""
CELLS = 120
"""Cells of a density along one axis."""


@dataclass(frozen=True, slots=True)
class Observations:
    """One cohort's observations, a row each, without missing values."""

    name: str
    """As the legend shows it."""
    ids: Labels
    """Carried by each point, so that a click finds the photograph."""
    truth: Floats
    """Measured values in the target's unit."""
    predicted: Floats
    """Predictions in the target's unit."""
    colour: int = 0
    """Place of the cohort's colour in the palette."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def error(self) -> Floats:
        """Predicted minus measured, n."""
        return self.predicted - self.truth


Along = Callable[[Observations], Floats]
"""Where each observation lies on an axis."""


def clouds(groups: Sequence[Observations], along: Along, up: Along, look: Look, *, hover: str) -> Iterator[Mark]:
    """Return the marks of groups' observations; their errors decide which points lie on top of a density."""
    count = sum(map(len, groups))
    for group in groups:
        x, y, ids, colour = along(group), up(group), group.ids, look.palette.cohort(group.colour)
        if count > WEBGL_POINTS:
            yield _density(group.name, x, y, colour)
            worst = _worst(group, max(1, WORST_SHOWN * len(group) // count))
            x, y, ids = x[worst], y[worst], ids[worst]
        yield Points(
            x, y, colour, group.name, ids, hover=hover, size=7 if count <= 2_000 else 5, opacity=0.55, edge=0.6,
            quick=SVG_POINTS < count <= WEBGL_POINTS,
        )  # fmt: skip


def _density(name: str, x: Floats, y: Floats, colour: str) -> Density:
    counts, xs, ys = np.histogram2d(x, y, bins=CELLS)
    return Density((xs[:-1] + xs[1:]) / 2, (ys[:-1] + ys[1:]) / 2, counts.T, colour, name)


def _worst(group: Observations, number: int) -> NDArray[np.intp]:
    return np.argsort(-np.abs(group.error), kind="stable")[:number]
