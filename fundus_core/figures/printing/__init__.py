"""A figure on paper, as SVG or PNG, drawn by matplotlib: the screen's own export needs a browser.

Only who prints pays for the import of matplotlib, which is a sixth of what the page server would else import before
its first page.
"""

from fundus_core.figures.figure import Figure
from fundus_core.figures.printing.fonts import lacking


def svg(figure: Figure, *, width: int = 720) -> str:
    """Return the figure as an SVG element that needs nothing else; its letters are drawn where it is opened.

    The width is in pixels; the height is the figure's own.
    """
    from fundus_core.figures.printing import paper

    return paper.svg(figure, width=width)


def pdf(figure: Figure, *, width: int = 720) -> bytes:
    """Return the figure as a PDF file, its letters in it."""
    from fundus_core.figures.printing import paper

    return paper.pdf(figure, width=width)


def png(figure: Figure, *, width: int = 720, scale: float = 2.0) -> bytes:
    """Return the figure as a PNG file of ``width * scale`` pixels."""
    from fundus_core.figures.printing import paper

    return paper.png(figure, width=width, scale=scale)
