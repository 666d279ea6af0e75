"""The sheet of paper: a figure of this package drawn by matplotlib, and written as SVG or PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import matplotlib as mpl
import plotly.graph_objects as go
from matplotlib.figure import Figure
from matplotlib.text import Text

from fundus_core.figures.look import FONT, alt_text
from fundus_core.figures.printing import fonts
from fundus_core.figures.printing.axes import finish, prepare
from fundus_core.figures.printing.marks import draw_note, draw_shape
from fundus_core.figures.printing.text import escape, words
from fundus_core.figures.printing.traces import draw_trace

_PIXELS_PER_INCH = 100.0
_ONE_AT_A_TIME = Lock()
"""matplotlib's settings belong to the process: two figures drawn at once would take each other's fonts."""
_MISSING = "Glyph .* missing from font"


def svg(figure: go.Figure, *, width: int) -> str:
    """Write SVG; see ``printing.svg``."""
    stream = io.BytesIO()
    none = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with _settings(figure, {"svg.fonttype": "none", "svg.hashsalt": "fundus"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", _MISSING)  # only measured here; drawn where the file is opened
        _draw(figure, width).savefig(stream, format="svg", metadata=none)
    text = fonts.as_css(stream.getvalue().decode("utf-8"), FONT)
    label = f'<svg role="img" aria-label="{escape(alt_text(figure))}"'
    return text[text.index("<svg") :].replace("<svg", label, 1)


def png(figure: go.Figure, *, width: int, scale: float) -> bytes:
    """Write PNG; see ``printing.png``."""
    stream = io.BytesIO()
    with _settings(figure, {}):
        paper = _draw(figure, width)
        _rewrite(paper, fonts.lacking(words(figure)))
        paper.savefig(stream, format="png", dpi=_PIXELS_PER_INCH * scale)
    return stream.getvalue()


@contextmanager
def _settings(figure: go.Figure, more: dict[str, Any]) -> Iterator[None]:
    """Hold matplotlib's own settings, whatever the user's say, and the fonts for a figure, until it is written."""
    own: Any = {key: value for key, value in mpl.rcParamsDefault.items() if key != "backend"}
    own |= more | {
        "font.family": fonts.families(words(figure)),
        "font.size": 0.72 * float(figure.layout.font.size or 13),
    }
    with _ONE_AT_A_TIME, mpl.rc_context(own):
        yield


def _draw(figure: go.Figure, width: int) -> Figure:
    layout = figure.layout
    height = float(layout.height or 420)
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


def _rewrite(paper: Figure, without: str) -> None:
    """Write what no font has as the reader of the picture is to find it: no box in place of a letter."""
    for axes in paper.axes:
        labels = [label.get_text() for label in axes.get_yticklabels()]
        if any(map(without.__contains__, "".join(labels))):
            axes.set_yticks(axes.get_yticks(), [fonts.written(label, without) for label in labels])
    for text in paper.findobj(Text):
        text.set_text(fonts.written(text.get_text(), without))
