"""Predicted against true: the figure that everything else explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from fundus_core.evaluation import Estimate
from fundus_core.figures.look import Look, error, frame, note, with_unit
from fundus_core.figures.palette import rgba
from fundus_core.records import Floats, Labels
from fundus_core.targets import Target

SVG_POINTS = 5_000
"""Up to here every point is an element of its own: crisp and printable."""
WEBGL_POINTS = 50_000
"""Up to here points are drawn by WebGL; above, as a density with the largest errors on top."""
WORST_SHOWN = 500
"""Points drawn over a density."""
CELLS = 120
"""Cells of a density along one axis."""


@dataclass(frozen=True, slots=True)
class Points:
    """One cohort's observations, a row each, without missing values."""

    name: str
    """As the legend shows it."""
    ids: Labels
    """Carried by each point, so that a click finds the photograph."""
    truth: Floats
    """Measured values in the target's unit."""
    predicted: Floats
    """Predictions in the target's unit."""
    colour: int = 0
    """Place of the cohort's colour in the palette."""

    def __len__(self) -> int:
        return len(self.ids)


def limits(groups: Sequence[Points]) -> tuple[float, float]:
    """Return one range for both axes that holds every point, with 4 % to spare."""
    values = np.concatenate([np.concatenate([group.truth, group.predicted]) for group in groups])
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad


def predicted_against_true(
    target: Target,
    groups: Sequence[Points],
    estimates: Mapping[str, Estimate],
    look: Look,
    *,
    people: int = 0,
    chosen: str = "",
    height: int = 520,
) -> go.Figure:
    """Draw predictions against measured values.

    Args:
        target: What is predicted; not the probability of a class.
        groups: One entry per cohort, at least one.
        estimates: ``mae``, ``bias``, ``pearson``, ``mae_null``, ``mae_age_sex``, over all groups together.
        look: Palette, language, stamp.
        people: Number of people behind the points; 0 leaves it out.
        chosen: Id of the point to ring.
        height: Pixels.
    """
    count = sum(len(group) for group in groups)
    mae = estimates["mae"]
    alt = look.say("Predicted against true {name}: {count} points, mean absolute error {mae}.").format(
        name=with_unit(target, look), count=count, mae=error(mae.value)
    )
    figure = frame(look, alt=alt, height=height, legend=len(groups) > 1)
    low, high = limits(groups)
    _band(figure, look, (low, high), mae.value)
    _identity(figure, look, (low, high))
    for group in groups:
        _points(figure, target, group, look, count)
    _ring(figure, groups, chosen, look)
    _equal_axes(figure, target, look, (low, high))
    note(figure, look, summary_lines(target, estimates, look, count, people))
    note(figure, look, reference_lines(target, estimates, look), corner="top left")
    return figure


def summary_lines(
    target: Target, estimates: Mapping[str, Estimate], look: Look, count: int, people: int = 0
) -> list[str]:
    """Return the lines that let a screenshot stand alone: MAE with interval, r, bias, n."""
    mae = estimates["mae"]
    first = f"<b>MAE {error(mae.value)} {look.say(target.unit)}</b>"
    if mae.low is not None and mae.high is not None:
        first += f" ({error(mae.low)}–{error(mae.high)})"
    parts = []
    if (pearson := estimates.get("pearson")) and pearson.value is not None:
        parts.append(f"r = {pearson.value:.2f}")
    if (bias := estimates.get("bias")) and bias.value is not None:
        parts.append(f"{look.say('bias')} {error(bias.value, signed=True)}")
    if people and people != count:
        parts.append(look.say("n = {count} of {people} people").format(count=f"{count:,}", people=f"{people:,}"))
    else:
        parts.append(f"n = {count:,}")
    return [first, " · ".join(parts)]


def reference_lines(target: Target, estimates: Mapping[str, Estimate], look: Look) -> list[str]:
    """Return what the MAE must be held against: both baselines and the published figure."""
    lines = []
    for name, words in (
        ("mae_null", look.say("predicting the mean")),
        ("mae_age_sex", look.say("age and sex only")),
    ):
        estimate = estimates.get(name)
        if estimate and estimate.value is not None:
            lines.append(f"{words}: {error(estimate.value)}")
    if target.published_mae is not None:
        lines.append(f"{look.say('published (JOIR)')}: {target.published_mae:.2f}")
    return [f'<span style="color:{look.palette.quiet}">{line}</span>' for line in lines]


