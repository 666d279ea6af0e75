"""Bland-Altman and residual figures: where the errors lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from fundus_core.evaluation import Estimate
from fundus_core.figures.cloud import Points, cloud
from fundus_core.figures.look import Look, frame, note, number, with_unit
from fundus_core.figures.palette import rgba
from fundus_core.records import Floats
from fundus_core.targets import Target


def bland_altman(
    target: Target,
    groups: Sequence[Points],
    estimates: Mapping[str, Estimate],
    look: Look,
    *,
    height: int = 420,
) -> go.Figure:
    """Draw prediction minus truth against their mean, with bias and 95 % limits of agreement.

    A predictor that explains part of the variance is shrunk to the mean and always shows a slope here;
    the figure says so. Bland and Altman 1986, doi:10.1016/S0140-6736(86)90837-8.

    Args:
        target: What is predicted.
        groups: One entry per cohort.
        estimates: ``bias``, ``loa_low`` and ``loa_high``, with intervals.
        look: Palette, language, stamp.
        height: Pixels.
    """
    bias, low, high = (estimates[name] for name in ("bias", "loa_low", "loa_high"))
    alt = look.say("Bland-Altman for {name}: bias {bias}, limits of agreement {low} to {high}.").format(
        name=with_unit(target, look),
        bias=number(bias.value, target, signed=True),
        low=number(low.value, target),
        high=number(high.value, target),
    )
    figure = frame(look, alt=alt, height=height, legend=len(groups) > 1)
    _differences(figure, groups, lambda group: (group.truth + group.predicted) / 2, target, look)
    figure.add_hline(y=0, line={"color": look.palette.grid, "width": 1})
    for estimate, words in ((high, "+1.96 SD"), (bias, look.say("bias")), (low, "−1.96 SD")):
        _level(figure, estimate, words, target, look)
    figure.update_yaxes(range=_height(groups, (bias, low, high)))
    figure.update_xaxes(title_text=look.say("Mean of true and predicted {name}").format(name=with_unit(target, look)))
    figure.update_yaxes(title_text=look.say("predicted − true ({unit})").format(unit=look.say(target.unit)))
    return figure


def residuals(target: Target, groups: Sequence[Points], look: Look, *, against: str, height: int = 380) -> go.Figure:
    """Draw prediction minus truth against ``truth`` or against ``predicted``.

    Against the truth a slope is expected (regression to the mean); against
    the prediction it is miscalibration.
    """
    words = {"truth": look.say("True {name}"), "predicted": look.say("Predicted {name}")}
    axis = words[against].format(name=with_unit(target, look))
    figure = frame(look, alt=look.say("Errors against: {axis}.").format(axis=axis), height=height)
    _differences(figure, groups, lambda group: group.truth if against == "truth" else group.predicted, target, look)
    figure.add_hline(y=0, line={"color": look.palette.identity, "width": 1.4, "dash": "dash"})
    remark = {
        "truth": "a slope here is regression to the mean",
        "predicted": "a slope here is miscalibration",
    }
    note(figure, look, [look.say(remark[against])], corner="top right")
    figure.update_xaxes(title_text=axis)
    figure.update_yaxes(title_text=look.say("predicted − true ({unit})").format(unit=look.say(target.unit)))
    return figure


def error_boxes(target: Target, groups: Sequence[Points], look: Look, *, height: int = 0) -> go.Figure:
    """Draw the distribution of errors, a box per group: median, quartiles, 5th and 95th percentile."""
    alt = look.say("Distribution of errors for {name}.").format(name=with_unit(target, look))
    figure = frame(look, alt=alt, height=height or 130 + 44 * len(groups))
    for group in reversed(groups):
        error = group.error
        if not len(error):
            continue
        marks = np.percentile(error, [5, 25, 50, 75, 95])
        colour = look.palette.cohort(group.colour)
        figure.add_trace(
            go.Box(
                y=[group.name],
                lowerfence=[marks[0]],
                q1=[marks[1]],
                median=[marks[2]],
                q3=[marks[3]],
                upperfence=[marks[4]],
                orientation="h",
                fillcolor=rgba(colour, 0.45),
                line={"color": colour, "width": 1.6},
                name=group.name,
                showlegend=False,
            )
        )
    figure.add_vline(x=0, line={"color": look.palette.identity, "width": 1.2, "dash": "dash"})
    figure.update_xaxes(title_text=look.say("predicted − true ({unit})").format(unit=look.say(target.unit)))
    figure.update_yaxes(showgrid=False)
    return figure


def _height(groups: Sequence[Points], levels: Sequence[Estimate]) -> list[float]:
    ends = [end for level in levels for end in (level.value, level.low, level.high) if end is not None]
    reach = max([abs(end) for end in ends] + [float(np.abs(g.error).max()) for g in groups if len(g)] + [1e-9])
    return [-1.12 * reach, 1.12 * reach]


def _differences(
    figure: go.Figure, groups: Sequence[Points], along: Callable[[Points], Floats], target: Target, look: Look
) -> None:
    count = sum(map(len, groups))
    hover = f"%{{y:+.{target.decimals}f}}<br>%{{customdata}}<extra></extra>"
    for group in groups:
        cloud(figure, group, along(group), group.error, look, count=count, hover=hover)


def _level(figure: go.Figure, estimate: Estimate, words: str, target: Target, look: Look) -> None:
    if estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        figure.add_hrect(y0=estimate.low, y1=estimate.high, fillcolor=look.palette.band, line={"width": 0})
    figure.add_hline(
        y=estimate.value,
        line={"color": look.palette.ink, "width": 1.4, "dash": "dot"},
        annotation={
            "text": f"{words} {number(estimate.value, target, signed=True)}",
            "font": {"color": look.palette.ink, "size": look.size - 1},
            "bgcolor": look.palette.surface,
            "xanchor": "right",
        },
        annotation_position="top right",
    )
