"""Cohorts side by side without looking at the truth: shift of predictions, and photographs foreign to the model."""

from __future__ import annotations

import streamlit as st

from fundus_core.analyses import Study, side_by_side
from fundus_core.evaluation import PSI_NOTE
from fundus_core.figures import error
from pages.parts.compare import beside, grid
from pages.parts.shared import choose, naming
from pages.parts.shell.language import _, count, said


def tables(study: Study) -> None:
    """Draw both tables."""
    shifts, foreign = study.get(side_by_side.SHIFT), study.get(side_by_side.OUT_OF_DISTRIBUTION)
    st.subheader(_("Without looking at the truth"), anchor=False)
    rows = [
        {
            _("Target"): choose.short(each.target),
            _("First"): naming.cohort(each.first),
            _("Second"): naming.cohort(each.second),
            _("Mean difference"): error(each.mean_difference, signed=True),
            "KS": error(each.ks),
            "p": beside.p_value(each.p_adjusted),
            _("Wasserstein distance (SD)"): error(each.wasserstein_sd),
            "PSI": error(each.psi),
        }
        for each in shifts
    ]
    grid.draw(rows)
    st.caption(
        _(
            "How the predictions of two cohorts differ, a person each; Holm-corrected. A shift is no error. PSI: {psi}."
        ).format(psi=_(PSI_NOTE))
    )
    grid.draw(
        [
            {
                _("Cohort"): naming.cohort(each.cohort),
                _("Photographs"): count(each.n_photographs),
                _("Beyond the model's limit"): _percent(each.share.value),
                _("95 % interval"): f"{_percent(each.share.low)} … {_percent(each.share.high)}",
                _("Remark"): said(each.share.note),
            }
            for each in foreign
        ]
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def imbalance(study: Study) -> None:
    """Draw how far cohorts differ in who they are."""
    found = study.get(side_by_side.IMBALANCE)
    rows = [
        {
            _("Value"): beside.variable(each.variable),
            _("First"): naming.cohort(each.first),
            _("Second"): naming.cohort(each.second),
            _("Standardised difference"): error(each.smd, signed=True),
            _("Ratio of SDs"): error(each.sd_ratio),
            _("Overlap"): error(each.overlap),
            _("Remark"): said(each.note),
        }
        for each in found
    ]
    with st.expander(_("How far they differ")):
        grid.draw(rows)
        st.caption(
            _("Standardised differences below 0.1 are often taken as negligible; an overlap of 1: one distribution.")
        )
