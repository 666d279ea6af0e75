"""What a model reads from the photograph, where it looks, and how the eye would look if the person were different."""

import math

import streamlit as st

from fundus_core import figures, pipeline, synthetic
from fundus_core.errors import FundusError, UsageError
from fundus_core.explain import Explanation, Saliency, overlay
from fundus_core.figures import number
from fundus_core.records import Floats, Pixels
from fundus_core.store import Item
from fundus_core.synthetic.render import RenderedEye
from fundus_core.targets import TARGETS, Target
from pages.parts.shared import display, photo_panel, studies
from pages.parts.shared.studies import View
from pages.parts.shell import state
from pages.parts.shell.language import _, said
from pages.parts.shell.sample import FOLDER, NAME


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
    study, large = studies.study(view), view.cohort.photographs >= studies.MANY
    bars = {name: pipeline.predicted_bars(study, name, known=large) for name in TARGETS if name in item.predictions}
    with st.grid(min_column_width=190, gap="small"):
        for name, others in bars.items():
            _value(view, item, name, others)
    st.caption(
        _("Line: this eye. Grey: its 90 % interval. Bars: what the model said of this cohort.")
        if None not in bars.values()
        else _("Where it stands among so many photographs is shown once the page Evaluate has computed them."),
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


def _value(view: View, item: Item, name: str, others: tuple[Floats, Floats] | None) -> None:
    target, prediction = TARGETS[name], item.predictions[name]
    with st.container(border=True, gap="xsmall", height="stretch"):
        value = f"{number(prediction.value, target)} {_(target.unit)}".strip()
        st.metric(figures.heading(_(target.name)), value)
        st.caption(_interval(item, name))
        if others is not None:
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


def saliency(view: View, item: Item) -> None:
    """Offer to ask where the model looks in this photograph; the answer comes from a process of its own."""
    if photo_panel.can_look(view, item):
        display.fold(_("Where does the model look?"), f"where-{item.key}", lambda: _asked(view, item))


def _asked(view: View, item: Item) -> None:
    photo_panel.warm_up_to_look(view)
    known = f"asked-{item.sha256}-{view.model}"
    if not state.recall(known):
        st.caption(photo_panel.patience_of_looking())
        if not st.button(_("Ask the model"), key=f"ask-{item.sha256}"):
            return
    try:
        with st.spinner(
            photo_panel.patience_of_looking(),
            show_time=True,
        ):
            found = photo_panel.where_it_looks(view, item).result()
    except FundusError as fault:
        st.error(said(fault))
        return
    state.remember(known, True)  # noqa: FBT003 - a mark in the tab's memory
    with st.grid(min_column_width=170):
        for name, one in found.maps.items():
            _map(found, name, one)
    st.caption(_("Bright: where blurring would move the value most. A map that beats no random map means nothing."))


def _map(found: Explanation, name: str, one: Saliency) -> None:
    words = _("better than chance") if one.deletion.meaningful else _("no better than chance")
    title = figures.heading(_(TARGETS[name].name))
    alt = _("Where the model looks for {name}.").format(name=_(TARGETS[name].name))
    st.image(overlay(found.crop, one.map), width="stretch", caption=f"{title} · {words}", alt=alt)


def what_if(view: View, item: Item) -> None:
    """On the sample cohort: redraw the eye as what it shows of a person changes."""
    if view.cohort.name != NAME:
        return
    try:
        eye = synthetic.find(FOLDER, item.name)
    except UsageError:
        return
    label = _("What if this person were different?")
    display.fold(label, f"what-if-{item.name}", lambda: _redrawn(eye, item.name))


def _redrawn(eye: RenderedEye, name: str) -> None:
    st.caption(_("A rendered eye can be drawn again. Each slider moves one signal, in standard deviations."))
    left, right = st.columns([2, 3])
    with left:
        shifts = {target: _slider(name, target) for target in TARGETS}
    with right:
        before, after = st.columns(2)
        before.image(_drawn(eye, name, ()), caption=_("as it is"), width="stretch", alt=_("The eye as it is."))
        drawn = _drawn(eye, name, tuple(shifts.items()))
        after.image(drawn, caption=_("as it would be"), width="stretch", alt=_("The eye redrawn."))


def _slider(name: str, target: str) -> float:
    label = figures.heading(_(TARGETS[target].name))
    return float(st.slider(label, -3.0, 3.0, 0.0, 0.5, key=f"z-{name}-{target}"))


@st.cache_resource(max_entries=48, show_spinner=False)
def _drawn(_eye: RenderedEye, name: str, shifts: tuple[tuple[str, float], ...]) -> Pixels:
    return _eye.redraw(dict(shifts))
