"""The sheet of paper: a figure of this package drawn by matplotlib, and written as SVG or PNG."""

from __future__ import annotations

import io
from functools import cache

import matplotlib as mpl
import plotly.graph_objects as go
from matplotlib import font_manager
from matplotlib.figure import Figure

from fundus_core.figures.look import alt_text
from fundus_core.figures.printing.axes import finish, prepare
from fundus_core.figures.printing.marks import draw_note, draw_shape
from fundus_core.figures.printing.text import escape
from fundus_core.figures.printing.traces import draw_trace

_PIXELS_PER_INCH = 100.0
_FONTS = ("Source Sans 3", "Noto Sans CJK JP", "Noto Sans JP", "Noto Sans", "DejaVu Sans")


def svg(figure: go.Figure, *, width: int) -> str:
    """Write SVG; see ``printing.svg``."""
    stream = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "fundus"}):
        _draw(figure, width).savefig(
            stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = stream.getvalue().decode("utf-8")
    label = f'<svg role="img" aria-label="{escape(alt_text(figure))}"'
    return text[text.index("<svg") :].replace("<svg", label, 1)


def png(figure: go.Figure, *, width: int, scale: float) -> bytes:
    """Write PNG; see ``printing.png``."""
    stream = io.BytesIO()
    _draw(figure, width).savefig(stream, format="png", dpi=_PIXELS_PER_INCH * scale)
    return stream.getvalue()


@cache
def _fonts() -> list[str]:
    """Return those of our fonts that this machine has; the last comes with matplotlib."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in _FONTS if name in known]


def _draw(figure: go.Figure, width: int) -> Figure:
    layout = figure.layout
    height = float(layout.height or 420)
    points = 0.72 * float(layout.font.size or 13)
    with mpl.rc_context({"font.family": _fonts(), "font.size": points, "axes.unicode_minus": True}):
        paper = Figure(figsize=(width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH), layout="constrained")
        axes = paper.add_subplot()
        prepare(axes, paper, layout)
        for trace in figure.data:
            draw_trace(axes, trace)
        for shape in layout.shapes:
            draw_shape(axes, shape)
        for note in layout.annotations:
            draw_note(axes, note)
        finish(axes, layout)
    return paper
