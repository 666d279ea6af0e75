"""What a model reads from the photograph, among what it read from the cohort."""

import math

import numpy as np
import streamlit as st

from fundus_core import figures
from fundus_core.figures import number
from fundus_core.records import Floats
from fundus_core.store import Item
from fundus_core.targets import TARGETS, Target
from pages.parts.shared import display, photo_panel, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _


def draw(view: View, item: Item) -> None:
    """Draw each predicted value with its interval among the cohort's predictions."""
    if item.status == "queued":
        st.info(_("This photograph waits to be read."))
    if item.out_of_distribution > 1:
        st.warning(
            _("Unlike the photographs that the model learned from (distance {d}; 1 is the limit).").format(
                d=f"{item.out_of_distribution:.1f}"
            )
        )
    if not item.predictions:
        return
    table = studies.study(view).table
    with st.grid(min_column_width=190, gap="small"):
        for name in TARGETS:
            if name in item.predictions:
                others = table.predicted.get(name, np.empty(0))
                _value(view, item, name, others[np.isfinite(others)])
    st.caption(
        _("Line: this eye. Grey: its 90 % interval. Bars: what the model said of this cohort."),
        help=_(
            "The interval is fitted on people whose values were known: nine in ten of them had theirs inside. "
            "It says nothing about people unlike them."
        ),
    )


def courses(view: View, item: Item) -> None:
    """Draw how the person's measured and predicted values went from visit to visit, where there are several."""
    with st.grid(min_column_width=320, gap="small"):
        for name in item.predictions:
            photo_panel.course(view, item, name)


def _value(view: View, item: Item, name: str, others: Floats) -> None:
    target, prediction = TARGETS[name], item.predictions[name]
    with st.container(border=True, gap="xsmall", height="stretch"):
        value = f"{number(prediction.value, target)} {_(target.unit)}".strip()
        st.metric(figures.heading(_(target.name)), value)
        st.caption(_interval(item, name))
        figure = figures.among(target, prediction, others, display.figure_look(view), height=96, place=view.place)
        display.chart(figure, f"among-{name}")


def _interval(item: Item, name: str) -> str:
    target, prediction = TARGETS[name], item.predictions[name]
    parts = []
    if math.isfinite(prediction.low) and math.isfinite(prediction.high):
        words = _("90 % prediction interval: {low} to {high}")
        parts.append(words.format(low=number(prediction.low, target), high=number(prediction.high, target)))
    if name in item.truth:
        parts.append(_("measured: {value}").format(value=_measured(item.truth[name], target)))
    return "  \n".join(parts)


def _measured(value: float, target: Target) -> str:
    return _(target.said(value)) if target.binary else number(value, target)
