"""The criteria page's parts: which criterion, its shares, its curves, and who is called what."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from fundus_core.analyses import Analysis, Canvas, Rows, criteria, labels, one_cohort, shown
from fundus_core.evaluation import (
    CRITERIA,
    EVERYBODY,
    SHRUNKEN_NOTE,
    Classification,
    CriterionAssessment,
    Estimate,
)
from fundus_core.figures import heading
from pages.parts.shared import controls as choosing
from pages.parts.shared import display, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address
from pages.parts.shell.language import _, count, said, tell


def choose(view: View, able: Sequence[str]) -> CriterionAssessment:
    """Let the user choose a criterion; it is judged before the others."""
    words = {each: criteria.full(CRITERIA[each], _) for each in able}
    chosen = address.pick(st.selectbox, _("Criterion"), list(words), key="criterion", words=words)
    with st.spinner(_("Judging the criterion"), show_time=True):
        return studies.study(view).get(one_cohort.CRITERION, chosen)


def rows(view: View) -> Rows:
    """Return every criterion's numbers, for a file."""
    return studies.study(view).rows(one_cohort.CRITERIA)


def definition(one: CriterionAssessment) -> None:
    """Say whose criterion it is, which columns it was decided on, and what is taken for granted."""
    parts = [_(one.criterion.source), _(one.criterion.note) if one.criterion.note else "", *map(said, one.remarks)]
    st.caption(" · ".join(part for part in parts if part))


def shares(one: CriterionAssessment) -> None:
    """Draw the observed share beside those that follow from predictions; between bounds where some cannot be told."""
    st.markdown(said(one.in_words))
    if one.judged is None:
        st.info(_("There is no probability for this criterion: {why}").format(why=said(one.note)))
        _metrics(dict(zip(EVERYBODY, (one.least, one.most, *one.expected), strict=True)))
        return
    _metrics({name: getattr(one.judged, name) for name in ("prevalence", "called", "expected", "auc")})
    st.caption(f":material/info: {_(SHRUNKEN_NOTE)}")
    show_advice = st.success if one.judged.calibrated else st.warning
    show_advice(said(one.judged.advice))


def _metrics(found: Mapping[str, Estimate]) -> None:
    with st.container(key=f"tiles-{next(iter(found))}"), st.grid(min_column_width=190, gap="xsmall"):
        for name_, estimate in found.items():
            of = labels.word(name_)
            around = labels.interval(estimate.low, estimate.high, of, tell)
            more = {"delta": around, "delta_color": "off", "delta_arrow": "off"} if around else {}
            shown_, called = labels.written(estimate.value, of.kind), heading(_(of.short or of.name))
            says = (_(of.name) if of.short else "", _(of.says) if of.says else "", said(estimate.note))
            tip = "  \n".join(filter(None, says)) or None
            st.metric(called, shown_, border=True, height="stretch", help=tip, **more)


def curves(view: View, one: CriterionAssessment, judged: Classification) -> None:
    """Draw the ROC curve beside the decision curve, and what each threshold stated in advance does."""
    ranked = {each.id: each for each in (one_cohort.ROC, one_cohort.PRECISION_RECALL, one_cohort.TENTHS)}
    what = choosing.one_of(_("Curve"), {name: _(each.title) for name, each in ranked.items()}, "curve")
    beside = one_cohort.DECISIONS if what == one_cohort.TENTHS.id else one_cohort.TENTHS  # calibration at once
    with st.container(key="pair"):
        columns = st.columns(2)
    for column, analysis in zip(columns, (ranked[what], beside), strict=True):
        with column, st.container(border=True, height="stretch"):
            _curve(view, one, judged, analysis)
    st.caption(
        _(
            "Each person's probability rests on the errors of other people of the cohort. Judged are complete cases, "
            "who have everything measured that the criterion looks at; {n} of {all} people are not."
        ).format(n=count(judged.left_out), all=count(judged.n + judged.left_out))
    )
    if beside is not one_cohort.DECISIONS:
        with st.container(border=True):
            _curve(view, one, judged, one_cohort.DECISIONS)


def tables(view: View, one: CriterionAssessment) -> None:
    """Draw the fold of the criterion's tables, and that of all criteria together."""
    of_probability = (one_cohort.DECISIONS, one_cohort.TENTHS) if one.judged is not None else ()
    found = [*of_probability, *([one_cohort.BOUNDS] if one.bounds else [])]
    if found:
        display.analyses(lambda: found, lambda analysis: _show(view, one, analysis))
    display.fold(_("All criteria"), "criteria", lambda: _everything(view))


def _show(view: View, one: CriterionAssessment, analysis: Analysis[Any]) -> bool:
    made = shown(studies.study(view), analysis, one.criterion.id, tell)
    st.caption(_(analysis.question))
    display.table(made, f"{tell(one.criterion.name)}: {_(analysis.title)}")
    return bool(made.body)


def _curve(view: View, one: CriterionAssessment, judged: Classification, analysis: Analysis[Any]) -> None:
    figure = analysis.draw(studies.study(view), one.criterion.id, Canvas(display.figure_look(view), place=view.place))
    if figure is None:
        st.caption(_("No ROC curve: {why}").format(why=said(judged.auc.note)))
        return
    st.caption(_(analysis.question))
    display.chart(figure, f"{analysis.id}-{one.criterion.id}", name=f"{one.criterion.id}-{analysis.id}", view=view)


def _everything(view: View) -> None:
    study = studies.study(view)
    with st.spinner(_("Judging all criteria"), show_time=True):
        figure = one_cohort.PREVALENCES.draw(study, "", Canvas(display.figure_look(view)))
    if figure:
        with st.container(border=True):
            display.chart(figure, "prevalences", name="prevalences", view=view)
    for analysis in one_cohort.OF_ALL_CRITERIA:
        made = shown(study, analysis, say=tell)
        if made.body:
            st.caption(_(analysis.question))
            display.table(made, _(analysis.title))
