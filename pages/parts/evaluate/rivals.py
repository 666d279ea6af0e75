"""Several models on one cohort, side by side on the photographs that all of them predicted."""

from __future__ import annotations

import streamlit as st

from fundus_core import figures
from fundus_core.analyses import Canvas, one_cohort, side_by_side
from fundus_core.targets import TARGETS
from pages.parts.compare import beside
from pages.parts.shared import cards, show, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, count


def table(view: View, target_id: str, level: str) -> None:
    """Draw model against model; nothing where only one reads the target."""
    study = studies.models(view, target_id, level)
    if study is None:
        return
    target = TARGETS[target_id]
    found, look = study.get(side_by_side.MODELS, target_id), show.look(view)
    with st.expander(_("Model against model"), expanded=True):
        score = "accuracy" if target.binary else "mae"
        rows = [
            one_cohort.forest_row(
                cards.title(name), result.estimates.get(score), result.n_patients, Canvas(look), place
            )
            for place, (name, result) in enumerate(found.results.items())
        ]
        axis = _("accuracy") if target.binary else f"MAE ({_(target.unit)})"
        show.chart(figures.forest(rows, axis, look), f"models-{target_id}", name=f"{target_id}-models", view=view)
        st.dataframe([beside.difference_row(each) for each in found.differences], hide_index=True)
        left = ", ".join(f"{cards.title(name)} {count(n)}" for name, n in found.left_out.items() if n)
        words = _("On the photographs that every model predicted, the same people in each draw.")
        more = _(" Left out because another model did not predict them: {list}.").format(list=left) if left else ""
        st.caption(words + more)
