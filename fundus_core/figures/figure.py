"""A figure in plain records: what is drawn, on which axes, and in which words.

Two drawers read it, one for the screen and one for paper; its table holds the numbers that both draw, with all their
digits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fundus_core.figures.marks import Mark, Row, Rule, Say
from fundus_core.figures.theme import Look


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


def corner(lines: list[Text], where: str = "bottom right") -> Note:
    """Return a note in a corner of the axes: ``top`` or ``bottom`` and ``left`` or ``right``."""
    right, top = where.endswith("right"), where.startswith("top")
    inside = (0.985 if right else 0.015, 0.985 if top else 0.015)
    return Note(tuple(lines), *inside, anchor=("right" if right else "left", "top" if top else "bottom"))


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
    height: int = 420
    """Pixels."""
    legend: bool = False
    """Whether series are named below the axes."""
    equal: bool = False
    """Whether a step is as long on both axes."""
    remark: str = ""
    """Small, above the axes at the right: what must stand beside a figure that leaves the page."""

    @property
    def written(self) -> tuple[Note, ...]:
        """All notes: its own, the stamp of rendered eyes, and the remark."""
        stamp = Text(self.look.say("rendered eyes") if self.look.rendered else "", quiet=True)
        above = (
            Note((stamp,), 0, 1, anchor=("left", "bottom"), plate=False, smaller=1),
            Note((Text(self.remark, quiet=True),), 1, 1, plate=False, smaller=3),
        )
        return (*self.notes, *(note for note in above if note.lines[0].words))

    @property
    def words(self) -> str:
        """All that is written in it, one word after another."""
        labels = [part for axis in (self.x, self.y) for label in axis.labels for part in (label.words, label.remark)]
        lines = [line.words for note in self.written for line in note.lines]
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

    def to_go(self, remark: str) -> Figure:
        """Return the figure with a ground of its own, legible wherever it goes, and what must stand beside it."""
        return replace(self, look=replace(self.look, opaque=True), remark=remark)
