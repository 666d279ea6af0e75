"""Figures for a clinical criterion: how many are positive, and whether acting on the probability would help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fundus_core.evaluation import Classification, Estimate
from fundus_core.figures.look import Look, frame
from fundus_core.figures.palette import rgba
from fundus_core.records import Floats


@dataclass(frozen=True, slots=True)
class Shares:
    """One criterion: the share of people who are positive, by three ways of telling."""

    name: str
    """The criterion, already translated."""
    prevalence: Estimate
    """By measured values; 0 to 1."""
    called: Estimate
    """By cutting the predictions."""
    expected: Estimate
    """By the probabilities."""


def prevalences(shares: Sequence[Shares], look: Look) -> go.Figure:
    """Draw per criterion the true share of positive people beside the share called and the share expected.

    Args:
        shares: From top to bottom.
        look: Palette, language, stamp.
    """
    ways: list[tuple[str, Callable[[Shares], Estimate]]] = [
        (look.say("by measured values"), lambda one: one.prevalence),
        (look.say("by cutting the predictions"), lambda one: one.called),
        (look.say("by the probabilities"), lambda one: one.expected),
    ]
    alt = look.say("Share of positive people: {list}.").format(list="; ".join(_said(one) for one in shares))
    height = 130 + 84 * max(len(shares), 1)
    figure = frame(look, alt=alt, height=height, legend=True)
    figure.update_layout(legend_y=-56 / (height - 86))
    at = np.arange(len(shares))[::-1].astype(np.float64)
    for place, (name, of) in enumerate(ways):
        found = [of(one) for one in shares]
        colour = look.palette.identity if place == 0 else look.palette.cohort(place - 1)
        figure.add_trace(_bars(name, at + 0.25 - 0.25 * place, found, colour))
    figure.update_xaxes(title_text=look.say("share of people (%)"), rangemode="tozero", showgrid=True)
    figure.update_xaxes(range=[0, _end([of(one) for one in shares for _name, of in ways])])
    names = [_broken(one.name) for one in shares]
    figure.update_yaxes(tickvals=at, ticktext=names, range=[-0.6, len(shares) - 0.4], showgrid=False)
    return figure


def _broken(name: str) -> str:
    """Return a long name on two lines, so that a narrow screen keeps room for the bars."""
    return name.replace(", ", ",<br>", 1).replace("、", "、<br>", 1)


def _bars(name: str, at: Floats, found: Sequence[Estimate], colour: str) -> go.Bar:
    value, low, high = (100 * _numbers(found, end) for end in ("value", "low", "high"))
    return go.Bar(
        x=value,
        y=at,
        width=np.full(len(at), 0.22),
        orientation="h",
        name=name,
        marker={"color": rgba(colour, 0.75), "line": {"width": 0}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(high - value),
            "arrayminus": np.nan_to_num(value - low),
            "color": colour,
            "thickness": 1.3,
            "width": 3,
        },
        hovertemplate="%{x:.1f} %<extra>%{fullData.name}</extra>",
    )


def _numbers(found: Sequence[Estimate], end: str) -> Floats:
    return np.array([np.nan if (value := getattr(one, end)) is None else value for one in found], dtype=np.float64)


def _end(found: Sequence[Estimate]) -> float:
    ends = np.concatenate([_numbers(found, "value"), _numbers(found, "high")])
    return max(5.0, 106 * float(np.nanmax(ends, initial=0.0)))


def _said(one: Shares) -> str:
    shown = (
        "–" if each.value is None else f"{100 * each.value:.0f} %"
        for each in (one.prevalence, one.called, one.expected)
    )
    return f"{one.name} {' / '.join(shown)}"


def decision_curve(judged: Classification, look: Look, *, height: int = 420) -> go.Figure:
    """Draw the net benefit of acting from each probability on, beside acting for everybody and for nobody.

    Vickers and Elkin 2006, doi:10.1177/0272989X06295361. Acting on the model helps where its line is the highest.

    Args:
        judged: With the thresholds of the curve.
        look: Palette, language, stamp.
        height: Pixels.
    """
    figure = frame(look, alt=look.say("Decision curve: net benefit by threshold."), height=height, legend=True)
    threshold = np.array([at.threshold for at in judged.thresholds])
    model = [at.net_benefit for at in judged.thresholds]
    everybody = [at.treat_all for at in judged.thresholds]
    colour = look.palette.cohort(0)
    low, high = _numbers(model, "low"), _numbers(model, "high")
    known = np.isfinite(low) & np.isfinite(high)
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([threshold[known], threshold[known][::-1]]),
            y=np.concatenate([low[known], high[known][::-1]]),
            fill="toself",
            fillcolor=rgba(colour, 0.16),
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
        )
    )
    lines: list[tuple[str, Any, Mapping[str, Any]]] = [
        (look.say("act on the model"), _numbers(model, "value"), {"color": colour, "width": 2.5}),
        (look.say("act for everybody"), _numbers(everybody, "value"), {"color": look.palette.quiet, "width": 1.6}),
        (look.say("act for nobody"), np.zeros(len(threshold)), {"color": look.palette.identity, "dash": "dash"}),
    ]
    for name, benefit, line in lines:
        style = {"width": 1.4, **line}
        figure.add_trace(go.Scatter(x=threshold, y=benefit, mode="lines", line=style, name=name))
    top = float(np.nanmax(np.concatenate([high, _numbers(model, "value"), [0.05]])))
    figure.update_xaxes(title_text=look.say("threshold probability"), range=[0, 1], showgrid=True)
    figure.update_yaxes(title_text=look.say("net benefit"), range=[-0.25 * top, 1.08 * top])
    return figure
