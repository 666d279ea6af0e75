"""The fold in which a user chooses which further table to read: one at a time, made when it is looked at."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from fundus_core.analyses import Analysis
from pages.parts.shared import display
from pages.parts.shell import address
from pages.parts.shell.language import _


def draw(analyses: Callable[[], Sequence[Analysis[Any]]], show: Callable[[Analysis[Any]], bool]) -> None:
    """Draw the fold; an address that names an analysis opens it.

    Args:
        analyses: Returns those to choose from, at least one; asked once the fold is open.
        show: Draws an analysis, and returns whether it had anything to say.
    """

    def choose() -> None:
        known = {each.id: each for each in analyses()}
        words = {name: _(each.title) for name, each in known.items()}
        name = address.pick(st.selectbox, _("Analysis"), list(known), key="analysis", words=words, lenient=True)
        if not show(known[name]):
            st.info(_("Nothing to show: the cohort holds too little for this, or nothing was asked of it above."))

    label = _("All numbers, and further analyses")
    display.fold(label, "analyses", choose, opened=bool(address.told("analysis")))
