"""The table behind the figures of a target: every estimate with its interval and what it says."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from fundus_core.analyses import evaluated
from fundus_core.evaluation import Estimate, Evaluation
from fundus_core.figures import error
from pages.parts.evaluate import scores
from pages.parts.shared import studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, count, said


def table(view: View, found: Evaluation, target_id: str, level: str) -> None:
    """Draw every estimate of a target with its interval, and one sentence that says how to read it."""
    with st.expander(_("All numbers of this target"), expanded=True):
        few = view.cohort.photographs < studies.MANY
        if few or st.button(_("Medians and ranks too"), help=_("They take a while on so many photographs.")):
            found = evaluated(studies.study(view, level), target_id)
        st.table(
            _rows(found.targets[target_id].estimates),
            border="horizontal",
            hide_index=True,
            alt=_("Every estimate with its interval."),
        )
        words = _("95 % intervals by bootstrap over people, {draws} draws, seed {seed}.")
        st.caption(words.format(draws=count(found.draws), seed=found.seed))


def _rows(found: Mapping[str, Estimate]) -> list[dict[str, str]]:
    columns = (_("Estimate"), _("Value"), _("Low"), _("High"), _("What it says"))
    known, names = meanings(), scores.worded(list(found))
    rows = []
    for (name, estimate), shown in zip(found.items(), names, strict=True):
        remarks = " · ".join(filter(None, (said(estimate.note), known.get(name, ""))))
        numbers = (error(value) for value in (estimate.value, estimate.low, estimate.high))
        rows.append(dict(zip(columns, (shown, *numbers, remarks), strict=True)))
    return rows


def meanings() -> dict[str, str]:
    """Return one sentence per estimate on how to read it; those whose names say it have none."""
    return {
        "mae": _("How far predictions lie from measured values on average."),
        "rmse": _("Like the MAE, but large errors weigh more."),
        "bias": _("Above zero the model predicts too much."),
        "r2": _("Share of the spread of true values that is explained; below zero the mean predicts better."),
        "pearson": _("How well the order and spacing agree; blind to bias and scale."),
        "spearman": _("How well the order agrees."),
        "ccc": _("Agreement with the diagonal: 1 only where prediction equals truth."),
        "slope": _("1: a predicted difference is a real one; above 1 predictions are drawn to the mean too much."),
        "intercept": _("0 together with a slope of 1: calibrated."),
        "loa_low": _("95 % of differences lie between the two limits of agreement."),
        "mae_null": _("What saying the cohort's mean for everybody would err; the least a model must beat."),
        "mae_age_sex": _("What a rule that knows only age and sex would err; below it the photograph adds something."),
        "mae_over_null": _("Below 1 the model beats predicting the mean."),
        "mae_over_age_sex": _("Below 1 the model beats age and sex."),
        "medae": _("Half of the people have a smaller error."),
        "coverage": _("Should be near the interval's promise, 0.90."),
        "sd_truth": _("Every error must be held against it: a narrow cohort makes errors small."),
        "sd_predicted": _("Smaller than that of the truth in a calibrated model."),
        "auc": _("Chance that a woman gets the higher probability than a man; 0.5 is guessing."),
        "brier": _("Mean squared error of the probability; 0.25 is always saying one half."),
    }
