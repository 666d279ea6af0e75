"""The criteria page's parts: which criterion, its shares, its curves, and who is called what."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from fundus_core import figures
from fundus_core.analyses import Rows, layout, one_cohort, words
from fundus_core.evaluation import (
    CRITERIA,
    SHRUNKEN_NOTE,
    Classification,
    Criterion,
    CriterionAssessment,
)
from fundus_core.figures import Shares, heading
from pages.parts.shared import choose as choosing
from pages.parts.shared import show, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address
from pages.parts.shell.language import _, count, said, tell


def choose(view: View, able: Sequence[str]) -> CriterionAssessment:
    """Let the user choose a criterion; it is judged before the others."""
    words = {each: name(CRITERIA[each]) for each in able}
    chosen = address.pick(st.selectbox, _("Criterion"), list(words), key="criterion", words=words)
    with st.spinner(_("Judging the criterion"), show_time=True):
        return studies.study(view).get(one_cohort.CRITERION, chosen)


def rows(view: View) -> Rows:
    """Return every criterion's numbers, for a file."""
    return studies.study(view).rows(one_cohort.CRITERIA)


def name(one: Criterion) -> str:
    """Return a criterion's name in the reader's language."""
    return _(one.name).replace(">=", "≥")


def definition(one: CriterionAssessment) -> None:
    """Say whose criterion it is, and what is taken for granted."""
    parts = [_(one.criterion.source), _(one.criterion.note) if one.criterion.note else ""]
    st.caption(" · ".join(part for part in parts if part))


def shares(one: CriterionAssessment) -> None:
    """Draw the true share beside those that follow from predictions."""
    if one.judged is None:
        st.info(_("There is no probability for this criterion: {why}").format(why=said(one.note)))
        return
    judged = one.judged
    with st.grid(min_column_width=270, gap="xsmall"):
        for name_ in ("prevalence", "called", "expected", "auc"):
            of, estimate = words.word(name_), getattr(judged, name_)
            around = words.interval(estimate.low, estimate.high, of, tell)
            note = " · ".join(filter(None, [_(of.says), around or said(estimate.note)]))
            shown = words.written(estimate.value, of.kind)
            st.metric(heading(_(of.name)), shown, border=True, height="stretch", help=note or None)
    st.caption(f":material/info: {_(SHRUNKEN_NOTE)}")


def curves(view: View, one: CriterionAssessment, judged: Classification) -> None:
    """Draw the ROC curve beside the decision curve, and what each threshold stated in advance does."""
    what = choosing.one_of(_("Curve"), {"roc": "ROC", "pr": _("Precision and recall")}, "curve")
    columns = st.columns(2)
    with columns[0], st.container(border=True, height="stretch"):
        _ranked(view, one, judged, what)
    with columns[1], st.container(border=True, height="stretch"):
        figure = figures.decision_curve(judged, show.look(view))
        show.chart(figure, f"decision-{one.criterion.id}", name=f"{one.criterion.id}-decision", view=view)
    st.caption(
        _(
            "Acting on the model helps where its line is above both others. Each person's probability rests on the "
            "errors of other people of the cohort; people whose measured values do not decide are left out "
            "({n} of {all})."
        ).format(n=count(judged.left_out), all=count(judged.n + judged.left_out))
    )
    _thresholds(judged)


def _ranked(view: View, one: CriterionAssessment, judged: Classification, what: str) -> None:
    """Draw the ROC or the precision-recall curve."""
    if judged.auc.value is None or judged.prevalence.value is None:
        st.caption(_("No ROC curve: {why}").format(why=said(judged.auc.note)))
        return
    look, curve = show.look(view), judged.curves
    if what == "roc":
        figure = figures.roc(curve.false_positive_rate, curve.sensitivity, judged.auc, look, place=view.place)
    else:
        average, share = judged.average_precision, judged.prevalence.value
        figure = figures.precision_recall(curve.sensitivity, curve.precision, average, share, look, place=view.place)
    show.chart(figure, f"{what}-{one.criterion.id}", name=f"{one.criterion.id}-{what}", view=view)


def _thresholds(judged: Classification) -> None:
    show.table(layout(one_cohort.criterion_thresholds(judged), tell))
    st.caption(_("These thresholds are stated in advance; none is picked on these people."))


def everything(view: View) -> None:
    """Draw all criteria: how many are positive, and who is called what."""
    st.subheader(_("All criteria"), anchor=False)
    with st.spinner(_("Judging all criteria"), show_time=True):
        found = studies.study(view).get(one_cohort.CRITERIA)
    judged = [(one, one.judged) for one in found if one.judged is not None]
    bars = [
        Shares(re.split("[:：]", name(one.criterion))[0], at.prevalence, at.called, at.expected) for one, at in judged
    ]
    if bars:
        with st.container(border=True):
            show.chart(figures.prevalences(bars, show.look(view)), "prevalences", name="prevalences", view=view)
    show.table(layout(one_cohort.criterion_counts(found), tell))
    show.table(layout(one_cohort.criterion_shares(found), tell))
    st.caption(_("Number of people. Indeterminate: what is unknown (lipids, a missing value) would decide."))
