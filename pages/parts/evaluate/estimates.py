"""The tables of a target: every estimate with its interval, the baselines, and the two eyes."""

import streamlit as st

from fundus_core.analyses import one_cohort, shown
from pages.parts.shared import show, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, count, tell


def tables(view: View, target_id: str, level: str) -> None:
    """Draw every table that a report has of a target; those with nothing to say are left out."""
    study = studies.study(view, level)
    with st.expander(_("All numbers of this target"), expanded=True):
        few = view.cohort.photographs < studies.MANY
        whole = few or st.button(_("Medians and ranks too"), help=_("They take a while on so many photographs."))
        show.table(shown(study, one_cohort.SCORES if whole else one_cohort.QUICK_SCORES, target_id, tell))
        words = _("95 % intervals by bootstrap over people, {draws} draws, seed {seed}.")
        st.caption(words.format(draws=count(study.draws), seed=study.seed))
    for analysis in (one_cohort.BASELINES, one_cohort.EYES, one_cohort.CHANGE, one_cohort.REPEATABILITY):
        made = shown(study, analysis, target_id, tell, tell) if target_id in study.of_interest(analysis) else None
        if made and made.body:
            with st.expander(_(analysis.title)):
                st.caption(_(analysis.question))
                show.table(made)
