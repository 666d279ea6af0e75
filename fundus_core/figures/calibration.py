"""Calibration: what was measured where the model predicted so much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from fundus_core.evaluation import CalibrationCurve
from fundus_core.figures.look import Look, frame, note, with_unit
from fundus_core.figures.palette import rgba
from fundus_core.records import Floats
from fundus_core.targets import Target


@dataclass(frozen=True, slots=True)
class Steps:
    """Groups of equal size by rising prediction (deciles), a row each."""

    predicted: Floats
    """Mean prediction."""
    truth: Floats
    """Mean of the measured values; the observed share for a probability."""
    low: Floats
    """Lower end of the mean's interval; NaN where none."""
    high: Floats
    """Upper end of the mean's interval; NaN where none."""
    count: Floats
    """Observations in the group."""


def calibration(
    target: Target,
    steps: Steps,
    look: Look,
    *,
    slope: float | None = None,
    intercept: float | None = None,
    curve: CalibrationCurve | None = None,
    place: int = 0,
    height: int = 420,
) -> go.Figure:
    """Draw the mean truth against the mean prediction of each group; on the dashed line they agree.

    Args:
        target: What is predicted.
        steps: The groups.
        look: Palette, language, stamp.
        slope: Of truth on prediction; 1 is ideal. Drawn and written where given.
        intercept: Of truth on prediction.
        curve: The same without groups: a smooth curve with its band.
        place: Colour of the cohort.
        height: Pixels.
    """
    name = with_unit(target, look)
    alt = look.say("Calibration of {name}: mean truth per tenth of the predictions.").format(name=name)
    figure = frame(look, alt=alt, height=height)
    ends = _span(steps)
    figure.add_trace(_line(ends, ends, look, look.say("prediction = truth"), "dash", look.palette.identity))
    if slope is not None and intercept is not None:
        inner = [float(steps.predicted.min()), float(steps.predicted.max())]
        fitted = [intercept + slope * value for value in inner]
        figure.add_trace(_line(inner, fitted, look, "fit", "solid", look.palette.quiet))
        note(figure, look, [f"<b>{look.say('slope')} {slope:.2f}</b> ({look.say('ideal 1')})"])
    colour = look.palette.cohort(place)
    if curve is not None and len(curve.predicted):
        figure.add_traces(_smooth(curve, look, colour))
    figure.add_trace(
        go.Scatter(
            x=steps.predicted,
            y=steps.truth,
            customdata=steps.count,
            mode="markers" if curve is not None and len(curve.predicted) else "markers+lines",
            line={"color": colour, "width": 1},
            marker={"color": colour, "size": 9},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": _whiskers(steps.high - steps.truth),
                "arrayminus": _whiskers(steps.truth - steps.low),
                "color": colour,
                "thickness": 1.3,
                "width": 3,
            },
            hovertemplate="%{x:.3g} → %{y:.3g}<br>n = %{customdata}<extra></extra>",
            name=name,
        )
    )
    figure.update_xaxes(title_text=look.say("Predicted {name}").format(name=name), showgrid=True, range=ends)
    figure.update_yaxes(title_text=look.say("True {name}").format(name=name), range=ends)
    figure.update_yaxes(scaleanchor="x", scaleratio=1, constrain="domain")
    figure.update_xaxes(constrain="domain")
    return figure


def _smooth(curve: CalibrationCurve, look: Look, colour: str) -> list[go.Scatter]:
    band = go.Scatter(
        x=np.concatenate([curve.predicted, curve.predicted[::-1]]),
        y=np.concatenate([curve.low, curve.high[::-1]]),
        fill="toself",
        fillcolor=rgba(colour, 0.16),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
    )
    line = {"color": colour, "width": 2}
    return [band, go.Scatter(x=curve.predicted, y=curve.measured, mode="lines", line=line, name=look.say("smooth"))]


def _whiskers(lengths: Floats) -> Floats:
    return np.where(np.isfinite(lengths), np.maximum(lengths, 0), 0)


def _span(steps: Steps) -> list[float]:
    values = np.concatenate([steps.predicted, steps.truth, steps.low, steps.high])
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    pad = 0.06 * (high - low) or 1.0
    return [low - pad, high + pad]


def _line(x: list[float], y: list[float], look: Look, name: str, dash: str, colour: str) -> go.Scatter:
    line = {"color": colour, "width": 1.4, "dash": dash}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", name=name)
