"""Equivalence within a margin, and recalibration from one cohort to another."""

from __future__ import annotations

import re

import streamlit as st

from fundus_core.analyses import Study, side_by_side
from fundus_core.evaluation import Comparison
from fundus_core.figures import error
from fundus_core.targets import TARGETS
from pages.parts.compare import beside, grid
from pages.parts.evaluate import scores
from pages.parts.shared import naming
from pages.parts.shell import address
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, said


def margin(target_id: str) -> float:
    """Ask for the largest difference that would not matter, in the target's unit; 0 where none was stated."""
    target = TARGETS[target_id]
    if target.binary:
        return 0.0
    key = f"margin_{target_id}"
    label = _("Margin stated beforehand ({unit})").format(unit=_(target.unit))
    told = st.query_params.get(key, "0")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", told):
        raise GoneError(label, told, keys=[key])
    start = float(told)
    value = st.number_input(
        label,
        min_value=0.0,
        value=start,
        step=0.5,
        key=f"pick_{key}",
        help=_("The largest difference in MAE or bias that would not matter, decided before looking; 0: no test."),
    )
    address.write(key, f"{value:g}", "0")
    return float(value)


def equivalence(found: Comparison, target_id: str) -> None:
    """Draw the tests of equivalence; nothing without a margin."""
    tests = found.targets[target_id].equivalences
    if not tests:
        return
    st.subheader(_("Equivalence"), anchor=False)
    rows = [
        {
            _("Estimate"): scores.words(each.score),
            _("First"): naming.cohort(each.first),
            _("Second"): naming.cohort(each.second),
            _("Difference"): error(each.difference, signed=True),
            _("90 % interval"): f"{error(each.low, signed=True)} … {error(each.high, signed=True)}",
            "p": beside.p_value(each.p),
            _("Verdict"): _verdict(each.p),
        }
        for each in tests
    ]
    grid.draw(rows)
    unit = _(TARGETS[target_id].unit)
    words = _("Two one-sided tests at 5 % against a margin of {margin} {unit}. Not shown is not the same as different.")
    st.caption(words.format(margin=f"{tests[0].margin:g}", unit=unit))


def _verdict(p: float | None) -> str:
    if p is None:
        return _("not estimable")
    return _("equivalent within the margin") if p < 0.05 else _("not shown to be equivalent")


def recalibration(study: Study, target_id: str) -> None:
    """Draw what a line learnt on one cohort does to another; nothing for a probability."""
    found = study.get(side_by_side.RECALIBRATION, target_id)
    if not found:
        return
    with st.expander(_("Recalibrated")):
        rows = [
            {
                _("Learnt on"): naming.cohort(each.fitted_on),
                _("Tested on"): naming.cohort(each.tested_on),
                _("Intercept"): error(each.intercept, signed=True),
                _("Slope"): error(each.slope),
                _("MAE as it is"): error(each.mae_before.value),
                _("MAE recalibrated"): error(each.mae_after.value),
                _("Change"): beside.with_interval(each.mae_change),
                "p": beside.p_value(each.p_adjusted),
                _("Bias recalibrated"): error(each.bias_after.value, signed=True),
                _("Remark"): said(each.note),
            }
            for each in found
        ]
        grid.draw(rows)
        st.caption(
            _("A line from prediction to truth, learnt on one cohort, tested on the other: never on the same people.")
        )
