"""A figure on paper: drawn by matplotlib."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Sheet
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fundus_core.figures.figure import Axis, Figure, Note, Text, letters, wrapped
from fundus_core.figures.marks import Bars, Box, Density, Line, Mark, Points, Rule
from fundus_core.figures.theme import Palette, parts, rgba
from fundus_core.records import Floats

PIXELS_PER_INCH = 100.0
POINTS_PER_PIXEL = 0.72
_NARROW = 500
"""Pixels of a sheet that holds two names of a legend beside each other."""
_THINNER = 0.8
"""Lines on paper beside those of the screen."""
_DASHES = {"solid": "-", "dash": "--", "dot": ":"}
_RASTER_POINTS = 600
"""More markers than this become a picture inside the SVG: a report of 24 figures must stay below 5 MB."""


def draw(figure: Figure, width: int) -> Sheet:
    """Return the sheet with the figure on it."""
    paper = Sheet(figsize=(width / PIXELS_PER_INCH, figure.height / PIXELS_PER_INCH), layout="constrained")
    axes = paper.add_subplot()
    _prepare(axes, paper, figure)
    for mark in figure.marks:
        _DRAWERS[type(mark)](axes, mark)
    for note in figure.written:
        _note(axes, note, figure)
    _finish(axes, figure, width)
    _head(paper, figure, width)
    return paper


def _prepare(axes: Axes, paper: Sheet, figure: Figure) -> None:
    """Before anything is drawn: ground, grid and the names of places."""
    palette = figure.look.palette
    for ground in (paper, axes):
        ground.set_facecolor(palette.paper if figure.look.opaque else "none")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(palette.grid)
    axes.tick_params(colors=palette.quiet, length=0)
    axes.set_axisbelow(True)
    for drawn, axis in ((axes.xaxis, figure.x), (axes.yaxis, figure.y)):
        if axis.grid:
            drawn.grid(visible=True, color=palette.grid, linewidth=_THINNER)
        if axis.share:
            drawn.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        if axis.ticks:
            drawn.set_major_locator(MaxNLocator(axis.ticks, steps=[1, 2, 5, 10]))
        if axis.labels:
            drawn.set_ticks([label.at for label in axis.labels], labels=_labels(axis))


def _labels(axis: Axis) -> list[str]:
    return [_plain(f"{label.words}  {label.remark}".rstrip()) for label in axis.labels]


def _finish(axes: Axes, figure: Figure, width: int) -> None:
    """After everything is drawn: titles, limits and the legend."""
    quiet = figure.look.palette.quiet
    axes.set_xlabel(_plain(figure.x.title), color=quiet)
    axes.set_ylabel(_plain(figure.y.title), color=quiet)
    axes.set(**{f"{name}lim": axis.span for name, axis in (("x", figure.x), ("y", figure.y)) if axis.span})
    if not figure.y.shown:
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)
    if figure.equal:
        axes.set_aspect("equal", adjustable="box")
    handles, labels = axes.get_legend_handles_labels()
    if figure.legend and labels and isinstance(axes.figure, Sheet):
        place: dict[str, Any] = {"loc": "outside lower left", "ncols": 4 if width > _NARROW else 2, "frameon": False}
        axes.figure.legend(handles, labels, labelcolor=figure.look.palette.ink, **place)


def _points(axes: Axes, mark: Points) -> None:
    axes.scatter(
        mark.x,
        mark.y,
        s=(POINTS_PER_PIXEL * mark.size) ** 2,
        color=[parts(rgba(mark.colour, mark.opacity))],
        edgecolors=[parts(rgba(mark.colour, 0.9))] if mark.edge else "none",
        linewidths=POINTS_PER_PIXEL * mark.edge,
        label=_series(mark.name),
        zorder=3,
        marker="D" if mark.diamond else "o",
        rasterized=len(mark.x) > _RASTER_POINTS,
    )
    value = mark.x if mark.across else mark.y
    _whiskers(axes, mark.x, mark.y, (value, mark.low, mark.high), mark.colour, mark.whisker, across=mark.across)


def _whiskers(
    axes: Axes,
    x: Floats,
    y: Floats,
    ends: tuple[Floats, Floats | None, Floats | None],
    colour: str,
    width: float,
    *,
    across: bool,
) -> None:
    value, low, high = ends
    if low is None or high is None or not np.isfinite(low).any():
        return
    lengths = [np.maximum(np.nan_to_num(length), 0) for length in (value - low, high - value)]
    style: dict[str, Any] = {"ecolor": colour, "elinewidth": _THINNER * width, "capsize": 3 if width < 2 else 0}
    style["xerr" if across else "yerr"] = lengths
    axes.errorbar(x, y, fmt="none", **style)


def _line(axes: Axes, mark: Line) -> None:
    if mark.low is not None and mark.high is not None:
        label = "_nolegend_" if mark.colour else _series(mark.name)
        axes.fill_between(mark.x, mark.low, mark.high, color=parts(mark.band), linewidth=0, label=label)
    if mark.colour:
        style: dict[str, Any] = {"linestyle": _DASHES[mark.dash], "linewidth": _THINNER * mark.width}
        axes.plot(mark.x, mark.y, color=mark.colour, label=_series(mark.name), zorder=2, **style)


def _bars(axes: Axes, mark: Bars) -> None:
    middle, width = (mark.start + mark.end) / 2, mark.end - mark.start
    style: dict[str, Any] = {
        "color": parts(rgba(mark.colour, mark.opacity)),
        "edgecolor": mark.colour if mark.edge else "none",
        "linewidth": _THINNER * mark.edge,
        "label": _series(mark.name),
        "zorder": 2,
    }
    if mark.lying:
        axes.barh(middle, mark.length, height=width, **style)
        ends = (mark.length, mark.low, mark.high)
        _whiskers(axes, mark.length, middle, ends, mark.colour, 1.3, across=True)
    else:
        axes.bar(middle, mark.length, width=width, **style)


def _box(axes: Axes, mark: Box) -> None:
    line = {"color": mark.colour, "linewidth": 1.3}
    names = ("whislo", "q1", "med", "q3", "whishi")
    axes.bxp(
        [{**dict(zip(names, mark.marks, strict=True)), "fliers": []}],
        positions=[mark.at],
        orientation="horizontal",
        widths=0.5,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": parts(rgba(mark.colour, 0.45)), "edgecolor": mark.colour},
        medianprops=line,
        whiskerprops=line,
        capprops=line,
        manage_ticks=False,
    )


def _density(axes: Axes, mark: Density) -> None:
    shades = [parts(rgba(mark.colour, 0.12)), parts(mark.colour)]
    palette = LinearSegmentedColormap.from_list("ramp", shades)
    shade = np.ma.log10(np.ma.masked_equal(mark.counts, 0))
    axes.pcolormesh(mark.x, mark.y, shade, cmap=palette, shading="nearest", rasterized=True, zorder=2)


def _rule(axes: Axes, mark: Rule) -> None:
    if mark.to is not None:
        area = axes.axvspan if mark.upright else axes.axhspan
        area(mark.at, mark.to, color=parts(mark.colour), linewidth=0, zorder=1)
        return
    line = axes.axvline if mark.upright else axes.axhline
    style: dict[str, Any] = {"linewidth": _THINNER * mark.width, "linestyle": _DASHES[mark.dash], "zorder": 1.5}
    line(mark.at, color=mark.colour, **style)


_DRAWERS: Mapping[type[Mark], Callable[[Axes, Any], None]] = {
    Points: _points,
    Line: _line,
    Bars: _bars,
    Box: _box,
    Density: _density,
    Rule: _rule,
}


def _note(axes: Axes, note: Note, figure: Figure) -> None:
    """Write a note; its lines one below the other so that each keeps its own weight and colour."""
    size, top = POINTS_PER_PIXEL * (figure.look.size - note.smaller), note.anchor[1] == "top"
    for place, line in enumerate(note.lines if top else reversed(note.lines)):
        inward = 4 if note.anchor[0] == "left" else -4
        down = (-1 if top else 1) * (place * size * 1.35 + 2)
        axes.annotate(
            _plain(line.words),
            xy=(note.x, note.y),
            xycoords=("data" if note.x_is_place else "axes fraction", "data" if note.y_is_place else "axes fraction"),
            xytext=(inward, down + POINTS_PER_PIXEL * note.lift),
            textcoords="offset points",
            ha=note.anchor[0],
            va="center" if note.anchor[1] == "middle" else note.anchor[1],
            fontsize=size,
            bbox={"facecolor": parts(figure.look.palette.surface), "edgecolor": "none", "pad": 1.0}
            if note.plate
            else None,
            zorder=5,
            annotation_clip=False,
            **_style(line, figure.look.palette),
        )


def _head(paper: Sheet, figure: Figure, width: int) -> None:
    """Write the head from the sheet's left edge, and keep the axes below it."""
    size = POINTS_PER_PIXEL * figure.look.size
    lines = list(wrapped(figure.above, letters(width, figure.look.size)))
    step = 1.35 * figure.look.size / figure.height
    for place, line in enumerate(lines):
        style = _style(line, figure.look.palette)
        words = paper.text(6 / width, 1 - step * (place + 0.2), _plain(line.words), va="top", fontsize=size, **style)
        words.set_in_layout(False)
    engine = paper.get_layout_engine()
    if lines and isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, 0, 1, 1 - step * (len(lines) + 0.3)))


def _style(line: Text, palette: Palette) -> dict[str, Any]:
    return {"fontweight": "bold" if line.bold else "normal", "color": palette.quiet if line.quiet else palette.ink}


def _series(name: str) -> str:
    return _plain(name) or "_nolegend_"


def _plain(words: str) -> str:
    """Words as words: matplotlib reads formulas between dollars."""
    return words.replace("$", r"\$")
