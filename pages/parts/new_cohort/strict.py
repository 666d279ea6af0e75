"""How strict the quality gate is: the usual limits, or those of a cohort's own worst photographs."""

from dataclasses import asdict

import streamlit as st

from fundus_core.quality import LIMITS, Limits
from pages.parts.shared.studies import View
from pages.parts.shell import home, state
from pages.parts.shell.language import _

MOST = 25
"""The largest share, in percent, that can be asked for on the page."""


def percentile() -> float:
    """Let the user refuse a cohort's own worst photographs; return the percentile, 0 for the usual limits."""
    tip = _("Beside the usual limits. Sharpness, light, contrast and glare are measured on a sample of the cohort.")
    label = _("Exclude the lowest-quality … % per check")
    return float(st.slider(label, 0, MOST, 0, format="%d %%", help=tip, key=f"strict{state.upload_number()}"))


def limits(view: View) -> Limits:
    """Return the limits under which the view's model read its photographs."""
    for version in home.store().models(view.cohort.id):
        if version.model == view.model:
            return Limits.from_text(version.limits)
    return LIMITS


def note(view: View) -> None:
    """Say so where the limits are not the usual ones."""
    usual, here = asdict(LIMITS), asdict(limits(view))
    words = {
        "brightness": _("brightness"),
        "lit_share": _("lit share"),
        "contrast": _("contrast"),
        "focus": _("focus"),
        "glare_share": _("glare"),
    }
    own = [f"{words.get(name, name)} {value:.3g}" for name, value in here.items() if value != usual[name]]
    if own:
        st.caption(_("Limits of quality taken from this cohort itself: {limits}").format(limits=" · ".join(own)))
