"""Forest plots: one estimate with its interval per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from fundus_core.evaluation import Published, published
from fundus_core.figures.look import Look, error, frame


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a forest plot."""

    name: str
    """Cohort or subgroup."""
    value: float | None
    """The estimate; ``None`` where it is withheld or not estimable."""
    low: float | None
    """Lower end of the interval."""
    high: float | None
    """Upper end of the interval."""
    count: int | None
    """People behind the estimate; ``None`` where nobody said (a published figure)."""
    note: str = ""
    """Why there is no value."""
    colour: int | None = 0
    """Place of the cohort's colour in the palette; ``None`` for what is no cohort here (a published figure)."""


def literature(target_id: str, score: str, say: Callable[[str], str] = str) -> list[Row]:
    """Return what others have published of a score, a row each, for the foot of a forest plot.

    Args:
        target_id: Id of the target.
        score: Name of the score.
        say: Puts a study's name and note into the reader's language.

    >>> [row.name for row in literature("age", "mae")][:3]
    ['JOIR 2023, age', 'Kamei 2025 (lower end of the range reported)', 'Kamei 2025 (upper end of the range reported)']
    """
    found = published(target_id, score)
    names = [each.study.name for each in found]
    return [
        Row(
            _study(each, say, several=names.count(each.study.name) > 1), each.value, each.low, each.high, None, "", None
        )
        for each in found
    ]


def _study(each: Published, say: Callable[[str], str], *, several: bool) -> str:
    name = say(each.study.name)
    return f"{name} ({say(each.note)})" if several else name


def forest(
    rows: Sequence[Row],
    axis: str,
    look: Look,
    *,
    reference: float | None = None,
    reference_name: str = "",
    write: Callable[[float], str] = error,
) -> go.Figure:
    """Draw estimates with intervals below one another.

    Args:
        rows: From top to bottom.
        axis: Label of the value axis, already translated.
        look: Palette, language, stamp.
        reference: A value to compare with (the whole cohort, a published figure), drawn as a dashed line.
        reference_name: What the line is, already translated.
        write: Writes a value, as tables write it.
    """
    alt = f"{axis}: " + "; ".join(f"{row.name} {_text(row, look, write)}" for row in rows)
    figure = frame(look, alt=alt, height=120 + 40 * max(len(rows), 1))
    labels = [_label(row, look) for row in rows]
    if reference is not None:
        figure.add_vline(x=reference, line={"color": look.palette.quiet, "width": 1.2, "dash": "dash"})
        figure.add_annotation(
            x=reference,
            y=0,
            yref="paper",
            yanchor="bottom",
            xanchor="left",
            text=f" {reference_name}",
            showarrow=False,
            font={"color": look.palette.quiet, "size": look.size - 1},
        )
    for label, row in zip(labels, rows, strict=True):
        _row(figure, label, row, _text(row, look, write), look)
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=labels[::-1],
        showgrid=False,
        range=[-0.6, len(rows) - 0.4],
    )
    figure.update_xaxes(title_text=axis, showgrid=True, range=_reach(rows, reference))
    return figure


def _label(row: Row, look: Look) -> str:
    if row.count is None:
        return row.name
    return f"{row.name}  <span style='color:{look.palette.quiet}'>n = {row.count:,}</span>"


def _reach(rows: Sequence[Row], reference: float | None) -> list[float] | None:
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    ends += [reference] if reference is not None else []
    if not ends:
        return None
    pad = 0.08 * (max(ends) - min(ends)) or 1.0
    return [min(ends) - pad, max(ends) + pad]


def _text(row: Row, look: Look, write: Callable[[float], str]) -> str:
    if row.value is None:
        return row.note or look.say("not estimable")
    interval = "" if row.low is None or row.high is None else f" ({write(row.low)}–{write(row.high)})"
    return f"{write(row.value)}{interval}"


def _row(figure: go.Figure, label: str, row: Row, text: str, look: Look) -> None:
    known = row.value is not None and row.colour is not None
    colour = look.palette.cohort(row.colour or 0) if known else look.palette.quiet
    bars = None
    if row.value is not None and row.low is not None and row.high is not None:
        above, below = row.high - row.value, row.value - row.low
        bars = {"array": [above], "arrayminus": [below], "symmetric": False, "type": "data"}
        bars |= {"color": colour, "thickness": 3, "width": 0}
    figure.add_trace(
        go.Scatter(
            x=[row.value],
            y=[label],
            mode="markers" if row.value is not None else "text",
            marker={"color": colour, "size": 11, "symbol": "diamond"},
            error_x=bars,
            hovertemplate=f"{text}<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_annotation(
        x=1,
        xref="paper",
        y=label,
        text=text,
        showarrow=False,
        xanchor="right",
        bgcolor=look.palette.surface,
        yshift=14,
        font={"size": look.size - 1, "color": look.palette.quiet},
    )
