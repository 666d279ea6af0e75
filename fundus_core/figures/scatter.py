"""Predicted against true: the figure that everything else explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from fundus_core.evaluation import Estimate
from fundus_core.figures.cloud import Points, cloud
from fundus_core.figures.look import Look, error, frame, note, with_unit
from fundus_core.targets import Target


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
        cloud(figure, group, group.truth, group.predicted, look, count=count, hover=_hover(target, look))
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


def _hover(target: Target, look: Look) -> str:
    unit, digits = look.say(target.unit), target.decimals
    return (
        f"{look.say('true')} %{{x:.{digits}f}} {unit}<br>{look.say('predicted')} %{{y:.{digits}f}} {unit}"
        "<br>%{customdata}<extra></extra>"
    )


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
