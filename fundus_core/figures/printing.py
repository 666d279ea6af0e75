"""The same figures on paper: a Plotly figure of this package as SVG or PNG, drawn by matplotlib.

Plotly's own export needs a browser. What is understood here is exactly what the figures of this package use:
lines, markers, error bars, filled bands, densities, boxes, histograms, shapes and notes; anything else is an
error, so that a printed figure never lacks something silently.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import plotly.graph_objects as go
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fundus_core.errors import UsageError
from fundus_core.figures.look import alt_text

_PIXELS_PER_INCH = 100.0
_RASTER_POINTS = 600
"""More markers than this become a picture inside the SVG: a report of 24 figures must stay below 5 MB."""
_DASHES: Mapping[str, str] = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
_FONTS = ("Source Sans 3", "Noto Sans CJK JP", "Noto Sans JP", "Noto Sans", "DejaVu Sans")


def svg(figure: go.Figure, *, width: int = 720) -> str:
    """Return the figure as an SVG element that needs nothing else.

    Args:
        figure: Made by this package.
        width: Pixels; the height is the figure's own.

    Raises:
        UsageError: The figure holds a trace that cannot be printed.
    """
    stream = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "fundus"}):
        _draw(figure, width).savefig(
            stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = stream.getvalue().decode("utf-8")
    label = f'<svg role="img" aria-label="{_escape(alt_text(figure))}"'
    return text[text.index("<svg") :].replace("<svg", label, 1)


def png(figure: go.Figure, *, width: int = 720, scale: float = 2.0) -> bytes:
    """Return the figure as a PNG file of ``width * scale`` pixels.

    Raises:
        UsageError: The figure holds a trace that cannot be printed.
    """
    stream = io.BytesIO()
    _draw(figure, width).savefig(stream, format="png", dpi=_PIXELS_PER_INCH * scale)
    return stream.getvalue()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


@cache
def _fonts() -> list[str]:
    """Return those of our fonts that this machine has; the last comes with matplotlib."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in _FONTS if name in known]


def _draw(figure: go.Figure, width: int) -> Figure:
    layout = figure.layout
    height = float(layout.height or 420)
    points = 0.72 * float(layout.font.size or 13)
    with mpl.rc_context({"font.family": _fonts(), "font.size": points, "axes.unicode_minus": True}):
        paper = Figure(figsize=(width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH), layout="constrained")
        axes = paper.add_subplot()
        _prepare(axes, paper, layout)
        for trace in figure.data:
            _trace(axes, trace)
        for shape in layout.shapes:
            _shape(axes, shape)
        for note in layout.annotations:
            _note(axes, note)
        _finish(axes, layout)
    return paper


def _prepare(axes: Axes, paper: Figure, layout: Any) -> None:
    background = layout.paper_bgcolor or "white"
    paper.set_facecolor(_colour(background))
    axes.set_facecolor(_colour(layout.plot_bgcolor or background))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_colour(layout.yaxis.gridcolor or "#cccccc"))
    axes.tick_params(colors=_colour(layout.xaxis.tickfont.color or "#444444"), length=0)
    axes.set_axisbelow(True)
    for drawn, axis in ((axes.xaxis, layout.xaxis), (axes.yaxis, layout.yaxis)):
        if axis.showgrid is not False and axis.visible is not False:
            drawn.grid(visible=True, color=_colour(axis.gridcolor or "#dddddd"), linewidth=0.8)
    if layout.yaxis.type == "category":
        names = [_plain(name) for name in layout.yaxis.categoryarray]
        axes.set_yticks(range(len(names)), names)
    elif layout.yaxis.tickvals is not None:
        axes.set_yticks(list(layout.yaxis.tickvals), [_plain(name) for name in layout.yaxis.ticktext])


def _finish(axes: Axes, layout: Any) -> None:
    for write, axis in ((axes.set_xlabel, layout.xaxis), (axes.set_ylabel, layout.yaxis)):
        write(_plain(axis.title.text or ""), color=_colour(axis.title.font.color or "#444444"))
    if layout.xaxis.range:
        axes.set_xlim(*layout.xaxis.range)
    if layout.yaxis.range:
        axes.set_ylim(*layout.yaxis.range)
    if layout.yaxis.visible is False:
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)
    if layout.yaxis.scaleanchor:
        axes.set_aspect("equal", adjustable="box")
    handles, labels = axes.get_legend_handles_labels()
    if layout.showlegend and labels:
        axes.figure.legend(
            handles,
            labels,
            loc="outside lower left",
            ncols=4,
            frameon=False,
            labelcolor=_colour(layout.font.color or "black"),
        )


