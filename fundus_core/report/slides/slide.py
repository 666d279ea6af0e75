"""What stands on a slide, and where: parts with places in pixels of a sheet of 1280 x 720.

One description for every file: 96 pixels are an inch of a PowerPoint slide of 13.333 x 7.5 inches.
"""

import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from fundus_core.figures import DARK, LIGHT, Figure, Palette

WIDTH, HEIGHT = 1280, 720
LEAST = 20
"""Smallest letters in pixels, the foot apart: legible from the last row."""

Tone = Literal["ink", "quiet", "accent", "alert", "paper", "wash", "edge"]
"""A colour by what it means."""
Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle."""

    x: float
    """Pixels from the left edge."""
    y: float
    """Pixels from the top edge."""
    w: float
    """Width in pixels."""
    h: float
    """Height in pixels."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text that fits its place: whoever makes it has measured it (``text_fit.fit``)."""

    place: Place
    """Where."""
    lines: tuple[str, ...]
    """Paragraphs."""
    size: float = 24
    """Letters in pixels."""
    bold: bool = False
    """Whether it stands out."""
    tone: Tone = "ink"
    """Its colour."""
    align: Align = "left"
    """Within its place."""
    bulleted: bool = False
    """Whether each paragraph has a dot before it."""


@dataclass(frozen=True, slots=True)
class Box:
    """An area with an edge."""

    place: Place
    """Where."""
    fill: Tone = "wash"
    """Inside."""
    edge: Tone = "edge"
    """Around it."""
    corner: float = 12
    """Radius of its corners in pixels; 0: none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line."""

    x0: float
    """Start, pixels from the left."""
    y0: float
    """Start, pixels from the top."""
    x1: float
    """End, pixels from the left."""
    y1: float
    """End, pixels from the top."""
    tone: Tone = "quiet"
    """Its colour."""
    width: float = 2
    """In pixels."""
    arrow: bool = False
    """Whether its end is a head."""
    dashed: bool = False
    """Whether it is broken."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A square photograph."""

    place: Place
    """Where; as wide as high."""
    data: bytes
    """JPEG, as wide as high."""
    alt: str
    """What it shows, for those who cannot see it."""
    round: bool = False
    """Whether it is cut to a circle."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure of this project, as wide as its place and as high."""

    place: Place
    """Where; also the figure's own size, so that its letters keep theirs."""
    figure: Figure
    """Drawn on its own ground; its words are said (``Figure.settled``)."""
    svg: str = ""
    """Its picture as an SVG element, once it is drawn."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, each on one line."""

    place: Place
    """Where; every row is as high as the others."""
    rows: tuple[tuple[str, ...], ...]
    """All of one length."""
    widths: tuple[float, ...]
    """Of the columns, in pixels; together the width of the place."""
    size: float = 24
    """Letters in pixels."""
    headed: bool = False
    """Whether the first row is a heading."""
    strong: int = -1
    """The column that stands out; -1: none."""

    @property
    def row_height(self) -> float:
        """Height of a row in pixels."""
        return self.place.h / len(self.rows)


Part = Words | Box | Rule | Photo | Drawing | Table
"""Anything on a slide but its title."""


@dataclass(frozen=True, slots=True)
class Page:
    """One slide; it stands alone."""

    title: Words
    """Its heading."""
    parts: tuple[Part, ...]
    """In the order in which they are drawn and read aloud."""
    notes: str = ""
    """For the speaker."""


@dataclass(frozen=True, slots=True)
class Deck:
    """Slides with what stands on all of them."""

    title: str
    """Of the whole."""
    pages: tuple[Page, ...]
    """In their order."""
    footer: str
    """At the foot of every slide."""
    dark: bool = False
    """Light letters on a dark ground."""
    language: str = "en"
    """Code of the language that it is written in."""

    @property
    def palette(self) -> Palette:
        """Its colours."""
        return DARK if self.dark else LIGHT


def colour(tone: Tone, palette: Palette) -> str:
    """Return a tone as ``#RRGGBB``."""
    dark = palette is DARK
    own = {
        "accent": "#5CC8D6" if dark else "#0B7285",
        "alert": "#FFA64D" if dark else "#A04A00",
        "wash": "#1A232D" if dark else "#F1F5F8",
        "edge": "#2C3846" if dark else "#D9E1E8",
        "ink": palette.ink,
        "quiet": palette.quiet,
        "paper": palette.paper,
    }
    return own[tone]


_PHOTO_SIDE = 900
"""Pixels of a photograph in a file: 1.9 times those of the largest place."""


def squared(data: bytes) -> bytes:
    """Return a photograph on a black square, small enough for a file that is sent around."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    return _written(picture)


def filled(data: bytes) -> bytes:
    """Return the middle of a photograph's field: the largest square of which the circle inside holds no black bar."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    seen = picture.convert("L").point(lambda value: 255 if value > _BLACK else 0).getbbox()
    left, top, right, bottom = seen or (0, 0, *picture.size)
    half = min(right - left, bottom - top) / 2 * _INSIDE
    x, y = (left + right) / 2, (top + bottom) / 2
    return _written(picture.crop((round(x - half), round(y - half), round(x + half), round(y + half))))


_BLACK = 24
"""Grey value up to which a pixel belongs to the ground."""
_INSIDE = 0.97
"""Of the field: its soft rim stays out."""


def _written(picture: Image.Image) -> bytes:
    side = max(picture.size)
    ground = Image.new("RGB", (side, side))
    ground.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    if side > _PHOTO_SIDE:
        ground = ground.resize((_PHOTO_SIDE, _PHOTO_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    ground.save(stream, "JPEG", quality=90)
    return stream.getvalue()
