"""How a figure looks and speaks: colours, language, and the sentence about rendered eyes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from fundus_core.targets import Target

COHORTS_LIGHT = ("#0F7B8A", "#E07B00", "#6B2FBF", "#7A1F1F", "#9F8CFF", "#0B2F5C", "#4DBFAC", "#A6805B")
"""A cohort's colour by its place, on a light page."""

COHORTS_DARK = ("#3FB6C6", "#FFA64D", "#A55CFF", "#E0305E", "#F2E85C", "#7A7AD0", "#C04A86", "#4DF0B0")
"""The same colours raised in lightness for a dark page."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour that a figure uses."""

    cohorts: tuple[str, ...]
    """By the cohort's place; the place never changes between figures."""
    ink: str
    """Text that must be read."""
    quiet: str
    """Axis labels and remarks."""
    grid: str
    """Grid lines."""
    band: str
    """The area of plus and minus the mean absolute error."""
    identity: str
    """The line on which prediction equals truth."""
    chosen: str
    """The ring around the point that was clicked."""
    surface: str
    """Behind text inside a figure, with some transparency."""
    paper: str
    """The page's own background, for figures that leave the page."""

    def cohort(self, place: int) -> str:
        """Return the colour of the cohort at that place, starting over after the last."""
        return self.cohorts[place % len(self.cohorts)]


LIGHT = Palette(
    cohorts=COHORTS_LIGHT,
    ink="#1B2733",
    quiet="#5A6675",
    grid="#E3E8EE",
    band="rgba(90,102,117,0.13)",
    identity="#1B2733",
    chosen="#1B2733",
    surface="rgba(255,255,255,0.78)",
    paper="#FFFFFF",
)
"""For a light page and for reports."""

PAPER = replace(LIGHT, ink="#000000", quiet="#333333", identity="#000000", chosen="#000000")
"""For a file that goes into a paper: black on white."""

DARK = Palette(
    cohorts=COHORTS_DARK,
    ink="#EEF2F6",
    quiet="#A7B3C0",
    grid="#2C3846",
    band="rgba(167,179,192,0.16)",
    identity="#EEF2F6",
    chosen="#FFFFFF",
    surface="rgba(17,24,32,0.72)",
    paper="#111820",
)
"""For a dark page."""


def rgba(colour: str, opacity: float) -> str:
    """Return ``#RRGGBB`` with an opacity from 0 to 1, as Plotly reads it.

    >>> rgba("#0F7B8A", 0.5)
    'rgba(15,123,138,0.5)'
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def parts(colour: str) -> tuple[float, float, float, float]:
    """Return ``#RRGGBB`` or ``rgba(...)`` as red, green, blue and opacity from 0 to 1, as matplotlib reads it.

    >>> parts("rgba(255,0,0,0.5)"), parts("#00FF00")
    ((1.0, 0.0, 0.0, 0.5), (0.0, 1.0, 0.0, 1.0))
    """
    text = colour if colour.startswith("rgba") else rgba(colour, 1)
    red, green, blue, opacity = (float(part) for part in text[len("rgba(") : -1].split(","))
    return red / 255, green / 255, blue / 255, opacity


def on_paper(colour: str) -> str:
    """Return what a colour of a light or a dark page is on paper; another one stays.

    >>> on_paper(DARK.identity), on_paper(rgba(DARK.cohorts[0], 0.5)), on_paper("#123456")
    ('#000000', 'rgba(15,123,138,0.5)', '#123456')
    """
    if not colour:
        return colour
    *_, opacity = parts(colour)
    for page in (DARK, LIGHT):
        for ours, paper in zip(_colours(page), _colours(PAPER), strict=True):
            if parts(ours) == parts(colour):
                return paper
            if parts(ours)[:3] == parts(colour)[:3]:
                return rgba(paper, opacity)
    return colour


def _colours(palette: Palette) -> tuple[str, ...]:
    return (*palette.cohorts, palette.ink, palette.quiet, palette.grid, palette.identity, palette.band)


FONT = '"Source Sans", "Noto Sans", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", sans-serif'
"""Only fonts that the page or the machine already has: no request leaves the machine."""


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Look:
    """What every figure is drawn with."""

    dark: bool = False
    """Whether the page is dark."""
    say: Callable[[str], str] = _as_it_is
    """Translates a figure's words; English without it."""
    rendered: bool = False
    """Whether the photographs are rendered: then every figure says so inside its frame."""
    size: int = 13
    """Font size in pixels; slides use a larger one."""
    opaque: bool = False
    """Whether the figure brings its own background (for files that leave the page)."""
    paper: bool = False
    """Whether it goes into a paper: black on white."""

    @property
    def palette(self) -> Palette:
        """The colours for this page."""
        return PAPER if self.paper else DARK if self.dark else LIGHT


def with_unit(target: Target, look: Look) -> str:
    """Return the target's name with its unit in the reader's language."""
    name = look.say(target.name)
    return f"{name} ({look.say(target.unit)})" if target.unit else name


def heading(name: str) -> str:
    """Return a name as the beginning of a line: its first letter large.

    >>> heading("waist circumference")
    'Waist circumference'
    """
    return name[:1].upper() + name[1:]


def number(value: float | None, target: Target, *, signed: bool = False) -> str:
    """Return a value with the target's decimals, a true minus sign, and a dash where there is none.

    >>> from fundus_core.targets import TARGETS
    >>> number(-1.25, TARGETS["bmi"], signed=True)
    '−1.25'
    """
    return _text(value, target.decimals, signed=signed)


def error(value: float | None, *, signed: bool = False) -> str:
    """Return an error in a target's unit with two decimals, as errors are published.

    >>> error(10.3391), error(-0.001, signed=True)
    ('10.34', '0.00')
    """
    return _text(value, 2, signed=signed)


def _text(value: float | None, decimals: int, *, signed: bool) -> str:
    if value is None:
        return "–"
    rounded = round(value, decimals)
    if not rounded:
        return f"{0:.{decimals}f}"  # a zero has no sign
    text = f"{rounded:+.{decimals}f}" if signed else f"{rounded:.{decimals}f}"
    return text.replace("-", "−")
