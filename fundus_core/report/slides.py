"""What stands on a slide, whatever file it becomes."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class Picture:
    """A photograph on a slide."""

    data: bytes
    """JPEG or PNG."""
    caption: str
    """Below it; also its alternative text."""


@dataclass(frozen=True, slots=True)
class Slide:
    """What stands on one slide; every part is optional but the title."""

    title: str
    """What it says, as a heading."""
    lines: tuple[str, ...] = ()
    """Sentences below the heading, or below the table."""
    table: tuple[tuple[str, ...], ...] = ()
    """Rows of cells, all of one length."""
    headed: bool = False
    """Whether the first row of the table is its heading."""
    figure: go.Figure | None = None
    """To the left of the table."""
    pictures: tuple[Picture, ...] = ()
    """Side by side."""
