"""How strict the quality gate is: the usual limits, or those of a cohort's own worst photographs."""

from dataclasses import asdict

import streamlit as st

from fundus_core.pipeline import StretchedSet, stretched_set
from fundus_core.quality import LIMITS, Limits
from pages.parts.new_cohort.ingest import Found
from pages.parts.shared.studies import View
from pages.parts.shell import home, state
from pages.parts.shell.language import _, worded

MOST = 25
"""The largest share, in percent, that can be asked for on the page."""


def percentile() -> float:
    """Let the user refuse a cohort's own worst photographs; return the percentile, 0 for the usual limits."""
    tip = _("Beside the usual limits. Sharpness, light, contrast and glare are measured on a sample of the cohort.")
    label = _("Exclude the lowest-quality … % per check")
    return float(st.slider(label, 0, MOST, 0, format="%d %%", help=tip, key=f"strict{state.upload_number()}"))


def unstretch(found: Found) -> bool:
    """Ask once what shall be done with a set of photographs that was stretched; say nothing of any other."""
    number = state.upload_number()
    upload = (number, len(found.sources))
    known: tuple[tuple[int, int], StretchedSet | None] | None = state.recall("stretched")
    if known is None or known[0] != upload:
        known = (upload, stretched_set(found.sources))
        state.remember("stretched", known)
    squeezed = known[1]
    if squeezed is None:
        return False
    words = worded(
        "Of {looked:,} photographs looked at, {n:,} {n:is|are} stretched: the field is an ellipse, {aspect} times as "
        "high as wide.",
        n=squeezed.stretched,
        looked=squeezed.looked,
        aspect=f"{squeezed.aspect:.2f}",
    )
    st.warning(words, icon=":material/aspect_ratio:")
    tip = _("Without this the model sees them as they are. The photographs themselves stay unchanged.")
    return st.checkbox(_("Unstretch them"), value=True, help=tip, key=f"unstretch{number}")


def limits(view: View) -> Limits:
    """Return the limits under which the view's model read its photographs."""
    for version in home.store().models(view.cohort.id):
        if version.model == view.model:
            return Limits.from_text(version.limits)
    return LIMITS


def note(view: View) -> None:
    """Say so where the limits are not the usual ones."""
    usual, here = asdict(LIMITS), asdict(limits(view))
    unstretched = here.pop("unstretch")
    words = {
        "brightness": _("brightness"),
        "lit_share": _("lit share"),
        "contrast": _("contrast"),
        "focus": _("focus"),
        "glare_share": _("glare"),
    }
    own = [
        f"{words.get(name, name)} {value:.3g}"
        for name, value in here.items()
        if value != usual[name] and name != "unstretch"
    ]
    if unstretched:
        st.caption(_("Stretched photographs were unstretched before they were read."))
    if own:
        st.caption(_("Limits of quality taken from this cohort itself: {limits}").format(limits=" · ".join(own)))
