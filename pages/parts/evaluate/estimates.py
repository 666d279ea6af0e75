"""The tables of a target: every estimate with its interval, the baselines, and the two eyes."""

from dataclasses import replace

import streamlit as st

from fundus_core.analyses import Study, beyond_in_words, one_cohort, shown
from pages.parts.shared import show, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, tell


def _beyond(study: Study) -> Study:
    """Let the user name columns that are known without the photograph, beside age and sex."""
    columns = list(study.table.covariates)
    if not columns:
        return study
    asked = st.multiselect(_("Known without the photograph, beside age and sex"), columns, key="beyond_columns")
    return replace(study, beyond=tuple(asked))


def tables(view: View, target_id: str, level: str) -> None:
    """Draw every table that a report has of a target; those with nothing to say are left out."""
    study = _beyond(studies.study(view, level))
    st.markdown(f"**{beyond_in_words(study, target_id, tell)}**")
    with st.expander(_("All numbers of this target"), expanded=True):
        few = view.cohort.photographs < studies.MANY
        whole = few or st.button(_("Medians and ranks too"), help=_("They take a while on so many photographs."))
        show.table(shown(study, one_cohort.SCORES if whole else one_cohort.QUICK_SCORES, target_id, tell))
    shown_here = (one_cohort.BEYOND, one_cohort.BASELINES, one_cohort.EYES, one_cohort.CHANGE, one_cohort.REPEATABILITY)
    for analysis in shown_here:
        made = shown(study, analysis, target_id, tell, tell) if target_id in study.of_interest(analysis) else None
        if made and made.body:
            with st.expander(_(analysis.title)):
                st.caption(_(analysis.question))
                show.table(made)
