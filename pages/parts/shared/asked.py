"""What the user asks of a cohort beside the usual: columns known without it, the gap, and errors of the reference."""

from dataclasses import replace

import streamlit as st

from fundus_core import evaluation
from fundus_core.analyses import Study
from fundus_core.targets import TARGETS
from pages.parts.shell.language import _


def beyond(study: Study) -> Study:
    """Let the user name columns that are known without the photograph, beside age and sex."""
    columns = list(study.table.covariates)
    if not columns:
        return study
    asked = st.multiselect(_("Known without the photograph, beside age and sex"), columns, key="beyond_columns")
    return replace(study, settings=replace(study.settings, beyond=tuple(asked)))


def gap(study: Study) -> Study:
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


def reliable(study: Study, target_id: str) -> Study:
    """Let the user say how reliable one measurement of the target is: a number, or a column that repeats it."""
    if TARGETS[target_id].binary:
        return study
    again = evaluation.choices(study.table).numbers
    with st.container(horizontal=True):
        tip = _("Intraclass correlation of repeated measurements; leave it empty where nobody knows.")
        label = f"{_('Reliability of one measurement (ICC)')}: {_(TARGETS[target_id].short)}"
        icc = st.number_input(label, 0.05, 1.0, None, 0.05, key=f"icc_{target_id}", help=tip)
        column = st.selectbox(_("or a second measurement"), again, None, key=f"again_{target_id}") if again else None
    said = column or (f"{icc:g}" if icc else "")
    reliability = (f"{target_id}={said}",) if said else ()
    asked = (*study.settings.reliability, *reliability)
    return replace(study, settings=replace(study.settings, reliability=asked))
