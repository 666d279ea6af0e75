"""What the cohort's analysis plan asked for, and what came of it."""

import streamlit as st

from fundus_core.analyses import plan_results, shown
from pages.parts.shared import display, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, said, tell


def table(view: View, level: str) -> None:
    """Draw the plan's results, success and deviations; nothing where no plan was stated."""
    study = studies.study(view, level)
    if study.plan is None:
        return
    stated = study.plan
    with st.expander(_("Planned analyses"), expanded=True):
        if words := plan_results.success_in_words(study, tell):
            st.markdown(f"**{words}**")
        head = _("“{title}”, stated by {who} on {at}; SHA-256 {hash}.")
        at = {"title": stated.plan.title, "who": stated.plan.written_by, "at": stated.stated_at}
        st.markdown(head.format(**at, hash=stated.plan.sha256))
        st.caption(said(stated.order))
        for analysis in plan_results.TABLES:
            made = shown(study, analysis, "", tell, tell)
            if made.body:
                st.subheader(_(analysis.title), anchor=False)
                display.table(made)
                st.caption(_(analysis.question))
        st.code(stated.plan.text, language="toml")
        st.caption(_("All else on this page is exploratory, but for the tests that name a planned family."))