def _band(figure: go.Figure, look: Look, span: tuple[float, float], mae: float | None) -> None:
    if mae is None:
        return
    low, high = span
    figure.add_trace(
        go.Scatter(
            x=[low, high, high, low],
            y=[low + mae, high + mae, high - mae, low - mae],
            fill="toself",
            fillcolor=look.palette.band,
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            name="± MAE",
        )
    )


def _identity(figure: go.Figure, look: Look, span: tuple[float, float]) -> None:
    figure.add_trace(
        go.Scatter(
            x=list(span),
            y=list(span),
            mode="lines",
            line={"color": look.palette.identity, "width": 1.4, "dash": "dash"},
            hoverinfo="skip",
            name=look.say("prediction = truth"),
        )
    )


def _points(figure: go.Figure, target: Target, group: Points, look: Look, count: int) -> None:
    if count > WEBGL_POINTS:
        _density(figure, group, look)
        group = _worst(group)
    colour = look.palette.cohort(group.colour)
    kind = go.Scatter if count <= SVG_POINTS else go.Scattergl
    figure.add_trace(
        kind(
            x=group.truth,
            y=group.predicted,
            customdata=[str(name) for name in group.ids],
            mode="markers",
            name=group.name,
            marker={
                "color": rgba(colour, 0.55),
                "size": 7 if count <= 2_000 else 5,
                "line": {"width": 0.6, "color": rgba(colour, 0.9)},
            },
            selected={"marker": {"opacity": 1, "size": 14, "color": look.palette.chosen}},
            unselected={"marker": {"opacity": 0.45}},
            hovertemplate=_hover(target, look),
        )
    )


def _hover(target: Target, look: Look) -> str:
    unit, digits = look.say(target.unit), target.decimals
    return (
        f"{look.say('true')} %{{x:.{digits}f}} {unit}<br>{look.say('predicted')} %{{y:.{digits}f}} {unit}"
        "<br>%{customdata}<extra></extra>"
    )


def _density(figure: go.Figure, group: Points, look: Look) -> None:
    counts, xs, ys = np.histogram2d(group.truth, group.predicted, bins=CELLS)
    shown = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan)
    colour = look.palette.cohort(group.colour)
    figure.add_trace(
        go.Heatmap(
            x=(xs[:-1] + xs[1:]) / 2,
            y=(ys[:-1] + ys[1:]) / 2,
            z=shown.T,
            colorscale=[[0, rgba(colour, 0.12)], [1, colour]],
            showscale=False,
            hoverinfo="skip",
            name=group.name,
        )
    )


def _worst(group: Points) -> Points:
    order = np.argsort(-np.abs(group.predicted - group.truth), kind="stable")[:WORST_SHOWN]
    return Points(group.name, group.ids[order], group.truth[order], group.predicted[order], group.colour)


def _ring(figure: go.Figure, groups: Sequence[Points], chosen: str, look: Look) -> None:
    for group in groups:
        at = np.flatnonzero(group.ids == chosen)
        if chosen and len(at):
            figure.add_trace(
                go.Scatter(
                    x=group.truth[at[:1]],
                    y=group.predicted[at[:1]],
                    mode="markers",
                    marker={
                        "size": 15,
                        "color": "rgba(0,0,0,0)",
                        "line": {"color": look.palette.chosen, "width": 2.5},
                    },
                    hoverinfo="skip",
                    showlegend=False,
                    name="chosen",
                )
            )


def _equal_axes(figure: go.Figure, target: Target, look: Look, span: tuple[float, float]) -> None:
    name = with_unit(target, look)
    figure.update_xaxes(
        title_text=look.say("True {name}").format(name=name),
        range=list(span),
        constrain="domain",
        showgrid=True,
    )
    figure.update_yaxes(
        title_text=look.say("Predicted {name}").format(name=name),
        range=list(span),
        scaleanchor="x",
        scaleratio=1,
        constrain="domain",
    )
