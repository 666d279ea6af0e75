"""Tables of the compare page: a column that needs a word of explanation has it at its heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.parts.shared import show
from pages.parts.shared.studies import View
from pages.parts.shell.language import _


def draw(rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw rows as a table; a heading that is known to the glossary explains itself."""
    known = _glossary()
    columns = {name: st.column_config.Column(help=known[name]) for name in (rows[0] if rows else {}) if name in known}
    st.dataframe(list(rows), hide_index=True, column_config=columns)


def _glossary() -> dict[str, str]:
    return {
        "p": _("Corrected after Holm for the number of pairs and scores in this table."),
        _("Difference"): _("First minus second, with its 95 % interval; no interval: too few people."),
        _("Effect size"): _(
            "The difference in standard deviations of the errors (Hedges' g): 0.2 is small, 0.8 large."
        ),
        _("Effective n"): _("How many equally weighted people would give as narrow an interval."),
        _("Standardised difference"): _(
            "Difference of the means in standard deviations: comparable between variables."
        ),
        _("Overlap"): _("Share that two distributions have in common; 1: the same distribution."),
        "KS": _("Kolmogorov-Smirnov: largest distance between the two distributions; 0: the same."),
        "PSI": _("Population stability index: how far a distribution has moved; 0: not at all."),
        _("Wasserstein distance (SD)"): _(
            "How far values would have to move, in standard deviations of the first cohort."
        ),
        _("Beyond the model's limit"): _("Photographs unlike those that the model was trained on; 1 is its limit."),
        _("SD of true values"): _("How widely people differ: where it is smaller, the MAE is smaller for that alone."),
        "R²": _("1 − SSE/SST: 0 for predicting the mean, below 0 for worse, 1 for no error."),
        _("Slope"): _("Of truth on prediction: 1 is ideal; below 1 predictions are too far apart."),
    }


def download(rows: Sequence[Mapping[str, Any]], chosen: Sequence[View], name: str) -> None:
    """Draw the button that fetches rows as CSV, with the sentence about rendered eyes where one cohort needs it."""
    marked = next((view for view in chosen if show.caveat(view)), chosen[0])
    show.download(_("All as CSV"), name, lambda: show.csv_text(rows, marked))
