"""Figures for a probability: the predicted probabilities of the two true classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fundus_core.evaluation import Estimate
from fundus_core.figures.cloud import Points
from fundus_core.figures.look import Look, frame, note, with_unit
from fundus_core.figures.palette import rgba
from fundus_core.records import Floats
from fundus_core.targets import Target

_MOST_POINTS = 400
"""Points of a ROC curve; more cannot be told apart on a screen."""


def probabilities(
    target: Target,
    groups: Sequence[Points],
    estimates: Mapping[str, Estimate],
    look: Look,
    *,
    names: tuple[str, str],
    height: int = 420,
) -> go.Figure:
    """Draw the predicted probability, a histogram per true class, with the threshold of one half.

    Args:
        target: A probability.
        groups: Observations; truth is 0 or 1.
        estimates: ``auc`` and ``accuracy``, with intervals.
        look: Palette, language, stamp.
        names: Names of truth 0 and truth 1, already translated.
        height: Pixels.
    """
    alt = look.say("Predicted {name} by true class.").format(name=with_unit(target, look))
    figure = frame(look, alt=alt, height=height, legend=True)
    truth = np.concatenate([group.truth for group in groups])
    predicted = np.concatenate([group.predicted for group in groups])
    for value, name in enumerate(names):
        colour = look.palette.cohort(value)
        figure.add_trace(
            go.Histogram(
                x=predicted[truth == value],
                xbins={"start": 0, "end": 1.0001, "size": 0.05},
                name=f"{name} · n = {int((truth == value).sum()):,}",
                marker={"color": rgba(colour, 0.55), "line": {"color": colour, "width": 1}},
                hovertemplate="%{x}: %{y}<extra></extra>",
            )
        )
    figure.update_layout(barmode="overlay")
    figure.add_vline(x=0.5, line={"color": look.palette.identity, "width": 1.4, "dash": "dash"})
    note(figure, look, class_lines(target, estimates, look), corner="top left")
    figure.update_xaxes(title_text=look.say("Predicted {name}").format(name=with_unit(target, look)), range=[0, 1])
    tallest = max(np.histogram(predicted[truth == value], bins=20, range=(0, 1))[0].max() for value in (0, 1))
    figure.update_yaxes(title_text=look.say("observations"), range=[0, 1.35 * max(float(tallest), 1.0)])
    return figure


def class_lines(target: Target, estimates: Mapping[str, Estimate], look: Look) -> list[str]:
    """Return the lines for inside the figure: accuracy and AUC with intervals, the published figure."""
    lines = []
    for name, words, times, form in (("accuracy", look.say("accuracy"), 100, ".1f"), ("auc", "AUC", 1, ".3f")):
        estimate = estimates.get(name)
        if estimate and estimate.value is not None:
            end = " %" if times == 100 else ""
            shown = [
                f"{times * each:{form}}" for each in (estimate.value, estimate.low, estimate.high) if each is not None
            ]
            around = f" ({'–'.join(shown[1:])})" if len(shown) == 3 else ""
            lines.append(f"<b>{words} {shown[0]}{end}</b>{around}")
    if target.published_accuracy is not None:
        quiet = f"{look.say('published (JOIR)')}: {100 * target.published_accuracy:.1f} %"
        lines.append(f'<span style="color:{look.palette.quiet}">{quiet}</span>')
    return lines


def roc(false_positive: Floats, true_positive: Floats, auc: Estimate, look: Look, *, place: int = 0) -> go.Figure:
    """Draw a receiver operating characteristic; both arrays run from 0 to 1."""
    kept = _along(false_positive, true_positive)
    figure = frame(look, alt=look.say("ROC curve, AUC {auc}.").format(auc=f"{auc.value or 0:.3f}"), height=420)
    ends = [0, 1]
    dashed = {"color": look.palette.identity, "width": 1, "dash": "dash"}
    figure.add_trace(go.Scatter(x=ends, y=ends, mode="lines", line=dashed, hoverinfo="skip"))
    line = {"color": look.palette.cohort(place), "width": 2.5}
    figure.add_trace(go.Scatter(x=false_positive[kept], y=true_positive[kept], mode="lines", line=line))
    if auc.value is not None:
        note(figure, look, [f"<b>AUC {auc.value:.3f}</b>{_interval(auc)}"])
    figure.update_xaxes(title_text=look.say("false positive rate"), range=[0, 1], constrain="domain", showgrid=True)
    figure.update_yaxes(title_text=look.say("true positive rate"), range=[0, 1.01], scaleanchor="x")
    return figure


def precision_recall(
    recall: Floats, precision: Floats, average: Estimate, prevalence: float, look: Look, *, place: int = 0
) -> go.Figure:
    """Draw precision against recall; a useless model lies on the dashed line, at the prevalence.

    Args:
        recall: From 0 to 1, never falling.
        precision: Of the same length; 1 where nobody is called.
        average: Average precision, with its interval.
        prevalence: Share of positive people, 0 to 1.
        look: Palette, language, stamp.
        place: Colour of the cohort.
    """
    kept = _along(recall, precision)
    words = look.say("Precision-recall curve, average precision {value}.")
    figure = frame(look, alt=words.format(value=f"{average.value or 0:.3f}"), height=420)
    dashed = {"color": look.palette.identity, "width": 1, "dash": "dash"}
    figure.add_trace(go.Scatter(x=[0, 1], y=[prevalence] * 2, mode="lines", line=dashed, hoverinfo="skip"))
    line = {"color": look.palette.cohort(place), "width": 2.5}
    figure.add_trace(go.Scatter(x=recall[kept], y=precision[kept], mode="lines", line=line))
    if average.value is not None:
        title = look.say("average precision")
        note(figure, look, [f"<b>{title} {average.value:.3f}</b>{_interval(average)}"], corner="bottom left")
    figure.update_xaxes(title_text=look.say("recall (sensitivity)"), range=[0, 1], showgrid=True)
    figure.update_yaxes(title_text=look.say("precision (PPV)"), range=[0, 1.02])
    return figure


def _along(x: Floats, y: Floats) -> NDArray[np.intp]:
    """Places of points evenly far apart along a curve of many; all of a short one."""
    if len(x) <= _MOST_POINTS:
        return np.arange(len(x))
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    return np.unique(np.searchsorted(way, np.linspace(0, way[-1], _MOST_POINTS)))


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f" ({estimate.low:.3f}–{estimate.high:.3f})"
