"""The sheet of paper: a figure of this package drawn by matplotlib, and written as SVG, PDF or PNG."""

import codecs
import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from html import escape
from threading import Lock
from typing import Any, cast

import matplotlib as mpl
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure as Sheet
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

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
        _write_svg(paper, stream, none)
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


class _Vectors(RendererSVG):
    """Writes SVG, and knows how wide words are that any figure measured before: most stand on several."""

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        """Return the size of words in points."""
        return _measured(s, prop.copy(), ismath)


@lru_cache(maxsize=4096)
def _measured(words: str, font: FontProperties, formula: Any) -> tuple[float, float, float]:
    return text_to_path.get_text_width_height_descent(words, font, formula)


def _write_svg(paper: Sheet, stream: io.BytesIO, metadata: Mapping[str, None]) -> None:
    """Draw a sheet as ``savefig`` does, but once, and with one renderer that also finds the places of all.

    ``savefig`` draws once more for the places, and ``print_svg`` makes another renderer for them, which measures all
    words anew.
    """
    width, height = paper.get_size_inches()
    text = codecs.getwriter("utf-8")(stream)
    of_vectors, of_both = cast(Any, _Vectors), cast(Any, MixedModeRenderer)
    vectors = of_vectors(width * _POINTS_PER_INCH, height * _POINTS_PER_INCH, text, metadata=metadata)
    renderer = of_both(paper, width, height, _POINTS_PER_INCH, vectors)
    canvas: Any = paper.canvas
    canvas.get_renderer = lambda: renderer
    paper.draw(renderer)
    renderer.finalize()


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
