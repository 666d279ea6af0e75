"""What is drawn over the axes: shapes and notes."""

from __future__ import annotations

import re
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from fundus_core.figures.printing.text import DASHES, colour, plain
from fundus_core.figures.printing.traces import places


def draw_shape(axes: Axes, shape: Any) -> None:
    """Draw a line or an area, in data or along a whole axis."""
    line = {
        "color": colour(shape.line.color or "#888888"),
        "linewidth": 0.8 * (shape.line.width if shape.line.width is not None else 1.5),
        "linestyle": DASHES[shape.line.dash or "solid"],
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
        axes.axhspan(shape.y0, shape.y1, color=colour(shape.fillcolor), linewidth=0, zorder=1)
    elif upright:
        axes.axvspan(shape.x0, shape.x1, color=colour(shape.fillcolor), linewidth=0, zorder=1)
    else:
        size = (shape.x1 - shape.x0, shape.y1 - shape.y0)
        axes.add_patch(Rectangle((shape.x0, shape.y0), *size, color=colour(shape.fillcolor), linewidth=0))


def draw_note(axes: Axes, note: Any) -> None:
    """Write a note; its lines one below the other so that each keeps its own weight and colour."""
    lines = str(note.text).split("<br>")
    size = 0.72 * float(note.font.size or 12)
    top = (note.yanchor or "middle") == "top"
    order = list(enumerate(lines)) if top else list(enumerate(reversed(lines)))
    for place, line in order:
        found = re.search(r"color:\s*([^;\"']+)", line)
        ink = found.group(1) if found else (note.font.color or "black")
        inward = 4 * ((note.xanchor == "left") - (note.xanchor == "right"))
        down = (-1 if top else 1) * (place * size * 1.35 + 2)
        plate = {"facecolor": colour(note.bgcolor), "edgecolor": "none", "pad": 1.0} if note.bgcolor else None
        axes.annotate(
            plain(line),
            xy=_at(axes, note),
            xycoords=(_frame(note.xref), _frame(note.yref)),
            xytext=(inward + 0.72 * float(note.xshift or 0), down + 0.72 * float(note.yshift or 0)),
            textcoords="offset points",
            ha=note.xanchor or "center",
            va={"top": "top", "bottom": "bottom"}.get(note.yanchor or "", "center"),
            fontsize=size,
            fontweight="bold" if "<b>" in line else "normal",
            color=colour(ink),
            bbox=plate,
            zorder=5,
            annotation_clip=False,
        )


def _at(axes: Axes, note: Any) -> tuple[float, float]:
    y = places(axes, [note.y])[0] if isinstance(note.y, str) else note.y
    return float(note.x), float(y)


def _frame(reference: str | None) -> str:
    return "axes fraction" if str(reference).endswith(("domain", "paper")) else "data"
