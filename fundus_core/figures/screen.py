"""A figure on the screen: drawn by Plotly."""

import base64
from collections.abc import Callable, Collection, Iterator, Mapping
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fundus_core.figures.figure import Axis, Figure, Note, Text
from fundus_core.figures.marks import Bars, Box, Density, Line, Mark, Points, Rule
from fundus_core.figures.theme import FONT, Palette, rgba
from fundus_core.records import Floats

Trace = dict[str, Any]
_CLEAR = "rgba(0,0,0,0)"


def plotly(figure: Figure, marked: Collection[str] = (), at: str = "") -> go.Figure:
    """Return a figure as Plotly draws it, looked through by Plotly; see :func:`_specification`."""
    return go.Figure(_specification(figure, marked, at)).update_layout(template="none")


class Drawn(go.Figure):  # type: ignore[misc]
    """A figure as a page sends it; Plotly does not look through it word by word, which takes longer than drawing."""

    def __init__(self, figure: Figure, marked: Collection[str] = (), at: str = "") -> None:
        """Draw a figure; see :func:`_specification`."""
        self._own: dict[str, Any] = _sent(_specification(figure, marked, at))

    def to_dict(self) -> dict[str, Any]:
        """Return what a browser is sent."""
        return self._own


def _sent(part: Any) -> Any:
    """Return a specification with its arrays as a browser reads them: numbers in base 64, words as they are.

    >>> _sent({"x": np.array([1.0]), "name": "a"})
    {'x': {'dtype': 'f8', 'bdata': 'AAAAAAAA8D8='}, 'name': 'a'}
    """
    if isinstance(part, dict):
        return {name: _sent(each) for name, each in part.items()}
    if not isinstance(part, np.ndarray):
        return part
    if part.dtype.kind != "f" or not part.size:
        return part.tolist()
    shape = {"shape": ", ".join(map(str, part.shape))} if part.ndim > 1 else {}
    return {"dtype": f"f{part.itemsize}", "bdata": base64.b64encode(part.tobytes()).decode(), **shape}


def _specification(figure: Figure, marked: Collection[str] = (), at: str = "") -> dict[str, Any]:
    """Return a figure in Plotly's words; a point's name and a bar's ends are its ``customdata``.

    Args:
        figure: Any.
        marked: Names of the points that stand out; none where nothing does.
        at: Name of the point that a reader looks at, which gets a ring; empty for none.
    """
    data = [trace for mark in figure.marks for trace in _DRAWERS[type(mark)](mark, figure)]
    for trace in data if marked else []:
        if "selected" in trace:
            trace["selectedpoints"] = np.flatnonzero(np.isin(trace["customdata"], list(marked))).tolist()
    data += [ring for trace in data if at for ring in _ring(trace, at, figure)]
    shapes = [_rule(mark) for mark in figure.marks if isinstance(mark, Rule)]
    notes = [_note(note, figure) for note in figure.written]
    layout = {**_layout(figure), "shapes": shapes, "annotations": notes}
    if figure.look.opaque and figure.above:  # away from the page, which writes it itself
        over = Note(figure.above, 0, 1, anchor=("left", "bottom"), plate=False, lift=20)
        notes.append(_note(over, figure))
        layout["margin"]["t"] += 18 * len(figure.above)
    return {"data": data, "layout": layout}


def _ring(trace: Trace, name: str, figure: Figure) -> list[Trace]:
    """Return a ring around a point of a trace; nothing where the trace does not have it."""
    if "selected" not in trace:
        return []
    line = {"width": 2.5, "color": figure.look.palette.ink}
    marker = {"symbol": "circle-open", "size": 17, "color": figure.look.palette.ink, "line": line}
    style = {"mode": "markers", "marker": marker, "hoverinfo": "skip", "showlegend": False}
    found = np.flatnonzero(np.asarray(trace["customdata"], dtype=object) == name)[:1]
    return [{"type": trace["type"], "x": [trace["x"][one]], "y": [trace["y"][one]], **style} for one in found]


