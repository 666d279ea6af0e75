"""Points, lines, bars, boxes and densities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from fundus_core.errors import UsageError
from fundus_core.figures.printing.text import DASHES, colour, plain

_RASTER_POINTS = 600
"""More markers than this become a picture inside the SVG: a report of 24 figures must stay below 5 MB."""


def draw_trace(axes: Axes, trace: Any) -> None:
    """Draw what Plotly calls a trace.

    Raises:
        UsageError: Of a kind that cannot be printed.
    """
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
    x, y = places(axes, trace.x), places(axes, trace.y)
    label = "_nolegend_" if trace.showlegend is False else plain(trace.name or "_nolegend_")
    mode = trace.mode or "lines"
    if trace.fill == "toself":
        axes.fill(x, y, color=colour(trace.fillcolor), linewidth=0, label=label)
        return
    if "lines" in mode:
        line = trace.line
        axes.plot(
            x,
            y,
            linestyle=DASHES[line.dash or "solid"],
            color=colour(line.color or "black"),
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
        color=[colour(marker.color or "black")],
        label=label,
        zorder=3,
        edgecolors=[colour(marker.line.color)] if marker.line.color else "none",
        linewidths=0.7 * (marker.line.width or 0),
        marker="D" if marker.symbol == "diamond" else "o",
        rasterized=len(x) > _RASTER_POINTS,
    )
    if trace.error_x.array is not None:
        axes.errorbar(x, y, xerr=_ends(trace.error_x), **_whiskers(trace.error_x))
    if trace.error_y.array is not None:
        axes.errorbar(x, y, yerr=_ends(trace.error_y), **_whiskers(trace.error_y))


def _ends(error: Any) -> list[Any]:
    """Lengths below and above."""
    return [error.arrayminus if error.arrayminus is not None else error.array, error.array]


def _whiskers(error: Any) -> dict[str, Any]:
    line = {"ecolor": colour(error.color), "elinewidth": 0.8 * (error.thickness or 1.2)}
    return {"fmt": "none", "capsize": 2 if error.width is None else error.width, **line}


def _heatmap(axes: Axes, trace: Any) -> None:
    ramp = [(float(at), colour(shade)) for at, shade in trace.colorscale]
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
    line = {"color": colour(trace.line.color), "linewidth": 1.3}
    axes.bxp(
        [marks],
        positions=[at],
        orientation="horizontal",
        widths=0.5,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": colour(trace.fillcolor), "edgecolor": line["color"]},
        medianprops=line,
        whiskerprops=line,
        capprops=line,
        manage_ticks=False,
    )
    axes.set_gid("boxes")
    axes.set_yticks(range(at + 1), [*names, plain(str(trace.y[0]))])


def _histogram(axes: Axes, trace: Any) -> None:
    values = np.asarray(trace.x, dtype=float)
    bins: Any = trace.nbinsx or 40
    if trace.xbins.size:
        bins = np.arange(trace.xbins.start, trace.xbins.end + trace.xbins.size / 2, trace.xbins.size)
    edge = trace.marker.line.color
    axes.hist(
        values,
        bins=bins,
        color=colour(trace.marker.color),
        edgecolor=colour(edge) if edge else "none",
        label=plain(trace.name or "_nolegend_"),
    )


def _bar(axes: Axes, trace: Any) -> None:
    """Draw bars at numbers, upright or lying, with the whiskers of those that lie."""
    lying = trace.orientation == "h"
    length, at = (trace.x, trace.y) if lying else (trace.y, trace.x)
    edge = trace.marker.line
    style = {
        "color": colour(trace.marker.color),
        "edgecolor": colour(edge.color) if edge.color else "none",
        "linewidth": 0.8 * (edge.width or 0),
        "label": "_nolegend_" if trace.showlegend is False else plain(trace.name or "_nolegend_"),
        "zorder": 2,
    }
    if not lying:
        axes.bar(np.asarray(at), np.asarray(length), width=np.asarray(trace.width), **style)
        return
    axes.barh(np.asarray(at), np.asarray(length), height=np.asarray(trace.width), **style)
    error = trace.error_x
    if error.array is not None:
        whiskers = [error.arrayminus, error.array]
        axes.errorbar(length, at, xerr=whiskers, fmt="none", ecolor=colour(error.color), elinewidth=1, capsize=2)


def places(axes: Axes, values: Any) -> Any:
    """Return numbers; names of categories become their places on the axis."""
    items = list(values)
    if items and isinstance(items[0], str):
        places = [label.get_text() for label in axes.get_yticklabels()]
        return [places.index(plain(item)) for item in items]
    return np.array([np.nan if item is None else item for item in items], dtype=float)
