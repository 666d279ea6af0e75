"""How a figure looks and speaks: palette, language, and the sentence about rendered eyes."""

from collections.abc import Callable
from dataclasses import dataclass

from fundus_core.figures.palette import DARK, LIGHT, PAPER, Palette
from fundus_core.targets import Target

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