def _layout(figure: Figure) -> dict[str, Any]:
    look, palette = figure.look, figure.look.palette
    ground = palette.paper if look.opaque else _CLEAR
    return {
        "height": figure.height,
        "margin": {"l": 64, "r": 18, "t": 26, "b": 60} if figure.y.shown else {"l": 8, "r": 8, "t": 20, "b": 36},
        "paper_bgcolor": ground,
        "plot_bgcolor": ground,
        "font": {"family": FONT, "size": look.size, "color": palette.ink},
        "hoverlabel": {"bgcolor": palette.paper, "bordercolor": palette.grid, "font": {"color": palette.ink}},
        "showlegend": figure.legend,
        # below the axes, so that it keeps clear of the mode bar
        "legend": {"orientation": "h", "x": 0, "y": -56 / max(figure.height - 86, 1), "yanchor": "top"},
        "barmode": "overlay",
        "dragmode": "pan",
        "modebar": {"bgcolor": _CLEAR, "color": palette.quiet, "activecolor": palette.ink},
        "hovermode": "closest",
        "xaxis": _axis(figure.x, palette) | ({"constrain": "domain"} if figure.equal else {}),
        "yaxis": _axis(figure.y, palette)
        | ({"scaleanchor": "x", "scaleratio": 1, "constrain": "domain"} if figure.equal else {}),
    }


def _axis(axis: Axis, palette: Palette) -> dict[str, Any]:
    named = {
        "tickvals": [label.at for label in axis.labels],
        "ticktext": [
            _html(label.words)
            + (f"  <span style='color:{palette.quiet}'>{_html(label.remark)}</span>" if label.remark else "")
            for label in axis.labels
        ],
    }
    return {
        "gridcolor": palette.grid,
        "showgrid": axis.grid,
        "zeroline": False,
        "linecolor": palette.grid,
        "tickfont": {"color": palette.ink if axis.labels else palette.quiet},
        "title": {"text": _html(axis.title), "font": {"color": palette.quiet}, "standoff": 10},
        "automargin": True,
        "visible": axis.shown,
        **({"range": list(axis.span)} if axis.span else {}),
        **({"nticks": axis.ticks} if axis.ticks else {}),
        **({"tickformat": ".0%"} if axis.share else {}),
        **(named if axis.labels else {}),
    }


def _points(mark: Points, figure: Figure) -> Iterator[Trace]:
    clicked = {
        "customdata": None if mark.labels is None else [str(name) for name in mark.labels],
        "selected": {"marker": {"opacity": 1, "size": mark.size + 4, "color": figure.look.palette.chosen}},
        "unselected": {"marker": {"opacity": 0.45}},
    }
    trace: Trace = {
        "type": "scattergl" if mark.quick else "scatter",
        "x": mark.x,
        "y": mark.y,
        "mode": "markers",
        "name": _html(mark.name),
        "showlegend": bool(mark.name),
        "marker": {
            "color": rgba(mark.colour, mark.opacity),
            "size": mark.size,
            "symbol": "diamond" if mark.diamond else "circle",
            "line": {"width": mark.edge, "color": rgba(mark.colour, 0.9)},
        },
        **_hover(mark.hover),
        **({} if mark.counts is None else {"text": mark.counts}),
        **(clicked if mark.labels is not None else {"customdata": [mark.name] * len(mark.x)} if mark.name else {}),
    }
    value = mark.x if mark.across else mark.y
    yield trace | _whiskers("x" if mark.across else "y", value, mark.low, mark.high, mark.colour, mark.whisker)


def _line(mark: Line, figure: Figure) -> Iterator[Trace]:
    usual: Trace = {"type": "scatter", "mode": "lines", "name": _html(mark.name)}
    if mark.low is not None and mark.high is not None:
        known = np.isfinite(mark.low) & np.isfinite(mark.high)
        yield usual | {
            "x": np.concatenate([mark.x[known], mark.x[known][::-1]]),
            "y": np.concatenate([mark.low[known], mark.high[known][::-1]]),
            "fill": "toself",
            "fillcolor": mark.band,
            "line": {"width": 0},
            "hoverinfo": "skip",
            "showlegend": not mark.colour,
        }
    if mark.colour:
        line = {"color": mark.colour, "width": mark.width, "dash": mark.dash}
        quiet = {"hoverinfo": "skip"} if mark.guide else {}
        yield usual | {"x": mark.x, "y": mark.y, "line": line, "showlegend": bool(mark.name), **quiet}


