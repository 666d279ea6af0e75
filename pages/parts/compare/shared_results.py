"""Results that other sites shared, beside the cohorts of one's own: files of aggregates, read and kept by the tab."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from fundus_core import evaluation
from fundus_core.analyses import CANNOT, different_models
from fundus_core.errors import UsageError
from fundus_core.evaluation import Shared
from pages.parts.shared import display
from pages.parts.shared.studies import View
from pages.parts.shell import cards
from pages.parts.shell.language import _, said, worded

MOST = 12
"""Shared results at a time."""


def ask(place: Any) -> Mapping[str, Shared]:
    """Let the user bring files, behind a button; return those that can be read by the names of their sites."""
    with place, st.popover(_("Other sites"), icon=":material/hub:", width="stretch"):
        st.caption(
            _("Results that other sites shared, as Evaluate or evaluate --share wrote them; they stay in this tab.")
        )
        label = _("Shared results (JSON)")
        files = st.file_uploader(label, ["json"], accept_multiple_files=True, key="shared_files", max_upload_size=2)
        found: dict[str, Shared] = {}
        for file in files[:MOST]:
            try:
                one = evaluation.from_text(file.getvalue(), file.name)
            except UsageError as error:
                st.error(said(str(error)))
                continue
            found[_free(one.identity.name, found)] = one
        rendered = any(one.identity.rendered for one in found.values())
        for name, one in found.items():
            model = cards.title(one.identity.model)
            st.caption(
                worded("{name}: {n} {n:target|targets}, read by {model}", name=name, n=len(one.targets), model=model)
            )
    for sentence in [CANNOT, *([display.RENDERED_MODEL] if found and rendered else [])] if found else []:
        st.caption(":material/info: " + _(sentence))
    return found


def unique_names(shared: Mapping[str, Shared], views: Sequence[View]) -> Mapping[str, Shared]:
    """Return shared results under names that no cohort on the page has; say so where other models read them."""
    taken = {view.name for view in views}
    known = cards.known()
    models = {view.title: (view.model, view.model in known) for view in views}
    several = different_models(models, shared, cards.title)
    if several and shared:
        st.warning(said(several), icon=":material/warning:")
    return {_free(name, taken): one for name, one in shared.items()}


def _free(name: str, taken: Collection[str]) -> str:
    """Return a name that no other has."""
    return next(one for at in range(len(taken) + 1) if (one := f"{name} ({at + 1})" if at else name) not in taken)
