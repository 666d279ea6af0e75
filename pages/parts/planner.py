"""The sample size page's parts: what is expected, how wide an interval may be, and how many people that takes."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from fundus_core.evaluation import (
    Plan,
    people_for_equivalence,
    people_for_mae,
    people_for_r2,
    people_for_slope,
    sites_for_mean,
)
from fundus_core.targets import Target
from pages.parts.shared import studies
from pages.parts.shared.exports import grid
from pages.parts.shared.studies import View
from pages.parts.shell import sample
from pages.parts.shell.language import _, count

WIDTHS = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Widths beside the chosen one in the table, as its multiples."""

HEAVILY_SKEWED = 3.3
"""Skewness of errors with which an interval takes 2.4 times the people that normal errors take."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a planner starts from."""

    mae: float
    """In the target's unit."""
    spread: float
    """Standard deviation of people's absolute errors, in the unit."""
    r2: float
    """Between 0 and 1."""
    slope: float
    """Of truth on prediction."""
    source: str
    """Where these come from, in the reader's language."""


def expected(view: View | None, target: Target) -> Expected:
    """Return the current cohort's numbers, or published ones where it has none."""
    found = studies.point_estimates(view, "patient").targets.get(target.id) if view is not None else None
    mae = found.estimates["mae"].value if found is not None else None
    if view is None or found is None or not mae:
        published = target.published_mae or 1.0
        normal = float(published * np.sqrt(np.pi / 2 - 1))
        return Expected(published, normal, 0.3, 1.0, _("published error of the JOIR model; R² and slope assumed"))
    r2, slope = (found.estimates[name].value for name in ("r2", "slope"))
    observed, _ids = studies.study(view, "patient").sample(target.id)
    spread = float(np.abs(observed.error).std(ddof=1)) if len(observed) > 1 else float("nan")
    return Expected(
        mae,
        spread if spread > 0 else mae,
        float(np.clip(0.3 if r2 is None else r2, 0.01, 0.99)),
        slope if slope is not None and slope > 0 else 1.0,
        _("the cohort {name}").format(name=sample.typed(view.cohort.name)),
    )


def _number(label: str, value: float, key: str, *, high: float | None = None, tip: str | None = None) -> float:
    low = 0.01
    start = float(np.clip(round(value, 2), low, high or np.inf))
    return float(
        st.number_input(label, min_value=low, max_value=high, value=start, step=0.05, format="%.2f", key=key, help=tip)
    )


def mae(target: Target, start: Expected) -> None:
    """Ask for an error and a width; say how many people."""
    st.subheader(_("Mean absolute error"), anchor=False)
    unit = _(target.unit)
    value = _number(_("Expected MAE ({unit})").format(unit=unit), start.mae, f"mae-{target.id}")
    tip = _("How much single people's absolute errors differ; 0.756 times the MAE for normal errors.")
    spread = _number(_("SD of absolute errors ({unit})").format(unit=unit), start.spread, f"sd-{target.id}", tip=tip)
    width = _number(
        _("Width of the interval ({unit})").format(unit=unit), max(round(0.1 * start.mae, 1), 0.1), f"mae-w-{target.id}"
    )
    _answer([people_for_mae(value, width * times, spread) for times in WIDTHS])
    normal, skewed = (people_for_mae(value, width, skewness=skewness).people for skewness in (0, HEAVILY_SKEWED))
    words = _("Where nobody knows the SD: {normal} people if errors are normal, {skewed} if they are heavily skewed.")
    st.caption(words.format(normal=count(normal), skewed=count(skewed)))


def r2(target: Target, start: Expected) -> None:
    """Ask for R² and a width; say how many people."""
    st.subheader("R²", anchor=False)
    value = _number(_("Expected R²"), start.r2, f"r2-{target.id}", high=0.999)
    width = _number(_("Width of the interval"), 0.1, f"r2-w-{target.id}")
    _answer([people_for_r2(value, width * times) for times in WIDTHS])


def slope(target: Target, start: Expected) -> None:
    """Ask for a slope and a width; say how many people."""
    st.subheader(_("Calibration slope"), anchor=False)
    value = _number(_("Expected slope"), start.slope, f"slope-{target.id}")
    correlation = _number(_("Expected R² of truth and prediction"), start.r2, f"slope-r2-{target.id}", high=0.999)
    width = _number(_("Width of the interval"), 0.2, f"slope-w-{target.id}")
    _answer([people_for_slope(correlation, width * times, value) for times in WIDTHS])


def sites(target: Target, start: Expected) -> None:
    """Ask how sites differ, and for a width; say how many sites."""
    st.subheader(_("Mean over sites"), anchor=False)
    unit = _(target.unit)
    label = _("SD between sites (tau, {unit})").format(unit=unit)
    between = _number(label, 0.1 * start.mae, f"tau-{target.id}", tip=_("Of the sites' true MAE: how far they differ."))
    people = int(st.number_input(_("People at each site"), 20, value=200, step=10, key=f"at-site-{target.id}"))
    width = _number(
        _("Width of the interval ({unit})").format(unit=unit), max(round(0.3 * start.mae, 1), 0.1), f"s-w-{target.id}"
    )
    error = start.spread / float(np.sqrt(people))
    _answer([sites_for_mean(between, error, width * times) for times in WIDTHS], _("Sites needed"), _("Sites"))


def equivalence(target: Target, start: Expected) -> None:
    """Ask for a margin; say how many people show equivalence within it."""
    st.subheader(_("Equivalence of two cohorts"), anchor=False)
    unit = _(target.unit)
    spread = _number(_("SD of absolute errors ({unit})").format(unit=unit), start.spread, f"eq-sd-{target.id}")
    margin = _number(_("Margin ({unit})").format(unit=unit), max(round(0.2 * start.mae, 1), 0.1), f"eq-m-{target.id}")
    power = _number(_("Power"), 0.9, f"eq-p-{target.id}", high=0.99)
    plans = [people_for_equivalence(spread, margin * times, power=max(power, 0.5)) for times in WIDTHS]
    _answer(plans, _("People needed in each"), width=_("Margin"))


def _answer(plans: list[Plan], needed: str = "", what: str = "", width: str = "") -> None:
    wanted = plans[WIDTHS.index(1.0)]
    st.metric(needed or _("People needed"), count(wanted.people), border=True)
    rows = [{width or _("Width"): f"{plan.width:.3g}", what or _("People"): count(plan.people)} for plan in plans]
    with st.expander(_("Other widths")):
        grid(rows)
    st.caption(_("Assumed: {what}.").format(what=_(wanted.assumption)))
