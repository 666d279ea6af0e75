"""One value among a cohort's: where this eye stands."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from fundus_core.figures.look import Look, frame, number, with_unit
from fundus_core.figures.palette import rgba
from fundus_core.records import Floats, Prediction
from fundus_core.targets import Target


def among(
    target: Target, prediction: Prediction, others: Floats, look: Look, *, height: int = 150, place: int = 0
) -> go.Figure:
    """Draw a prediction with its interval over the distribution of a cohort's predictions.

    Args:
        target: What is predicted.
        prediction: The value of this eye and its 90 % interval.
        others: Predictions of the cohort, any length, without missing values.
        look: Palette, language, stamp.
        height: Pixels.
        place: Of the cohort's colour in the palette.
    """
    words = look.say("{name}: {value}, among {count} predictions of the cohort.")
    alt = words.format(name=with_unit(target, look), value=number(prediction.value, target), count=len(others))
    figure = frame(look, alt=alt, height=height)
    colour = look.palette.cohort(place)
    if len(others):
        marker = {"color": rgba(colour, 0.28), "line": {"width": 0}}
        figure.add_trace(go.Histogram(x=others, nbinsx=40, marker=marker, hoverinfo="skip"))
    if np.isfinite(prediction.low) and np.isfinite(prediction.high):
        figure.add_vrect(
            x0=prediction.low,
            x1=prediction.high,
            fillcolor=look.palette.band,
            line={"width": 0},
            layer="below",
        )
    figure.add_vline(x=prediction.value, line={"color": look.palette.ink, "width": 2.5})
    figure.update_yaxes(visible=False)
    figure.update_xaxes(title_text=look.say(target.unit))
    figure.update_layout(margin={"l": 8, "r": 8, "t": 20, "b": 36}, bargap=0.04)
    return figure
