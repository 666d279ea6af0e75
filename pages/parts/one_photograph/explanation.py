"""Where the model looks in the photograph, and how the eye would look if the person were different."""

import streamlit as st

from fundus_core import figures, synthetic
from fundus_core.errors import FundusError, UsageError
from fundus_core.explain import Explanation, Saliency, overlay
from fundus_core.records import Pixels
from fundus_core.store import Item
from fundus_core.synthetic.redraw import RenderedEye
from fundus_core.targets import TARGETS
from pages.parts.shared import display, saliency_job
from pages.parts.shared.studies import View
from pages.parts.shell import state
from pages.parts.shell.language import _, said
from pages.parts.shell.sample import FOLDER, NAME


def saliency(view: View, item: Item) -> None:
    """Offer to ask where the model looks in this photograph; the answer comes from a process of its own."""
    if saliency_job.possible(view, item):
        display.fold(_("Where does the model look?"), f"where-{item.key}", lambda: _asked(view, item))


def _asked(view: View, item: Item) -> None:
    saliency_job.warm_up(view)
    known = f"asked-{item.sha256}-{view.model}"
    if not state.recall(known):
        st.caption(saliency_job.patience())
        if not st.button(_("Ask the model"), key=f"ask-{item.sha256}"):
            return
    try:
        with st.spinner(
            saliency_job.patience(),
            show_time=True,
        ):
            found = saliency_job.ask(view, item).result()
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
