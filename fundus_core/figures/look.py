"""How a figure looks and speaks: palette, language, and the sentence about rendered eyes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from fundus_core.figures.palette import DARK, LIGHT, Palette
from fundus_core.targets import Target

FONT = '"Source Sans", "Noto Sans", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", sans-serif'
"""Only fonts that the page or the machine already has: no request leaves the machine."""


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Look:
    """What every figure is drawn with."""

    dark: bool = False
    """Whether the page is dark."""
    say: Callable[[str], str] = _as_it_is
    """Translates a figure's words; English without it."""
    rendered: bool = False
    """Whether the photographs are rendered: then every figure says so inside its frame."""
    size: int = 13
    """Font size in pixels; slides use a larger one."""
    opaque: bool = False
    """Whether the figure brings its own background (for files that leave the page)."""

    @property
    def palette(self) -> Palette:
        """The colours for this page."""
        return DARK if self.dark else LIGHT


def with_unit(target: Target, look: Look) -> str:
    """Return the target's name with its unit in the reader's language."""
    name = look.say(target.name)
    return f"{name} ({look.say(target.unit)})" if target.unit else name


def heading(name: str) -> str:
    """Return a name as the beginning of a line: its first letter large.

    >>> heading("waist circumference")
    'Waist circumference'
    """
    return name[:1].upper() + name[1:]


def number(value: float | None, target: Target, *, signed: bool = False) -> str:
    """Return a value with the target's decimals, a true minus sign, and a dash where there is none.

    >>> from fundus_core.targets import TARGETS
    >>> number(-1.25, TARGETS["bmi"], signed=True)
    '−1.25'
    """
    return _text(value, target.decimals, signed=signed)


def error(value: float | None, *, signed: bool = False) -> str:
    """Return an error in a target's unit with two decimals, as errors are published.

    >>> error(10.3391), error(-0.001, signed=True)
    ('10.34', '0.00')
    """
    return _text(value, 2, signed=signed)


def _text(value: float | None, decimals: int, *, signed: bool) -> str:
    if value is None:
        return "–"
    rounded = round(value, decimals)
    if not rounded:
        return f"{0:.{decimals}f}"  # a zero has no sign
    text = f"{rounded:+.{decimals}f}" if signed else f"{rounded:.{decimals}f}"
    return text.replace("-", "−")


def frame(look: Look, *, alt: str, height: int = 460, legend: bool = False) -> go.Figure:
    """Return an empty figure in the project's look.

    Args:
        look: Palette, language and stamp.
        alt: What the figure shows, for those who cannot see it; kept in ``layout.meta``.
        height: Pixels.
        legend: Whether to show the legend, below the axes so that it keeps clear of the mode bar.
    """
    palette = look.palette
    background = palette.paper if look.opaque else "rgba(0,0,0,0)"
    figure = go.Figure()
    figure.update_layout(
        template="none",
        meta={"alt": alt},
        height=height,
        margin={"l": 64, "r": 18, "t": 26, "b": 60},
        paper_bgcolor=background,
        plot_bgcolor=background,
        font={"family": FONT, "size": look.size, "color": palette.ink},
        hoverlabel={"bgcolor": palette.paper, "bordercolor": palette.grid, "font": {"color": palette.ink}},
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top", "font": {"color": palette.ink}},
        dragmode="pan",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": palette.quiet, "activecolor": palette.ink},
        hovermode="closest",
    )
    axis: Mapping[str, Any] = {
        "gridcolor": palette.grid,
        "zeroline": False,
        "linecolor": palette.grid,
        "tickfont": {"color": palette.quiet},
        "title": {"font": {"color": palette.quiet}, "standoff": 10},
        "automargin": True,
    }
    figure.update_xaxes(**axis, showgrid=False)
    figure.update_yaxes(**axis)
    if look.rendered:
        stamp(figure, look)
    return figure


def stamp(figure: go.Figure, look: Look) -> None:
    """Write inside the frame that the eyes are rendered, so that a screenshot says it too."""
    figure.add_annotation(
        text=look.say("rendered eyes"),
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": look.size - 1, "color": look.palette.quiet},
        name="stamp",
    )


def note(figure: go.Figure, look: Look, lines: list[str], *, corner: str = "bottom right") -> None:
    """Write lines of text into a corner of the axes, on a surface that keeps them legible.

    Args:
        figure: Where to write.
        look: Palette and size.
        lines: Plotly's HTML subset.
        corner: ``top`` or ``bottom`` and ``left`` or ``right``.
    """
    vertical, horizontal = corner.split()
    figure.add_annotation(
        text="<br>".join(lines),
        xref="x domain",
        yref="y domain",
        x=0.985 if horizontal == "right" else 0.015,
        y=0.985 if vertical == "top" else 0.015,
        xanchor=horizontal,
        yanchor=vertical,
        align=horizontal,
        showarrow=False,
        bgcolor=look.palette.surface,
        borderpad=4,
        font={"size": look.size, "color": look.palette.ink},
        name="note",
    )


def alt_text(figure: go.Figure) -> str:
    """Return what the figure shows, in words."""
    return str(figure.layout.meta["alt"])
