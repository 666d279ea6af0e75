"""The compare page's parts: the forest plot, key figures, the differences, and the people behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from fundus_core import figures
from fundus_core.analyses import Canvas, Study, one_cohort, side_by_side
from fundus_core.evaluation import SPREAD_SENTENCE, Comparison, Difference, Estimate
from fundus_core.figures import Look, Points, error
from fundus_core.targets import TARGETS
from pages.parts.compare import grid
from pages.parts.evaluate import scores
from pages.parts.shared import cards, choose, naming, show, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, said


def forest(views: Sequence[View], found: Comparison, target_id: str) -> None:
    """Draw each cohort's score with its interval, then what others have published of it."""
    target = TARGETS[target_id]
    axes = (
        {"accuracy": _("accuracy"), "auc": "AUC"} if target.binary else {"mae": f"MAE ({_(target.unit)})", "r2": "R²"}
    )
    score = choose.one_of(_("Score"), {name: words.split(" (")[0] for name, words in axes.items()}, "score")
    shown = found.targets[target_id]
    rows = [
        one_cohort.forest_row(
            naming.cohort(name),
            result.estimates.get(score),
            result.n_patients,
            Canvas(look(views)),
            _place(views, name),
        )
        for name, result in shown.results.items()
    ]
    others = figures.literature(target_id, score, say=said)
    figure = figures.forest([*rows, *others], axes[score], look(views))
    show.chart(figure, f"forest-{target_id}-{score}", name=f"{target_id}-cohorts")
    if others:
        st.caption(_("Grey: published by others.") + " " + _(SPREAD_SENTENCE))


def _place(views: Sequence[View], name: str) -> int:
    return next(view.place for view in views if view.cohort.name == name)


def look(views: Sequence[View]) -> Look:
    """Return how figures of these cohorts look: stamped where one of them is rendered."""
    return show.look(next((view for view in views if show.caveat(view)), views[0]))


def key_figures(views: Sequence[View], found: Comparison, target_id: str) -> None:
    """Draw a row per cohort: its error beside how widely its people differ."""
    of = found.targets[target_id]
    binary = TARGETS[target_id].binary
    shown = {"accuracy": _("accuracy"), "auc": "AUC"} if binary else {"mae": "MAE", "bias": _("bias"), "r2": "R²"}
    rows = []
    for name, result in of.results.items():
        row: dict[str, object] = {_("Cohort"): naming.cohort(name), _("People"): result.n_patients}
        row |= {words: error(_value(result.estimates.get(score))) for score, words in shown.items()}
        rows.append(row if binary else row | {_("SD of true values"): error(of.spread[name])})
    grid.draw(rows)
    if len({view.model for view in views}) > 1:
        st.caption("; ".join(f"{naming.cohort(view.cohort.name)}: {cards.title(view.model)}" for view in views))


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value


def scatter(views: Sequence[View], target_id: str, level: str) -> None:
    """Draw all cohorts' errors as boxes of their own colours."""
    target = TARGETS[target_id]
    groups = [_named(group) for view in views for group in studies.groups(view, target_id, level)]
    if target.binary:
        st.caption(_("For a probability there is no distribution of errors; see the table."))
        return
    show.chart(figures.error_boxes(target, groups, look(views)), f"boxes-{target_id}", name=f"{target_id}-errors")


def _named(group: Points) -> Points:
    return replace(group, name=naming.cohort(group.name))


def differences(found: Comparison, target_id: str) -> None:
    """Draw the table of differences between cohorts, with test and correction."""
    st.subheader(_("Differences"), anchor=False)
    rows = [difference_row(each) for each in found.targets[target_id].differences]
    grid.draw(rows)
    st.caption(_(found.note))


def variable(name: str) -> str:
    """Return what a column of a table about people is called: a target by its short name, others by their own."""
    return choose.short(name) if name in TARGETS else said(name)


def difference_row(each: Difference) -> dict[str, str]:
    """Return a difference as a row of a table, with its test and correction."""
    return {
        _("Estimate"): scores.words(each.score),
        _("First"): naming.cohort(each.first),
        _("Second"): naming.cohort(each.second),
        _("Difference"): with_interval(each.difference),
        _("Effect size"): error(each.effect.value),
        "p": p_value(each.p_adjusted),
        _("Test"): said(each.test),
        _("Remark"): said(each.difference.note or each.correction),
    }


def interval(estimate: Estimate) -> str:
    """Return an estimate's interval as one cell; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{error(estimate.low)} … {error(estimate.high)}"


def with_interval(estimate: Estimate) -> str:
    """Return an estimate with its interval as one cell."""
    if estimate.low is None or estimate.high is None:
        return error(estimate.value, signed=True)
    low, high = error(estimate.low, signed=True), error(estimate.high, signed=True)
    return f"{error(estimate.value, signed=True)} ({low} … {high})"


def _unsigned(estimate: Estimate) -> str:
    around = f" ({interval(estimate)})" if interval(estimate) else ""
    return error(estimate.value) + around


def p_value(value: float | None) -> str:
    """Return a p value as papers write it."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def common_ground(found: Comparison, target_id: str) -> None:
    """Draw the errors after weighting both cohorts to a common distribution, and their differences then."""
    common = found.targets[target_id].standardised
    if common is None:
        return
    st.subheader(_("On common ground"), anchor=False)
    st.caption(_("Weighted so that truth, age and sex are distributed alike in all of them."))
    rows = [
        {
            _("Cohort"): naming.cohort(each.name),
            "n": each.n,
            _("Effective n"): round(each.effective_n),
            "MAE": _unsigned(each.estimates["mae"]) if "mae" in each.estimates else "–",
            _("bias"): with_interval(each.estimates["bias"]) if "bias" in each.estimates else "–",
        }
        for each in common.cohorts
    ]
    grid.draw(rows)
    if common.differences:
        grid.draw([difference_row(each) for each in common.differences])
    st.caption(said(common.note))


def case_mix(study: Study) -> None:
    """Draw who the people of each cohort are."""
    with st.expander(_("Who they are")):
        rows = [
            {
                _("Cohort"): naming.cohort(each.cohort),
                _("Value"): f"{variable(each.variable)} {said(each.category)}".strip(),
                "n": each.n,
                _("Missing"): each.missing,
                _("Mean"): error(each.mean),
                "SD": error(each.sd),
                _("Share"): "–" if each.share is None else f"{100 * each.share:.0f} %",
            }
            for each in study.get(side_by_side.CASE_MIX)
        ]
        grid.draw(rows)
