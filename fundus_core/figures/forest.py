"""Forest plots: one estimate with its interval per row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fundus_core.evaluation import Estimate, published
from fundus_core.figures.figure import Axis, Figure, Label, Note, Text
from fundus_core.figures.marks import Line, Mark, Points, Rule, floats
from fundus_core.figures.theme import Look, error
from fundus_core.targets import Published


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One row of a forest plot."""

    name: str
    """Cohort or subgroup."""
    estimate: Estimate
    """Its value is ``None`` where it is withheld or not estimable; its note says why, in the reader's language."""
    people: int | None
    """Behind the estimate; ``None`` where nobody said (a published figure)."""
    colour: int | None = 0
    """Place of the cohort's colour in the palette; ``None`` for what is no cohort here (a published figure)."""
    remark: str = ""
    """Stands behind the people."""
    drawn: Literal["point", "mean", "reach"] = "point"
    """A point with its interval, a diamond as wide as the interval, or the interval alone."""


def literature(target_id: str, score: str, say: Callable[[str], str] = str) -> list[ForestRow]:
    """Return what others have published of a target's score, a row each, for the foot of a forest plot.

    ``say`` puts a study's name and note into the reader's language.

    >>> [row.name for row in literature("age", "mae")][:3]
    ['JOIR 2023, age', 'Kamei 2025 (lower end of the range reported)', 'Kamei 2025 (upper end of the range reported)']
    """
    found = published(target_id, score)
    names = [each.study.name for each in found]
    return [
        ForestRow(
            _study(each, say, several=names.count(each.study.name) > 1),
            Estimate(each.value, each.low, each.high),
            None,
            None,
        )
        for each in found
    ]


def _study(each: Published, say: Callable[[str], str], *, several: bool) -> str:
    name = say(each.study.name)
    return f"{name} ({say(each.note)})" if several else name


def forest(
    rows: Sequence[ForestRow],
    axis: str,
    look: Look,
    *,
    reference: float | None = None,
    reference_name: str = "",
    write: Callable[[float], str] = error,
    share: bool = False,
) -> Figure:
    """Draw estimates with intervals below one another, on an axis whose label is already translated.

    A ``reference`` (the whole cohort, a published figure) is drawn as a dashed line; ``write`` writes values as tables
    do; the numbers of a ``share`` stand on the axis as percentages, as in the rows.
    """
    texts = [_text(row.estimate, look, write) for row in rows]
    places = range(len(rows) - 1, -1, -1)
    remarks = [
        " · ".join(filter(None, ["" if row.people is None else f"n = {row.people:,}", row.remark])) for row in rows
    ]
    line, named = _reference(reference, reference_name, look)
    return Figure(
        look,
        f"{axis}: " + "; ".join(f"{row.name} {text}" for row, text in zip(rows, texts, strict=True)),
        Axis(axis, _reach(rows, reference), grid=True, share=share),
        Axis(
            span=(-0.6, len(rows) - 0.4),
            labels=tuple(Label(at, row.name, n) for at, row, n in zip(places, rows, remarks, strict=True)),
        ),
        (
            *line,
            *(mark for row, at in zip(rows, places, strict=True) for mark in _diamond(row, at, look)),
            *(_point(row, at, text, look) for row, at, text in zip(rows, places, texts, strict=True)),
        ),
        (
            *named,
            *(
                Note(
                    (Text(text, quiet=True),),
                    1,
                    at,
                    y_is_place=True,
                    anchor=("right", "middle"),
                    smaller=1,
                    plate=False,
                    lift=14,
                )
                for at, text in zip(places, texts, strict=True)
            ),
        ),
        height=120 + 40 * max(len(rows), 1),
    )


def _reference(value: float | None, name: str, look: Look) -> tuple[list[Mark], list[Note]]:
    if value is None:
        return [], []
    text = (Text(name, quiet=True),)
    note = Note(text, value, 0, x_is_place=True, anchor=("left", "bottom"), plate=False, smaller=1)
    return [Rule(value, look.palette.quiet, upright=True, width=1.2, dash="dash")], [note]


def _reach(rows: Sequence[ForestRow], reference: float | None) -> tuple[float, float] | None:
    ends = [end for row in rows for end in _ends(row.estimate) if end is not None]
    ends += [reference] if reference is not None else []
    if not ends:
        return None
    pad = 0.08 * (max(ends) - min(ends)) or 1.0
    return min(ends) - pad, max(ends) + pad


def _ends(of: Estimate) -> tuple[float | None, float | None, float | None]:
    return of.value, of.low, of.high


def _text(of: Estimate, look: Look, write: Callable[[float], str]) -> str:
    if of.value is None:
        return of.note or look.say("not estimable")
    return write(of.value) + ("" if of.low is None or of.high is None else f" ({write(of.low)}–{write(of.high)})")


def _diamond(row: ForestRow, at: int, look: Look) -> list[Mark]:
    """Outline the interval of a mean; its numbers are those of its point."""
    value, low, high = _ends(row.estimate)
    if row.drawn != "mean" or value is None or low is None or high is None:
        return []
    x, y = floats([low, value, high, value, low]), np.array([at, at + 0.22, at, at - 0.22, at], dtype=np.float64)
    return [Line(x, y, look.palette.ink, width=2, guide=True)]


def _colour(row: ForestRow, look: Look) -> str:
    if row.colour is not None:
        return look.palette.cohort(row.colour)
    return look.palette.ink if row.drawn == "mean" else look.palette.quiet


def _point(row: ForestRow, at: int, text: str, look: Look) -> Points:
    value, low, high = (floats([end]) for end in _ends(row.estimate))
    return Points(
        value,
        np.array([float(at)]),
        _colour(row, look),
        row.name,
        counts=None if row.people is None else floats([row.people]),
        of_people=True,
        low=low,
        high=high,
        across=True,
        size={"point": 11, "mean": 7, "reach": 3}[row.drawn],
        whisker={"point": 3, "mean": 1.4, "reach": 5}[row.drawn],
        diamond=True,
        hover=text,
    )
