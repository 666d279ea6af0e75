"""Agreement of the right and the left eye of one person."""

from __future__ import annotations

import streamlit as st

from fundus_core.analyses import one_cohort
from fundus_core.figures import error
from fundus_core.targets import TARGETS
from pages.parts.compare import beside
from pages.parts.shared import studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, count, said


def table(view: View, target_id: str) -> None:
    """Draw how well a model's answers for a person's two eyes agree; nothing where nobody has both."""
    found = studies.study(view).get(one_cohort.EYES, target_id)
    if not len(found.patient):
        return
    with st.expander(_("Right and left eye")):
        named = {
            _("Intraclass correlation, ICC(A,1)"): found.icc,
            _("Mean absolute difference"): found.mean_absolute_difference,
            _("Mean difference, right − left"): found.bias,
            _("Lower limit of agreement"): found.loa_low,
            _("Upper limit of agreement"): found.loa_high,
        }
        rows = [
            {
                _("Estimate"): name,
                _("Value"): error(estimate.value),
                _("95 % interval"): beside.interval(estimate),
                _("Remark"): said(estimate.note),
            }
            for name, estimate in named.items()
        ]
        st.dataframe(rows, hide_index=True)
        words = _("Predictions for the two eyes of {n} people ({unit}); no truth is needed.")
        st.caption(words.format(n=count(len(found.patient)), unit=_(TARGETS[target_id].unit) or "0–1"))
