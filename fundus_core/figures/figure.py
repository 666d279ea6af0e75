"""A figure in plain records: what is drawn, on which axes, and in which words.

Two drawers read it, one for the screen and one for paper; its table holds the numbers that both draw, with all their
digits.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fundus_core.figures.marks import Mark, Row, Rule, Say
from fundus_core.figures.theme import Look, on_paper

Column = Literal["single", "double"]
COLUMNS: Mapping[Column, int] = {"single": 331, "double": 685}
"""Widths of a journal's columns, 84 and 174 mm (Springer's artwork guidelines; others are up to 16 mm wider), in pixels
of 0.254 mm."""
LETTERS = 11
"""Height of letters on paper in the same pixels: 8 points, as journals ask for."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words on one line."""

    words: str
    """As they are written; no markup."""
    bold: bool = False
    """Whether they stand out."""
    quiet: bool = False
    """Whether they stand back."""


@dataclass(frozen=True, slots=True)
class Note:
    """Lines of text over the axes."""

    lines: tuple[Text, ...]
    """From top to bottom."""
    x: float
    """In the axes from 0 (left) to 1, or a place on the x axis."""
    y: float
    """In the axes from 0 (bottom) to 1, or a place on the y axis."""
    x_is_place: bool = False
    """Whether ``x`` is a place on the axis."""
    y_is_place: bool = False
    """Whether ``y`` is a place on the axis."""
    anchor: tuple[Literal["left", "right"], Literal["top", "middle", "bottom"]] = ("right", "bottom")
    """Which corner of the text lies there."""
    plate: bool = True
    """Whether it has a ground of its own that keeps it legible."""
    smaller: int = 0
    """By how many pixels its letters are smaller than the figure's."""
    lift: int = 0
    """Pixels by which it stands higher."""


