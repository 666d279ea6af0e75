"""The distribution of errors: many small ones, or a few that are large."""

from __future__ import annotations

import plotly.graph_objects as go

from fundus_core.evaluation import QUANTILES, ErrorDistribution
from fundus_core.figures.look import Look, frame, note, number
from fundus_core.figures.palette import rgba
from fundus_core.targets import Target


def error_histogram(
    target: Target, found: ErrorDistribution, look: Look, *, place: int = 0, height: int = 420
) -> go.Figure:
    """Draw how often each error (predicted minus true) occurs, with the middle and the outer twentieths.

    Args:
        target: What is predicted.
        found: Counts in bars of equal width about zero; not empty.
        look: Palette, language, stamp.
        place: Colour of the cohort.
        height: Pixels.
    """
    shown = {share: float(value) for share, value in zip(QUANTILES, found.quantiles, strict=True)}
    low, middle, high = (number(shown[share], target, signed=True) for share in (0.05, 0.5, 0.95))
    words = look.say("Errors of {name}: median {middle}, 90 % between {low} and {high}.")
    alt = words.format(name=look.say(target.name), middle=middle, low=low, high=high)
    figure = frame(look, alt=alt, height=height)
    colour = look.palette.cohort(place)
    width = found.edges[1:] - found.edges[:-1]
    figure.add_trace(
        go.Bar(
            x=found.edges[:-1] + width / 2,
            y=found.counts,
            width=width,
            marker={"color": rgba(colour, 0.6), "line": {"color": colour, "width": 0.6}},
            hovertemplate="%{x:.3g}: %{y}<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_vline(x=0, line={"color": look.palette.identity, "width": 1.4, "dash": "dash"})
    for share in (0.05, 0.95):
        figure.add_vline(x=shown[share], line={"color": look.palette.quiet, "width": 1.2, "dash": "dot"})
    lines = [f"<b>{look.say('median')} {middle}</b>", f"90 %: {low} … {high}"]
    note(figure, look, lines, corner="top left")
    title = look.say("predicted − true ({unit})").format(unit=look.say(target.unit))
    figure.update_xaxes(title_text=title, showgrid=True)
    figure.update_yaxes(title_text=look.say("observations"), range=[0, 1.2 * max(float(found.counts.max()), 1.0)])
    return figure
