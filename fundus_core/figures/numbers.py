"""The numbers that a figure was drawn from, as rows that can be read, exported and drawn again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fundus_core.errors import UsageError

Row = dict[str, str | float | None]
"""One row of a table: words and numbers by column."""

Say = Callable[[str], str]


def numbers(figure: go.Figure, say: Say = str) -> list[Row]:
    """Return what a figure of this package shows, a row per mark.

    Lines and bands that only guide the eye (identity, limits, a reference) are left out: they follow from the
    estimates. A density gives a row per cell that is not empty.

    Args:
        figure: Made by this package.
        say: Translates the names of columns.

    Returns:
        Rows with one set of columns; a mark that lacks one has ``None`` there. Where there is one series only, it is
        not named.

    Raises:
        UsageError: The figure holds a kind of trace that has no rows.

    >>> numbers(go.Figure(go.Bar(x=[1, 2], y=[3, 4]), layout={"xaxis": {"title": "error"}, "yaxis": {"title": "n"}}))
    [{'error': 1.0, 'n': 3.0}, {'error': 2.0, 'n': 4.0}]
    """
    rows = [row for trace in figure.data for row in _rows(trace, figure, say)]
    columns = list(dict.fromkeys(name for row in rows for name in row if row[name] not in (None, "")))
    if len({row.get(say("series")) for row in rows}) == 1 and say("series") in columns:
        columns.remove(say("series"))
    return [{name: row.get(name) for name in columns} for row in rows]


def _rows(trace: Any, figure: go.Figure, say: Say) -> Iterator[Row]:
    if trace.type == "heatmap":
        return _cells(trace, *_axes(figure), say)
    if trace.hoverinfo == "skip":
        return iter(())
    readers: Mapping[str, Callable[..., Iterator[Row]]] = {
        "scatter": _marks,
        "scattergl": _marks,
        "bar": _marks,
        "histogram": _bars,
        "box": _boxes,
    }
    if trace.type not in readers:
        message = f"A figure of kind '{trace.type}' has no table; known are heatmap, {', '.join(readers)}."
        raise UsageError(message)
    return readers[trace.type](trace, *_axes(figure), say)


def _axes(figure: go.Figure) -> tuple[str, str]:
    """Names of the two axes; never the same one."""
    across, up = (_plain(axis.title.text or "") for axis in (figure.layout.xaxis, figure.layout.yaxis))
    return across or "x", (up if up != across else f"{up} (y)") or "y"


def _plain(text: str) -> str:
    return re.sub(r"<br>", " ", re.sub(r"</?(?!br)[a-z][^>]*>", "", text)).strip()


def _marks(trace: Any, across: str, up: str, say: Say) -> Iterator[Row]:
    low, high = _ends(trace)
    for place, (x, y) in enumerate(zip(trace.x, trace.y, strict=True)):
        row: Row = {say("series"): _plain(trace.name or ""), **_carried(trace, place, say)}
        yield row | {across: _cell(x), up: _cell(y), say("low"): low[place], say("high"): high[place]}


def _carried(trace: Any, place: int, say: Say) -> Row:
    """What a mark carries: the name of an observation, or how many it stands for."""
    if trace.customdata is None:
        return {}
    carried = _cell(trace.customdata[place])
    return {say("name"): carried} if isinstance(carried, str) else {say("observations"): carried}


def _ends(trace: Any) -> tuple[list[float | None], list[float | None]]:
    """Lower and upper end of each mark's interval, of whichever axis has intervals."""
    for values, bars in ((trace.y, trace.error_y), (trace.x, trace.error_x)):
        if bars is not None and bars.array is not None:
            value, above, below = (np.asarray(each, dtype=np.float64) for each in (values, bars.array, bars.arrayminus))
            return [_number(each) for each in value - below], [_number(each) for each in value + above]
    return [None] * len(trace.x), [None] * len(trace.x)


def _cells(trace: Any, across: str, up: str, say: Say) -> Iterator[Row]:
    """Cells of a density, whose heights are decimal logarithms of counts."""
    z = np.asarray(trace.z, dtype=np.float64)
    for row, column in zip(*np.nonzero(np.isfinite(z)), strict=True):
        yield {
            say("series"): _plain(trace.name or ""),
            across: _number(trace.x[column]),
            up: _number(trace.y[row]),
            say("observations"): float(np.rint(10.0 ** z[row, column])),
        }


def _bars(trace: Any, across: str, up: str, say: Say) -> Iterator[Row]:
    bins = trace.xbins
    edges = np.arange(bins.start, bins.end + bins.size / 2, bins.size)
    counts, edges = np.histogram(np.asarray(trace.x, dtype=np.float64), edges)
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        yield {
            say("series"): _plain(trace.name or ""),
            say("low"): _number(low),
            say("high"): _number(high),
            up: float(count),
        }


def _boxes(trace: Any, across: str, up: str, say: Say) -> Iterator[Row]:
    marks = {"5 %": "lowerfence", "25 %": "q1", "50 %": "median", "75 %": "q3", "95 %": "upperfence"}
    for place, name in enumerate(trace.y):
        yield {say("series"): _plain(str(name)), **{key: _number(trace[of][place]) for key, of in marks.items()}}


def _cell(value: Any) -> str | float | None:
    return _plain(value) if isinstance(value, str) else _number(value)


def _number(value: Any) -> float | None:
    """A number with the digits that a reader can use; ``None`` where there is none."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{float(value):.6g}")
