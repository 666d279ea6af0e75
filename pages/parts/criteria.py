"""The criteria page's parts: which criterion, its shares, its curves, and who is called what."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from fundus_core import figures
from fundus_core.analyses import Rows, one_cohort
from fundus_core.evaluation import (
    CRITERIA,
    SHRUNKEN_NOTE,
    Classification,
    Counts,
    Criterion,
    CriterionAssessment,
    Estimate,
    at_thresholds,
)
from fundus_core.figures import Shares
from pages.parts.shared import choose as choosing
from pages.parts.shared import show, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address
from pages.parts.shell.language import _, count, said


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
    cards = [
        (_("True share"), judged.prevalence, _("By measured values.")),
        (_("Share called"), judged.called, _("By cutting the predictions at the criterion's own thresholds.")),
        (_("Share expected"), judged.expected, _("Mean of the probabilities.")),
    ]
    with st.grid(min_column_width=150, gap="xsmall"):
        for label, estimate, tip in cards:
            note = f"{tip} {_interval(estimate)}"
            st.metric(label, percent(estimate), border=True, height="stretch", help=note)
        st.metric("AUC", _decimal(judged.auc), border=True, height="stretch", help=said(judged.auc.note) or None)
    st.caption(f":material/info: {_(SHRUNKEN_NOTE)}")


def percent(estimate: Estimate) -> str:
    """Return a share as a percentage."""
    return "–" if estimate.value is None else f"{100 * estimate.value:.1f} %"


def _decimal(estimate: Estimate) -> str:
    return "–" if estimate.value is None else f"{estimate.value:.3f}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return said(estimate.note)
    low, high = (f"{100 * end:.1f} %" for end in (estimate.low, estimate.high))
    return _("95 % interval {low} to {high}").format(low=low, high=high)


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
    rows = [
        {
            _("Acting from probability"): f"{at.threshold:g}",
            _("Sensitivity"): with_interval(at.sensitivity),
            _("Specificity"): with_interval(at.specificity),
            _("PPV"): with_interval(at.ppv),
            _("NPV"): with_interval(at.npv),
            _("Net benefit"): _decimal(at.net_benefit).replace("-", "−"),
        }
        for at in at_thresholds(judged).thresholds
    ]
    st.dataframe(rows, hide_index=True)
    st.caption(_("These thresholds are stated in advance; none is picked on these people."))


def with_interval(estimate: Estimate) -> str:
    """Return a share with its interval as one cell."""
    if estimate.low is None or estimate.high is None:
        return percent(estimate)
    return f"{percent(estimate)} ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"


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
    rows = [
        {
            _("Criterion"): name(one.criterion),
            _("Measured: yes / no / indeterminate"): _counts(one.measured),
            _("Predicted: yes / no / indeterminate"): _counts(one.predicted),
        }
        for one in found
    ]
    st.dataframe(rows, hide_index=True)
    st.caption(_("Number of people. Indeterminate: what is unknown (lipids, a missing value) would decide."))


def _counts(counts: Counts) -> str:
    return " / ".join(count(n) for n in (counts.yes, counts.no, counts.indeterminate))
