"""The same figures on paper: a Plotly figure of this package as SVG or PNG, drawn by matplotlib.

Plotly's own export needs a browser. What is understood here is exactly what the figures of this package use:
lines, markers, error bars, filled bands, densities, boxes, histograms, shapes and notes; anything else is an
error, so that a printed figure never lacks something silently. Only who prints pays for the import of matplotlib,
which is a sixth of what the page server would else import before its first page.
"""

from __future__ import annotations

from collections.abc import Iterable

import plotly.graph_objects as go

from fundus_core.figures.printing.fonts import lacking as _lacking
from fundus_core.figures.printing.text import words

__all__ = ["lacking", "png", "svg"]


def lacking(figures: Iterable[go.Figure], more: str = "") -> str:
    """Return the letters of figures that no font of this machine has; ``png`` writes a question mark for each.

    Args:
        figures: Made by this package.
        more: What is to be written into them besides.
    """
    return _lacking(" ".join([more, *map(words, figures)]))


def svg(figure: go.Figure, *, width: int = 720) -> str:
    """Return the figure as an SVG element that needs nothing else; its letters are drawn where it is opened.

    Args:
        figure: Made by this package.
        width: Pixels; the height is the figure's own.

    Raises:
        UsageError: The figure holds a trace that cannot be printed.
    """
    from fundus_core.figures.printing import paper

    return paper.svg(figure, width=width)


def png(figure: go.Figure, *, width: int = 720, scale: float = 2.0) -> bytes:
    """Return the figure as a PNG file of ``width * scale`` pixels.

    Raises:
        UsageError: The figure holds a trace that cannot be printed.
    """
    from fundus_core.figures.printing import paper

    return paper.png(figure, width=width, scale=scale)
