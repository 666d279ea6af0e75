"""Observations as points: few of them crisp, many of them quick, very many as a density with the worst on top."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fundus_core.figures.look import Look
from fundus_core.figures.palette import rgba
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
class Points:
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


def cloud(figure: go.Figure, group: Points, x: Floats, y: Floats, look: Look, *, count: int, hover: str) -> None:
    """Draw a group's observations.

    Args:
        figure: Where to draw.
        group: Names, colour, and the errors that decide which points lie on top of a density.
        x: Where each point lies, n.
        y: Where each point lies, n.
        look: Palette.
        count: Observations of all groups of the figure together.
        hover: Plotly's template.
    """
    if count > WEBGL_POINTS:
        _density(figure, group, x, y, look)
        worst = _worst(group, max(1, WORST_SHOWN * len(group) // count))
        group = replace(group, ids=group.ids[worst], truth=group.truth[worst], predicted=group.predicted[worst])
        x, y = x[worst], y[worst]
    colour = look.palette.cohort(group.colour)
    kind = go.Scatter if count <= SVG_POINTS or count > WEBGL_POINTS else go.Scattergl
    figure.add_trace(
        kind(
            x=x,
            y=y,
            customdata=[str(name) for name in group.ids],
            mode="markers",
            name=group.name,
            marker={
                "color": rgba(colour, 0.55),
                "size": 7 if count <= 2_000 else 5,
                "line": {"width": 0.6, "color": rgba(colour, 0.9)},
            },
            selected={"marker": {"opacity": 1, "size": 14, "color": look.palette.chosen}},
            unselected={"marker": {"opacity": 0.45}},
            hovertemplate=hover,
        )
    )


def _density(figure: go.Figure, group: Points, x: Floats, y: Floats, look: Look) -> None:
    counts, xs, ys = np.histogram2d(x, y, bins=CELLS)
    shown = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan).astype(np.float32)
    colour = look.palette.cohort(group.colour)
    figure.add_trace(
        go.Heatmap(
            x=(xs[:-1] + xs[1:]) / 2,
            y=(ys[:-1] + ys[1:]) / 2,
            z=shown.T,
            colorscale=[[0, rgba(colour, 0.12)], [1, colour]],
            showscale=False,
            hoverinfo="skip",
            name=group.name,
        )
    )


def _worst(group: Points, number: int) -> NDArray[np.intp]:
    return np.argsort(-np.abs(group.error), kind="stable")[:number]
