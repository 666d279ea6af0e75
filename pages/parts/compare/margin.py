"""The largest difference between cohorts that would not matter, stated before looking."""

import re
from collections.abc import Mapping

import streamlit as st

from fundus_core.targets import TARGETS
from pages.parts.shell import address
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _


def ask(target_id: str) -> Mapping[str, float]:
    """Ask for the largest difference that would not matter, in the target's unit; return it, where one was stated."""
    target = TARGETS[target_id]
    if target.binary:
        return {}
    key = f"margin_{target_id}"
    label = _("Equivalence margin, pre-specified ({unit})").format(unit=_(target.unit))
    told = st.query_params.get(key, "0")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", told):
        raise GoneError(label, told, keys=[key])
    start = float(told)
    stated = _("Equivalence margin {value} {unit}").format(value=f"{start:g}", unit=_(target.unit))
    with st.popover(stated if start else _("Equivalence margin"), icon=":material/width:"):
        value = st.number_input(
            label,
            min_value=0.0,
            value=start,
            step=0.5,
            key=f"pick_{key}",
            help=_("The largest difference in MAE or bias that would not matter, decided before looking; 0: no test."),
        )
    address.write(key, f"{value:g}", "0")
    return {target_id: float(value)} if value else {}
