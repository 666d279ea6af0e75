"""The evaluate page's parts: caption, figures with the panel beside them, and the table of all numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import plotly.graph_objects as go
import streamlit as st

from fundus_core import figures, runs
from fundus_core.evaluation import Estimate, Evaluation
from fundus_core.figures import Points, Row
from fundus_core.targets import TARGETS, Target
from pages.parts import explore
from pages.parts.evaluate import eyes
from pages.parts.shared import deeper, naming, progress, results, show
from pages.parts.shared.results import View
from pages.parts.shell import home
from pages.parts.shell.language import _, count, said


def caption(view: View, found: Evaluation) -> str:
    """Return what was counted: cohort, model, people and photographs."""
    table = results.table(view)
    predicted = int((table.status == "predicted").sum())
    people = max((result.n_patients for result in found.targets.values()), default=0)
    words = _(
        "**{cohort}** · {model} · {predicted} of {total} photographs predicted · {people} people · "
        "MAE and its change against predicting the mean"
    )
    return words.format(
        cohort=naming.cohort(view.cohort.name),
        model=view.model or "–",
        predicted=count(predicted),
        total=count(len(table)),
        people=count(people),
    )


def run_in_progress(view: View) -> None:
    """Show how far the cohort's run is, while there is one."""
    going = [run for run in runs.of(home.store(), view.cohort.id) if not run.ended]
    if going:
        progress.watch(going[0].run)


def figures_of(target: str, columns: Sequence[str]) -> dict[str, str]:
    """Return the figures that a target has, by the name in the address; subgroups where a column makes some."""
    words = _figures(binary=TARGETS[target].binary)
    return words if columns else {name: word for name, word in words.items() if name != "subgroups"}


def _figures(*, binary: bool) -> dict[str, str]:
    if binary:
        return {
            "scatter": _("Probabilities"),
            "calibration": _("Calibration"),
            "subgroups": _("Subgroups"),
        }
    return {
        "scatter": _("Scatter"),
        "agreement": _("Bland–Altman"),
        "calibration": _("Calibration"),
        "errors": _("Errors"),
        "residuals": _("Residuals"),
        "subgroups": _("Subgroups"),
    }


def explanation(what: str, observations: int = 0, *, binary: bool = False) -> str:
    """Return one or two sentences that help to read the figure.

    Args:
        what: The figure, by its name in the address.
        observations: How many it shows; very many are drawn as a density.
        binary: Whether the target is a probability.
    """
    if what == "scatter" and binary:
        return _("How often each probability is predicted, apart for the two true classes; a good model parts them.")
    if what in ("scatter", "agreement", "residuals") and observations > figures.WEBGL_POINTS:
        return f"{_explained(what)} {_('Shaded: where most lie; points: the largest errors.')}"
    return _explained(what)


def _explained(what: str) -> str:
    return {
        "scatter": _(
            "On the dashed line prediction equals truth; the band is ± the mean absolute error. "
            "A flat cloud means that predictions are drawn to the mean."
        ),
        "agreement": _(
            "Dotted: bias and the limits between which 95 % of differences lie. "
            "A predictor that is drawn to the mean always shows a slope here."
        ),
        "calibration": _(
            "Mean measured value in each tenth of the predictions; a slope of 1 means that a predicted "
            "difference is a real one."
        ),
        "errors": _("How often each error occurs; nine of ten people lie between the dotted lines."),
        "residuals": _("Against the truth a slope is expected: regression to the mean."),
        "subgroups": _(
            "Each part of the cohort on its own; parts with fewer than 20 people are withheld. "
            "A smaller spread of true values alone makes errors smaller."
        ),
    }[what]


@st.fragment
def figure_with_panel(view: View, found: Evaluation, target_id: str, level: str, what: str, by: str) -> None:
    """Draw the chosen figure and, beside it, the eyes behind the point that was clicked."""
    if not results.there(view):
        st.rerun()  # another tab has deleted the cohort: only the whole page can say so
    groups = results.groups(view, target_id, level, by)
    groups = [replace(group, name=said(group.name)) for group in groups] if by else groups
    left, right = st.columns([2, 1])
    key = f"{what}-{target_id}-{level}-{by}-{view.key}"
    draw = _DRAWERS.get(what, _scatter)
    with left, st.container(border=True):
        if what == "subgroups" and not by:
            st.caption(_("Choose a column under Colour by, at the left."))
        figure = draw(view, found, TARGETS[target_id], groups, level, by)
        clicked = show.chart(figure, key, select=sum(map(len, groups)), name=f"{target_id}-{what}", view=view)
        st.caption(explanation(what, sum(map(len, groups)), binary=TARGETS[target_id].binary))
    with right:
        if len(clicked) > 1:
            explore.save_lasso(view, level, clicked)
        name, was_chosen = eyes.chosen(view, level, clicked, results.worst(groups))
        items = eyes.panel(view, name, target_id, level, was_chosen=was_chosen)
    with left if what == "subgroups" else right:
        _boxes(view, TARGETS[target_id], groups)
    if items:
        eyes.neighbours(view, items[0], target_id, level)


