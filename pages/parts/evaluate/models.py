"""Several models on one cohort, side by side on the photographs that all of them predicted."""

import streamlit as st

from fundus_core.analyses import forest_of, main_score, shown, side_by_side
from fundus_core.targets import TARGETS
from pages.parts.shared import display, studies
from pages.parts.shared.studies import View
from pages.parts.shell import cards
from pages.parts.shell.language import _, count, tell


def table(view: View, target_id: str, level: str) -> None:
    """Draw model against model; nothing where only one reads the target."""
    study = studies.models(view, target_id, level)
    if study is None:
        return
    found = study.get(side_by_side.MODELS, target_id)
    with st.expander(_("Model against model"), expanded=True):
        figure = forest_of(found.results, main_score(TARGETS[target_id]), display.look(view), names=cards.title)
        display.chart(figure, f"models-{target_id}", name=f"{target_id}-models", view=view)
        display.table(shown(study, side_by_side.MODELS, target_id, tell, cards.title))
        left = ", ".join(f"{cards.title(name)} {count(n)}" for name, n in found.left_out.items() if n)
        remark = _(side_by_side.MODELS.question)
        more = _(" Left out because another model did not predict them: {list}.").format(list=left) if left else ""
        st.caption(remark + more)
