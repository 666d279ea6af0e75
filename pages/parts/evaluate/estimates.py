"""The tables of a target: every estimate with its interval, the baselines, and the two eyes."""

from dataclasses import replace
from typing import Any

import streamlit as st

from fundus_core import evaluation
from fundus_core.analyses import Analysis, Canvas, Study, beyond_in_words, one_cohort, shown
from fundus_core.targets import TARGETS
from pages.parts.shared import display, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, tell


def _beyond(study: Study) -> Study:
    """Let the user name columns that are known without the photograph, beside age and sex."""
    columns = list(study.table.covariates)
    if not columns:
        return study
    asked = st.multiselect(_("Known without the photograph, beside age and sex"), columns, key="beyond_columns")
    return replace(study, settings=replace(study.settings, beyond=tuple(asked)))


def _gap(study: Study) -> Study:
    """Let the user name what the gap is held against: columns, or a time and its event."""
    there = evaluation.choices(study.table)
    if not there.columns:
        return study
    tip = _(
        "The gap is predicted minus measured, freed of the measured value and of age. Numbers: linear regression; two "
        "answers: logistic; a time and its event: Cox. Adjusted for age, age squared, sex, site, and the columns above."
    )
    with st.container(horizontal=True):
        columns = st.multiselect(_("Hold the gap against"), there.columns, key="gap_columns", help=tip)
        timed = there.times and there.events
        time = st.selectbox(_("Time to an event"), there.times, None, key="gap_time") if timed else None
        event = st.selectbox(_("Event"), there.events, None, key="gap_event") if timed else None
    both = [f"{time},{event}"] if time and event else []
    return replace(study, settings=replace(study.settings, gap_with=(*columns, *both)))


def _reliable(study: Study, target_id: str) -> Study:
    """Let the user say how reliable one measurement of the target is: a number, or a column that repeats it."""
    if TARGETS[target_id].binary:
        return study
    again = evaluation.choices(study.table).columns
    with st.container(horizontal=True):
        tip = _("Intraclass correlation of repeated measurements; leave it empty where nobody knows.")
        label = _("Reliability of one measurement (ICC)")
        icc = st.number_input(label, 0.05, 1.0, None, 0.05, key=f"icc_{target_id}", help=tip)
        column = st.selectbox(_("or a second measurement"), again, None, key=f"again_{target_id}") if again else None
    said = column or (f"{icc:g}" if icc else "")
    reliability = (f"{target_id}={said}",) if said else ()
    return replace(study, settings=replace(study.settings, reliability=reliability))


def tables(view: View, target_id: str, level: str) -> None:
    """Draw every table that a report has of a target; those with nothing to say are left out."""
    study = _reliable(_gap(_beyond(studies.study(view, level))), target_id)
    st.markdown(f"**{beyond_in_words(study, target_id, tell)}**")
    with st.expander(_("All numbers of this target"), expanded=True):
        few = view.cohort.photographs < studies.MANY
        whole = few or st.button(_("Medians and ranks too"), help=_("They take a while on so many photographs."))
        display.table(shown(study, one_cohort.SCORES if whole else one_cohort.QUICK_SCORES, target_id, tell))
    shown_here = (one_cohort.BEYOND, one_cohort.BASELINES, one_cohort.EYES, one_cohort.CHANGE, one_cohort.REPEATABILITY)
    shown_here += (one_cohort.TREATED, one_cohort.INTERVALS, one_cohort.INTERVALS_BY)
    shown_here += (one_cohort.REFERENCE_ERROR, one_cohort.WEIGHTED, one_cohort.MISSING, one_cohort.MISSING_ALONG)
    shown_here += (one_cohort.GAP, one_cohort.GAP_CHECKS)
    for analysis in shown_here:
        made = shown(study, analysis, target_id, tell, tell) if target_id in study.of_interest(analysis) else None
        if made and made.body:
            with st.expander(_(analysis.title)):
                st.caption(_(analysis.asked(target_id)))
                if answer := analysis.sentences(study, target_id, tell):
                    st.markdown(answer)
                _figure(view, study, target_id, analysis)
                display.table(made)


def _figure(view: View, study: Study, target_id: str, analysis: Analysis[Any]) -> None:
    """Draw what is not offered above."""
    if analysis in one_cohort.FIGURES:
        return
    figure = analysis.draw(study, target_id, Canvas(display.look(view), place=view.place))
    if figure is not None:
        display.chart(figure, f"{analysis.id}-{target_id}", name=f"{target_id}-{analysis.id}", view=view)