@dataclass(frozen=True, slots=True)
class Label:
    """What stands at a place of an axis instead of its number."""

    at: float
    """The place."""
    words: str
    """What it is called."""
    remark: str = ""
    """Stands behind, quietly."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis."""

    title: str = ""
    """With its unit; also the name of its column in the table."""
    span: tuple[float, float] | None = None
    """Ends; as far as the marks reach without it."""
    grid: bool = False
    """Whether lines stand at its numbers."""
    labels: tuple[Label, ...] = ()
    """Names in place of numbers; empty for an axis of numbers."""
    ticks: int = 0
    """Most numbers; as many as the drawer likes where 0."""
    shown: bool = True
    """Whether it is drawn."""
    share: bool = False
    """Whether its numbers, from 0 to 1, are written as percentages."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure."""

    look: Look
    """Palette, language, stamp."""
    alt: str
    """What it shows, for those who cannot see it."""
    x: Axis
    """From left to right."""
    y: Axis
    """From bottom to top."""
    marks: tuple[Mark, ...]
    """In the order in which they are drawn."""
    notes: tuple[Note, ...] = ()
    """Over the marks."""
    title: str = ""
    """What it found, in a line; a page writes it as the heading of the figure."""
    head: tuple[Text, ...] = ()
    """Below the title, above the axes, where they cover no point: the numbers that this is held against."""
    height: int = 420
    """Pixels."""
    legend: bool = False
    """Whether series are named below the axes."""
    equal: bool = False
    """Whether a step is as long on both axes."""
    remark: str = ""
    """Above the axes: what must stand beside a figure that leaves the page."""

    @property
    def written(self) -> tuple[Note, ...]:
        """All notes: its own, and right above the axes the stamp of rendered eyes."""
        stamp = Text(self.look.say("rendered eyes"), quiet=True)
        above = Note((stamp,), 0, 1, anchor=("left", "bottom"), plate=False, smaller=1)
        return (*self.notes, above) if self.look.rendered else self.notes

    @property
    def settled(self) -> Figure:
        """The same figure with all of its words said, so that another process can draw it."""
        return replace(self, notes=self.written, look=replace(self.look, rendered=False, say=str))

    @property
    def above(self) -> tuple[Text, ...]:
        """What stands over the axes where nobody else writes it: title, head and remark."""
        title = (Text(self.title, bold=True),) if self.title else ()
        return (*title, *self.head, *([Text(self.remark, quiet=True)] if self.remark else []))

    @property
    def words(self) -> str:
        """All that is written in it, one word after another."""
        labels = [part for axis in (self.x, self.y) for label in axis.labels for part in (label.words, label.remark)]
        above = " · ".join(line.words for line in self.above)
        lines = [above, *(line.words for note in self.written for line in note.lines)]
        names = [mark.name for mark in self.marks if not isinstance(mark, Rule)]
        return " ".join(filter(None, [self.x.title, self.y.title, *labels, *lines, *names]))

    def table(self, say: Say = str) -> list[Row]:
        """Return the numbers that are drawn, a row per mark; ``say`` translates the names of columns.

        Lines and areas that only guide the eye are left out: they follow from the estimates. A density gives a row per
        cell that is not empty. Rows have one set of columns; a mark that lacks one has ``None`` there. Where there is
        one series only, it is not named.
        """
        across = self.x.title.replace("\n", " ") or "x"
        up = self.y.title.replace("\n", " ") or "y"
        rows = [row for mark in self.marks for row in mark.rows(across, up if up != across else f"{up} (y)", say)]
        columns = list(dict.fromkeys(name for row in rows for name in row if row[name] not in (None, "")))
        if len({row.get(say("series")) for row in rows}) == 1 and not self.y.labels and say("series") in columns:
            columns.remove(say("series"))
        return [{name: row.get(name) for name in columns if not self._place(name, up)} for row in rows]

    def _place(self, column: str, up: str) -> bool:
        """Whether a column holds only places of rows that have names."""
        return bool(self.y.labels) and column == up

    def to_go(self, remark: str, column: Column) -> Figure:
        """Return the figure as it goes into a paper: black on white, a column wide, with what must stand beside it.

        Axes of equal steps make a square of it, so that no part of the width stays empty.
        """
        look = replace(self.look, dark=False, opaque=True, paper=True, size=LETTERS)
        width = COLUMNS[column]
        height = 0.96 * width if self.equal else min(0.72 * width, self.height)
        marks = tuple(replace(mark, **_on_paper(mark)) for mark in self.marks)
        made = replace(self, look=look, remark=remark, marks=marks)
        lines = sum(1 for _line in wrapped(made.above, letters(width, LETTERS))) + 2 * self.legend
        return replace(made, height=round(height + 1.35 * LETTERS * lines))


def _on_paper(mark: Mark) -> dict[str, Any]:
    return {name: on_paper(getattr(mark, name)) for name in ("colour", "band") if hasattr(mark, name)}


def letters(width: int, size: int) -> int:
    """Return how many letters of a size fit a line of so many pixels, as wide as the widest font that is tried is."""
    return int((width - 8) / (0.6 * size))


def wrapped(lines: Sequence[Text], letters: int) -> Iterator[Text]:
    """Yield lines that fit: quiet ones that follow each other share one, and one that is too long is broken.

    A letter as wide as it is high, as in Japanese, counts as two; one of a bold line as a sixth more.
    """
    held: Text | None = None
    for line in lines:
        joined = None if held is None else f"{held.words} · {line.words}"
        if held is not None and joined and held.quiet and line.quiet and _wide(joined) <= letters:
            held = Text(joined, quiet=True)
            continue
        if held is not None:
            yield from _broken(held, letters)
        held = line
    if held is not None:
        yield from _broken(held, letters)


def _broken(line: Text, letters: int) -> Iterator[Text]:
    """Yield a line in as few pieces as fit, broken at spaces, or anywhere where there is none that helps."""
    rest, letters = line.words, max(2, letters * 6 // 7) if line.bold else letters
    while _wide(rest) > letters:
        end = next(n for n in range(len(rest), 0, -1) if _wide(rest[:n]) <= letters)
        space = rest.rfind(" ", 0, end + 1)
        cut = space if space > end // 2 else end
        yield Text(rest[:cut].rstrip(), line.bold, line.quiet)
        rest = rest[cut:].lstrip()
    yield Text(rest, line.bold, line.quiet)


def _wide(words: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in words)