def _trace(axes: Axes, trace: Any) -> None:
    drawers: Mapping[str, Callable[[Axes, Any], None]] = {
        "scatter": _scatter,
        "scattergl": _scatter,
        "heatmap": _heatmap,
        "box": _box,
        "histogram": _histogram,
        "bar": _bar,
    }
    if trace.type not in drawers:
        message = f"A figure of kind '{trace.type}' cannot be printed; known are {', '.join(drawers)}."
        raise UsageError(message)
    drawers[trace.type](axes, trace)


def _scatter(axes: Axes, trace: Any) -> None:
    x, y = _values(axes, trace.x), _values(axes, trace.y)
    label = "_nolegend_" if trace.showlegend is False else _plain(trace.name or "_nolegend_")
    mode = trace.mode or "lines"
    if trace.fill == "toself":
        axes.fill(x, y, color=_colour(trace.fillcolor), linewidth=0, label=label)
        return
    if "lines" in mode:
        line = trace.line
        axes.plot(
            x,
            y,
            linestyle=_DASHES[line.dash or "solid"],
            color=_colour(line.color or "black"),
            linewidth=0.8 * (line.width or 1.5),
            label=label if "markers" not in mode else "_nolegend_",
            zorder=2,
        )
    if "markers" in mode:
        _markers(axes, trace, x, y, label)


def _markers(axes: Axes, trace: Any, x: Any, y: Any, label: str) -> None:
    marker = trace.marker
    axes.scatter(
        x,
        y,
        s=(0.72 * (marker.size or 6)) ** 2,
        color=[_colour(marker.color or "black")],
        label=label,
        zorder=3,
        edgecolors=[_colour(marker.line.color)] if marker.line.color else "none",
        linewidths=0.7 * (marker.line.width or 0),
        marker="D" if marker.symbol == "diamond" else "o",
        rasterized=len(x) > _RASTER_POINTS,
    )
    error = trace.error_y
    if error.array is not None:
        below = error.arrayminus if error.arrayminus is not None else error.array
        colour = _colour(error.color)
        axes.errorbar(x, y, yerr=[below, error.array], fmt="none", ecolor=colour, elinewidth=1, capsize=2)


def _heatmap(axes: Axes, trace: Any) -> None:
    ramp = [(float(at), _colour(colour)) for at, colour in trace.colorscale]
    palette = LinearSegmentedColormap.from_list("ramp", ramp)
    x, y, z = (np.asarray(part, dtype=float) for part in (trace.x, trace.y, trace.z))
    axes.pcolormesh(x, y, np.ma.masked_invalid(z), cmap=palette, shading="nearest", rasterized=True, zorder=2)


def _box(axes: Axes, trace: Any) -> None:
    at = len(axes.get_yticks()) if axes.get_gid() == "boxes" else 0
    names = [text.get_text() for text in axes.get_yticklabels()] if at else []
    marks = {
        "whislo": trace.lowerfence[0],
        "q1": trace.q1[0],
        "med": trace.median[0],
        "q3": trace.q3[0],
        "whishi": trace.upperfence[0],
        "fliers": [],
    }
    line = {"color": _colour(trace.line.color), "linewidth": 1.3}
    axes.bxp(
        [marks],
        positions=[at],
        orientation="horizontal",
        widths=0.5,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": _colour(trace.fillcolor), "edgecolor": line["color"]},
        medianprops=line,
        whiskerprops=line,
        capprops=line,
        manage_ticks=False,
    )
    axes.set_gid("boxes")
    axes.set_yticks(range(at + 1), [*names, _plain(str(trace.y[0]))])


def _histogram(axes: Axes, trace: Any) -> None:
    values = np.asarray(trace.x, dtype=float)
    bins: Any = trace.nbinsx or 40
    if trace.xbins.size:
        bins = np.arange(trace.xbins.start, trace.xbins.end + trace.xbins.size / 2, trace.xbins.size)
    edge = trace.marker.line.color
    axes.hist(
        values,
        bins=bins,
        color=_colour(trace.marker.color),
        edgecolor=_colour(edge) if edge else "none",
        label=_plain(trace.name or "_nolegend_"),
    )


def _bar(axes: Axes, trace: Any) -> None:
    """Draw bars at numbers, upright or lying, with the whiskers of those that lie."""
    lying = trace.orientation == "h"
    length, at = (trace.x, trace.y) if lying else (trace.y, trace.x)
    edge = trace.marker.line
    style = {
        "color": _colour(trace.marker.color),
        "edgecolor": _colour(edge.color) if edge.color else "none",
        "linewidth": 0.8 * (edge.width or 0),
        "label": "_nolegend_" if trace.showlegend is False else _plain(trace.name or "_nolegend_"),
        "zorder": 2,
    }
    if not lying:
        axes.bar(np.asarray(at), np.asarray(length), width=np.asarray(trace.width), **style)
        return
    axes.barh(np.asarray(at), np.asarray(length), height=np.asarray(trace.width), **style)
    error = trace.error_x
    if error.array is not None:
        whiskers = [error.arrayminus, error.array]
        axes.errorbar(length, at, xerr=whiskers, fmt="none", ecolor=_colour(error.color), elinewidth=1, capsize=2)


