"""Several models on one cohort, side by side on the photographs that all of them predicted."""

from __future__ import annotations

import streamlit as st

from fundus_core.analyses import Canvas, main_score, one_cohort, shown, side_by_side
from fundus_core.targets import TARGETS
from pages.parts.shared import cards, show, studies
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, count, tell


def table(view: View, target_id: str, level: str) -> None:
    """Draw model against model; nothing where only one reads the target."""
    study = studies.models(view, target_id, level)
    if study is None:
        return
    target = TARGETS[target_id]
    found, look = study.get(side_by_side.MODELS, target_id), show.look(view)
    with st.expander(_("Model against model"), expanded=True):
        score = main_score(target)
        rows = [
            one_cohort.forest_row(
                cards.title(name), result.estimates.get(score), result.n_patients, Canvas(look), place
            )
            for place, (name, result) in enumerate(found.results.items())
        ]
        show.chart(
            one_cohort.forest(rows, score, target, look), f"models-{target_id}", name=f"{target_id}-models", view=view
        )
        show.table(shown(study, side_by_side.MODELS, target_id, tell, cards.title))
        left = ", ".join(f"{cards.title(name)} {count(n)}" for name, n in found.left_out.items() if n)
        remark = _(side_by_side.MODELS.question)
        more = _(" Left out because another model did not predict them: {list}.").format(list=left) if left else ""
        st.caption(remark + more)