def _scatter(view: View, found: Evaluation, target: Target, groups: list[Points], level: str, by: str) -> go.Figure:
    result = found.targets[target.id]
    look = show.look(view)
    if target.binary:
        names = (_("male"), _("female"))
        return figures.probabilities(target, groups, result.estimates, look, names=names)
    return figures.predicted_against_true(target, groups, result.estimates, look, people=result.n_patients, height=470)


def _agreement(view: View, found: Evaluation, target: Target, groups: list[Points], level: str, by: str) -> go.Figure:
    return figures.bland_altman(target, groups, found.targets[target.id].estimates, show.look(view), height=470)


def _residuals(view: View, found: Evaluation, target: Target, groups: list[Points], level: str, by: str) -> go.Figure:
    return figures.residuals(target, groups, show.look(view), against="truth", height=470)


def _errors(view: View, found: Evaluation, target: Target, groups: list[Points], level: str, by: str) -> go.Figure:
    distribution = deeper.errors(view, target.id, level)
    return figures.error_histogram(target, distribution, show.look(view), place=view.place, height=470)


def _calibration(view: View, found: Evaluation, target: Target, groups: list[Points], level: str, by: str) -> go.Figure:
    estimates = found.targets[target.id].estimates
    slope, intercept = estimates.get("slope"), estimates.get("intercept")
    return figures.calibration(
        target,
        deeper.tenths(view, target.id, level),
        show.look(view),
        slope=slope.value if slope else None,
        intercept=intercept.value if intercept else None,
        curve=deeper.curve(view, target.id, level),
        place=view.place,
        height=470,
    )


def _subgroups(view: View, found: Evaluation, target: Target, groups: list[Points], level: str, by: str) -> go.Figure:
    parts = deeper.subgroups(view, by or results.groupings(view)[0], target.id, level)
    score = "accuracy" if target.binary else "mae"
    rows = [
        forest_row(said(group.name), group.estimates.get(score), group.n_patients, place, group.withheld)
        for place, group in enumerate(parts.groups)
    ]
    whole = found.targets[target.id].estimates[score].value
    axis = _("accuracy") if target.binary else f"MAE ({_(target.unit)})"
    return figures.forest(rows, axis, show.look(view), reference=whole, reference_name=_("whole cohort"))


def forest_row(name: str, estimate: Estimate | None, people: int, place: int, withheld: str = "") -> Row:
    """Return one row of a forest plot."""
    if estimate is None:
        return Row(name, None, None, None, people, said(withheld), place)
    return Row(name, estimate.value, estimate.low, estimate.high, people, said(estimate.note), place)


_DRAWERS: dict[str, Callable[[View, Evaluation, Target, list[Points], str, str], go.Figure]] = {
    "agreement": _agreement,
    "calibration": _calibration,
    "errors": _errors,
    "residuals": _residuals,
    "subgroups": _subgroups,
}


def _boxes(view: View, target: Target, groups: Sequence[Points]) -> None:
    if len(groups) > 1 and not target.binary:
        with st.container(border=True):
            st.subheader(_("Error by group"), anchor=False)
            show.chart(
                figures.error_boxes(target, groups, show.look(view)),
                f"boxes-{target.id}",
                name=f"{target.id}-boxes",
                view=view,
            )


def words(name: str) -> str:
    """Return an estimate's name in words; the stable name where there are none yet."""
    return worded([name])[0]


def worded(names: Sequence[str]) -> list[str]:
    """Return the names of several estimates in words."""
    known = {
        "mae": _("mean absolute error (MAE)"),
        "rmse": _("root mean square error"),
        "bias": _("bias (mean of predicted − true)"),
        "r2": _("R² (1 − SSE/SST)"),
        "pearson": _("Pearson's r"),
        "spearman": _("Spearman's rho"),
        "ccc": _("concordance (CCC)"),
        "slope": _("slope of truth on prediction"),
        "intercept": _("intercept of truth on prediction"),
        "loa_low": _("lower limit of agreement"),
        "loa_high": _("upper limit of agreement"),
        "mae_null": _("MAE of predicting the mean"),
        "mae_age_sex": _("MAE from age and sex only"),
        "medae": _("median absolute error"),
        "mae_over_null": _("MAE relative to predicting the mean"),
        "mae_over_age_sex": _("MAE relative to age and sex only"),
        "coverage": _("share inside the prediction interval"),
        "interval_width": _("width of the prediction interval"),
        "sd_truth": _("SD of true values"),
        "sd_predicted": _("SD of predictions"),
        "auc": _("area under the ROC curve"),
        "accuracy": _("accuracy at 0.5"),
        "sensitivity": _("sensitivity (female)"),
        "specificity": _("specificity (male)"),
        "brier": _("Brier score"),
    }
    within = _("share with an error of at most {n}")
    return [
        within.format(n=name.removeprefix("within_"))
        if name.startswith("within_")
        else known.get(name, name.replace("_", " "))
        for name in names
    ]