def _bars(mark: Bars, figure: Figure) -> Iterator[Trace]:
    middle, width = (mark.start + mark.end) / 2, mark.end - mark.start
    yield {
        "type": "bar",
        "x": mark.length if mark.lying else middle,
        "y": middle if mark.lying else mark.length,
        "width": width,
        "orientation": "h" if mark.lying else "v",
        "customdata": [f"{float(low)!r} {float(high)!r}" for low, high in zip(mark.start, mark.end, strict=True)],
        "name": _html(mark.name),
        "showlegend": bool(mark.name),
        "marker": {"color": rgba(mark.colour, mark.opacity), "line": {"color": mark.colour, "width": mark.edge}},
        **_hover(mark.hover),
        **_whiskers("x" if mark.lying else "y", mark.length, mark.low, mark.high, mark.colour, 1.3),
    }


def _box(mark: Box, figure: Figure) -> Iterator[Trace]:
    names = ("lowerfence", "q1", "median", "q3", "upperfence")
    yield {
        "type": "box",
        "y": [mark.at],
        **{name: [value] for name, value in zip(names, mark.marks, strict=True)},
        "width": 0.5,
        "orientation": "h",
        "fillcolor": rgba(mark.colour, 0.45),
        "line": {"color": mark.colour, "width": 1.6},
        "name": _html(mark.name),
        "showlegend": False,
    }


def _density(mark: Density, figure: Figure) -> Iterator[Trace]:
    with np.errstate(divide="ignore"):
        shade = np.where(mark.counts > 0, np.log10(mark.counts), np.nan).astype(np.float32)
    yield {
        "type": "heatmap",
        "x": mark.x,
        "y": mark.y,
        "z": shade,
        "colorscale": [[0, rgba(mark.colour, 0.12)], [1, mark.colour]],
        "showscale": False,
        "hoverinfo": "skip",
        "name": _html(mark.name),
    }


_DRAWERS: Mapping[type[Mark], Callable[[Any, Figure], Iterator[Trace]]] = {
    Points: _points,
    Line: _line,
    Bars: _bars,
    Box: _box,
    Density: _density,
    Rule: lambda _mark, _figure: iter(()),
}


def _whiskers(
    axis: str, value: Floats, low: Floats | None, high: Floats | None, colour: str, width: float
) -> dict[str, Any]:
    if low is None or high is None or not np.isfinite(low).any():
        return {}
    above, below = (np.maximum(np.nan_to_num(length), 0) for length in (high - value, value - low))
    drawn = {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "color": colour}
    return {f"error_{axis}": drawn | {"thickness": width, "width": 3 if width < 2 else 0}}


def _hover(text: str) -> dict[str, Any]:
    """Plotly's template of what is said of one mark."""
    for ours, theirs in {"{label}": "{customdata}", "{count}": "{text}", "{": "%{", "\n": "<br>"}.items():
        text = text.replace(ours, theirs)
    return {"hovertemplate": f"{text}<extra></extra>"} if text else {}


def _rule(mark: Rule) -> dict[str, Any]:
    along, across = ("x", "y") if mark.upright else ("y", "x")
    drawn: dict[str, Any] = {f"{across}ref": f"{across} domain", f"{across}0": 0, f"{across}1": 1}
    if mark.to is None:
        line = {"color": mark.colour, "width": mark.width, "dash": mark.dash}
        return drawn | {"type": "line", f"{along}0": mark.at, f"{along}1": mark.at, "line": line}
    area = {"type": "rect", "fillcolor": mark.colour, "line": {"width": 0}, "layer": "below"}
    return drawn | area | {f"{along}0": mark.at, f"{along}1": mark.to}


def _note(note: Note, figure: Figure) -> dict[str, Any]:
    palette = figure.look.palette
    return {
        "text": "<br>".join(_text(line, palette) for line in note.lines),
        "xref": "x" if note.x_is_place else "x domain",
        "yref": "y" if note.y_is_place else "y domain",
        "x": note.x,
        "y": note.y,
        "xanchor": note.anchor[0],
        "yanchor": note.anchor[1],
        "align": note.anchor[0],
        "yshift": note.lift,
        "showarrow": False,
        "font": {"size": figure.look.size - note.smaller, "color": palette.ink},
        **({"bgcolor": palette.surface, "borderpad": 4} if note.plate else {}),
    }


def _text(line: Text, palette: Palette) -> str:
    words = f"<b>{_html(line.words)}</b>" if line.bold else _html(line.words)
    return f'<span style="color:{palette.quiet}">{words}</span>' if line.quiet else words


def _html(words: str) -> str:
    """Words of a stranger as words: Plotly reads some HTML."""
    return escape(words, quote=False).replace("\n", "<br>")
