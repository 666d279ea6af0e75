"""What can be drawn inside axes, with the numbers it is drawn from."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fundus_core.records import Floats, Labels

Row = dict[str, str | float | None]
"""One row of a table: words and numbers by column."""
Say = Callable[[str], str]
Dash = Literal["solid", "dash", "dot"]


@dataclass(frozen=True, slots=True)
class Points:
    """A mark per observation or estimate, with its interval where it has one."""

    x: Floats
    """n places."""
    y: Floats
    """n places."""
    colour: str
    """``#RRGGBB``."""
    name: str = ""
    """Of the series."""
    labels: Labels | None = None
    """n names of what each mark is; a click on one gives it back."""
    counts: Floats | None = None
    """How many each of n marks stands for."""
    of_people: bool = False
    """Whether it counts people, not observations."""
    low: Floats | None = None
    """n lower ends of intervals; NaN where there is none."""
    high: Floats | None = None
    """n upper ends of intervals."""
    across: bool = False
    """Whether intervals lie along the x axis."""
    size: float = 9
    """Pixels across."""
    opacity: float = 1.0
    """Of the inside."""
    edge: float = 0
    """Width of the outline in pixels."""
    whisker: float = 1.3
    """Width of the intervals' lines in pixels; caps are drawn on those thinner than 2."""
    diamond: bool = False
    """Diamonds instead of dots."""
    quick: bool = False
    """Whether the screen may draw them by WebGL, which is less crisp."""
    hover: str = ""
    """What the screen says of one: ``{x}``, ``{y}``, ``{label}`` and ``{count}`` are its own; empty: its place."""

    def rows(self, across: str, up: str, say: Say) -> Iterator[Row]:
        """Return a row per mark."""
        ends = (self.low, self.high)
        for at in range(len(self.x)):
            row: Row = {say("series"): self.name}
            row |= {} if self.labels is None else {say("name"): str(self.labels[at])}
            if self.counts is not None:
                row[say("people") if self.of_people else say("observations")] = _number(self.counts[at])
            low, high = (None if end is None else _number(end[at]) for end in ends)
            yield row | {across: _number(self.x[at]), up: _number(self.y[at]), say("low"): low, say("high"): high}


@dataclass(frozen=True, slots=True)
class Line:
    """A line through places, with a band about it where it has one."""

    x: Floats
    """n places."""
    y: Floats
    """n places."""
    colour: str
    """``#RRGGBB``; empty draws the band alone."""
    name: str = ""
    """Of the series."""
    low: Floats | None = None
    """n lower ends of the band; NaN where there is none."""
    high: Floats | None = None
    """n upper ends of the band."""
    band: str = ""
    """Colour of the band."""
    width: float = 1.4
    """Pixels."""
    dash: Dash = "solid"
    """Of which kind."""
    guide: bool = False
    """Whether it only guides the eye and follows from the rest: it has no rows and says nothing."""

    def rows(self, across: str, up: str, say: Say) -> Iterator[Row]:
        """Return a row per place; none of a guide."""
        for at in range(0 if self.guide else len(self.x)):
            low, high = (None if end is None else _number(end[at]) for end in (self.low, self.high))
            row: Row = {say("series"): self.name, across: _number(self.x[at]), up: _number(self.y[at])}
            yield row | {say("low"): low, say("high"): high}


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from zero: upright ones over ranges of x, or lying ones at named places of y."""

    start: Floats
    """n places where each bar begins along its own axis."""
    end: Floats
    """n places where it ends."""
    length: Floats
    """n lengths; NaN draws none."""
    colour: str
    """``#RRGGBB``."""
    name: str = ""
    """Of the series."""
    labels: tuple[str, ...] = ()
    """n names of lying bars; upright ones have none."""
    low: Floats | None = None
    """n lower ends of the lengths' intervals; NaN where there is none."""
    high: Floats | None = None
    """n upper ends."""
    opacity: float = 0.6
    """Of the inside."""
    edge: float = 0
    """Width of the outline in pixels."""
    hover: str = ""
    """As of points."""

    @property
    def lying(self) -> bool:
        """Whether they lie."""
        return bool(self.labels)

    def rows(self, across: str, up: str, say: Say) -> Iterator[Row]:
        """Return a row per bar."""
        for at, length in enumerate(self.length):
            row: Row = {say("series"): self.name}
            if self.lying:
                low, high = (None if end is None else _number(end[at]) for end in (self.low, self.high))
                yield row | {say("name"): self.labels[at], across: _number(length), say("low"): low, say("high"): high}
            else:
                ends = {say("low"): _number(self.start[at]), say("high"): _number(self.end[at])}
                yield row | ends | {up: _number(length)}


@dataclass(frozen=True, slots=True)
class Box:
    """A lying box: the 5th, 25th, 50th, 75th and 95th percentile."""

    at: float
    """Place on the y axis."""
    marks: tuple[float, float, float, float, float]
    """The percentiles, rising."""
    colour: str
    """``#RRGGBB``."""
    name: str = ""
    """Of the series."""

    def rows(self, _across: str, _up: str, say: Say) -> Iterator[Row]:
        """Return one row."""
        shares = ("5 %", "25 %", "50 %", "75 %", "95 %")
        yield {say("series"): self.name, **dict(zip(shares, map(_number, self.marks), strict=True))}


@dataclass(frozen=True, slots=True)
class Density:
    """How many observations lie in each cell; darker where there are more, by the logarithm."""

    x: Floats
    """n middles of columns."""
    y: Floats
    """m middles of rows."""
    counts: Floats
    """m x n observations."""
    colour: str
    """``#RRGGBB``."""
    name: str = ""
    """Of the series."""

    def rows(self, across: str, up: str, say: Say) -> Iterator[Row]:
        """Return a row per cell that is not empty."""
        for row, column in zip(*np.nonzero(self.counts), strict=True):
            place: Row = {across: _number(self.x[column]), up: _number(self.y[row])}
            yield {say("series"): self.name, **place, say("observations"): _number(self.counts[row, column])}


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line over the whole axes, or the area between two of them; it guides the eye."""

    at: float
    """Where it stands on its axis."""
    colour: str
    """Of the line or the area."""
    to: float | None = None
    """Other end of an area; ``None`` draws a line."""
    upright: bool = False
    """Whether it stands on the x axis."""
    width: float = 1.4
    """Pixels."""
    dash: Dash = "solid"
    """Of which kind."""

    def rows(self, _across: str, _up: str, _say: Say) -> Iterator[Row]:
        """Return nothing: it follows from the rest."""
        return iter(())


Mark = Points | Line | Bars | Box | Density | Rule
"""Anything drawn inside the axes."""


def floats(values: Iterable[float | None]) -> Floats:
    """Return numbers as an array, NaN for ``None``."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