def _values(axes: Axes, values: Any) -> Any:
    """Return numbers; names of categories become their places on the axis."""
    items = list(values)
    if items and isinstance(items[0], str):
        places = [label.get_text() for label in axes.get_yticklabels()]
        return [places.index(_plain(item)) for item in items]
    return np.array([np.nan if item is None else item for item in items], dtype=float)


def _shape(axes: Axes, shape: Any) -> None:
    line = {
        "color": _colour(shape.line.color or "#888888"),
        "linewidth": 0.8 * (shape.line.width if shape.line.width is not None else 1.5),
        "linestyle": _DASHES[shape.line.dash or "solid"],
        "zorder": 1.5,
    }
    across, upright = str(shape.xref).endswith("domain"), str(shape.yref).endswith(("domain", "paper"))
    if shape.type == "line" and across:
        axes.axhline(shape.y0, **line)
    elif shape.type == "line" and upright:
        axes.axvline(shape.x0, **line)
    elif shape.type == "line":
        axes.plot([shape.x0, shape.x1], [shape.y0, shape.y1], **line)
    elif across:
        axes.axhspan(shape.y0, shape.y1, color=_colour(shape.fillcolor), linewidth=0, zorder=1)
    elif upright:
        axes.axvspan(shape.x0, shape.x1, color=_colour(shape.fillcolor), linewidth=0, zorder=1)
    else:
        size = (shape.x1 - shape.x0, shape.y1 - shape.y0)
        axes.add_patch(Rectangle((shape.x0, shape.y0), *size, color=_colour(shape.fillcolor), linewidth=0))


def _note(axes: Axes, note: Any) -> None:
    """Write a note; its lines one below the other so that each keeps its own weight and colour."""
    lines = str(note.text).split("<br>")
    size = 0.72 * float(note.font.size or 12)
    top = (note.yanchor or "middle") == "top"
    order = list(enumerate(lines)) if top else list(enumerate(reversed(lines)))
    for place, line in order:
        found = re.search(r"color:\s*([^;\"']+)", line)
        colour = found.group(1) if found else (note.font.color or "black")
        inward = 4 * ((note.xanchor == "left") - (note.xanchor == "right"))
        down = (-1 if top else 1) * (place * size * 1.35 + 2)
        plate = {"facecolor": _colour(note.bgcolor), "edgecolor": "none", "pad": 1.0} if note.bgcolor else None
        axes.annotate(
            _plain(line),
            xy=_at(axes, note),
            xycoords=(_frame(note.xref), _frame(note.yref)),
            xytext=(inward + 0.72 * float(note.xshift or 0), down + 0.72 * float(note.yshift or 0)),
            textcoords="offset points",
            ha=note.xanchor or "center",
            va={"top": "top", "bottom": "bottom"}.get(note.yanchor or "", "center"),
            fontsize=size,
            fontweight="bold" if "<b>" in line else "normal",
            color=_colour(colour),
            bbox=plate,
            zorder=5,
            annotation_clip=False,
        )


def _at(axes: Axes, note: Any) -> tuple[float, float]:
    y = _values(axes, [note.y])[0] if isinstance(note.y, str) else note.y
    return float(note.x), float(y)


def _frame(reference: str | None) -> str:
    return "axes fraction" if str(reference).endswith(("domain", "paper")) else "data"


def _plain(text: str) -> str:
    """Return text without Plotly's HTML subset.

    >>> _plain("<b>MAE 10.3</b> <span style='color:#555'>mmHg</span>")
    'MAE 10.3 mmHg'
    >>> _plain("age: 0 to <30  <span>n = 3</span>")
    'age: 0 to <30  n = 3'
    """
    return re.sub(r"</?[a-zA-Z][^>]*>", "", text.replace("<br>", "\n")).replace("$", r"\$")


def _colour(text: str) -> Any:
    """Return a colour as matplotlib reads it.

    >>> _colour("rgba(255,0,0,0.5)")
    (1.0, 0.0, 0.0, 0.5)
    """
    found = re.fullmatch(r"rgba?\(([^)]*)\)", text.strip())
    if not found:
        return text
    parts = [float(part) for part in found.group(1).split(",")]
    return (*(part / 255 for part in parts[:3]), *parts[3:4])
