"""The frame of a printed figure: ground, grid, ticks, titles, limits and legend."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fundus_core.figures.printing.text import colour, plain


def prepare(axes: Axes, paper: Figure, layout: Any) -> None:
    """Before anything is drawn: ground, grid and the names of categories."""
    background = layout.paper_bgcolor or "white"
    paper.set_facecolor(colour(background))
    axes.set_facecolor(colour(layout.plot_bgcolor or background))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(colour(layout.yaxis.gridcolor or "#cccccc"))
    axes.tick_params(colors=colour(layout.xaxis.tickfont.color or "#444444"), length=0)
    axes.set_axisbelow(True)
    for drawn, axis in ((axes.xaxis, layout.xaxis), (axes.yaxis, layout.yaxis)):
        if axis.showgrid is not False and axis.visible is not False:
            drawn.grid(visible=True, color=colour(axis.gridcolor or "#dddddd"), linewidth=0.8)
        if axis.nticks:
            drawn.set_major_locator(MaxNLocator(axis.nticks, steps=[1, 2, 5, 10]))
    if layout.yaxis.type == "category":
        names = [plain(name) for name in layout.yaxis.categoryarray]
        axes.set_yticks(range(len(names)), names)
    elif layout.yaxis.tickvals is not None:
        axes.set_yticks(list(layout.yaxis.tickvals), [plain(name) for name in layout.yaxis.ticktext])


def finish(axes: Axes, layout: Any) -> None:
    """After everything is drawn: titles, limits and the legend."""
    for write, axis in ((axes.set_xlabel, layout.xaxis), (axes.set_ylabel, layout.yaxis)):
        write(plain(axis.title.text or ""), color=colour(axis.title.font.color or "#444444"))
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
            labelcolor=colour(layout.font.color or "black"),
        )
