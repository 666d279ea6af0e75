"""The sheet of paper: a figure of this package drawn by matplotlib, and written as SVG, PDF or PNG."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from threading import Lock
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Sheet
from matplotlib.text import Text

from fundus_core.figures.figure import Figure
from fundus_core.figures.printing import fonts
from fundus_core.figures.printing.drawing import PIXELS_PER_INCH, POINTS_PER_PIXEL, draw
from fundus_core.figures.theme import FONT

_ONE_AT_A_TIME = Lock()
"""matplotlib's settings belong to the process: two figures drawn at once would take each other's fonts."""
_POINTS_PER_INCH = 72
"""The unit of SVG."""
_MISSING = "Glyph .* missing from font"


def svg(figure: Figure, *, width: int) -> str:
    """Write SVG; see ``printing.svg``."""
    stream = io.BytesIO()
    none = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with _settings(figure, {"svg.fonttype": "none", "svg.hashsalt": "fundus"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", _MISSING)  # only measured here; drawn where the file is opened
        paper = draw(figure, width)
        paper.set_dpi(_POINTS_PER_INCH)
        # where places are found while it is drawn: ``savefig`` would draw it once more for them, and throw that away
        canvas: Any = FigureCanvasSVG(paper)
        canvas.print_svg(stream, metadata=none)
    text = fonts.as_css(stream.getvalue().decode("utf-8"), FONT)
    label = f'<svg role="img" aria-label="{escape(figure.alt)}"'
    return text[text.index("<svg") :].replace("<svg", label, 1)


def png(figure: Figure, *, width: int, scale: float) -> bytes:
    """Write PNG; see ``printing.png``."""
    return _written(figure, width, dpi=PIXELS_PER_INCH * scale, format="png")


def pdf(figure: Figure, *, width: int) -> bytes:
    """Write PDF; see ``printing.pdf``."""
    return _written(figure, width, format="pdf", metadata=dict.fromkeys(("Creator", "Producer", "CreationDate")))


def _written(figure: Figure, width: int, **how: Any) -> bytes:
    stream = io.BytesIO()
    with _settings(figure, {"pdf.fonttype": 42}):
        paper = draw(figure, width)
        _rewrite(paper, fonts.lacking(figure.words))
        paper.savefig(stream, **how)
    return stream.getvalue()


@contextmanager
def _settings(figure: Figure, more: dict[str, Any]) -> Iterator[None]:
    """Hold matplotlib's own settings, whatever the user's say, and the fonts for a figure, until it is written."""
    own: Any = {key: value for key, value in mpl.rcParamsDefault.items() if key != "backend"}
    own |= more | {
        "font.family": fonts.families(figure.words),
        "font.size": POINTS_PER_PIXEL * figure.look.size,
    }
    with _ONE_AT_A_TIME, mpl.rc_context(own):
        yield


def _rewrite(paper: Sheet, without: str) -> None:
    """Write what no font has as the reader of the picture is to find it: no box in place of a letter."""
    for axes in paper.axes:
        labels = [label.get_text() for label in axes.get_yticklabels()]
        if any(map(without.__contains__, "".join(labels))):
            axes.set_yticks(axes.get_yticks(), [fonts.written(label, without) for label in labels])
    for text in paper.findobj(Text):
        text.set_text(fonts.written(text.get_text(), without))
