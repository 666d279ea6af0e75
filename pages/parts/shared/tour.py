"""The first five minutes: five stops on the sample cohort, each a link; closed once, they never come back."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.parts.shell import address, asking, home, menu, paths, people
from pages.parts.shell.language import _
from pages.parts.shell.sample import NAME

_KEY = "tour"
"""The query parameter that says at which stop a reader is, from 1."""
STOPS: Sequence[tuple[str, dict[str, str], str]] = (
    (
        "evaluate",
        {"cohort": NAME},
        "Each point is a person: predicted against measured. The heading is the mean absolute error with its interval "
        "and what guessing the median would err. Click a point: the eyes behind it stand beside the figure.",
    ),
    (
        "compare",
        {},
        "The same model at the three sites of the sample, on common axes. Whether two sites differ is said in "
        "sentences, with an interval, below the figures.",
    ),
    (
        "explore",
        {"cohort": NAME, "status": "refused"},
        "No photograph is dropped in silence: each that was refused says why. A person may overrule it, and every "
        "result then stands with and without.",
    ),
    (
        "present",
        {"cohort": NAME},
        "The cohort as slides, as a PowerPoint file or in the browser; the arrow keys turn them.",
    ),
    (
        "new_cohort",
        {},
        "Now yours: drop photographs, a ZIP or a table of predictions made elsewhere, and a table of measured values.",
    ),
)
"""Page, what its address says, and what to look at there."""


def draw(page: str) -> None:
    """Draw the stop at which the reader is on a page, or on the overview the way in; nothing once it was closed."""
    at = address.whole(st.query_params.get(_KEY, "")) or 0
    here = 1 <= at <= len(STOPS) and STOPS[at - 1][0] == page
    if (not here and page != "overview") or _mark().exists() or not _has_sample():
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="tour"):
        if here:
            st.markdown(f"**{at} / {len(STOPS)}** · {_(STOPS[at - 1][2])}", width="stretch")
        else:
            st.markdown(_("**New here?** Five stops on the sample cohort, five minutes."), width="stretch")
        if not here or at < len(STOPS):
            to, query, _words = STOPS[at if here else 0]
            label = _("Next") if here else _("Begin")
            query = {**query, _KEY: str(at + 1 if here else 1)}
            st.page_link(menu.path(to), label=label, icon=":material/arrow_forward:", query_params=query)
        st.button(_("Close for good"), type="tertiary", on_click=_close, key="tour-close")


def _close() -> None:
    mark = _mark()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    address.forget(_KEY)


def _mark() -> Path:
    """Return the file that says it was closed, on a shared server by this person."""
    who = hashlib.sha256(asking.asker().id.encode()).hexdigest()[:32] if people.shared() else "closed"
    return paths.folder() / "tour" / who


def _has_sample() -> bool:
    return any(cohort.name == NAME and cohort.photographs for cohort in home.store().cohorts())
