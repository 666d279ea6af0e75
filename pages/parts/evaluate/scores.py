"""The evaluate page's parts: caption, figures with the panel beside them, and the table of all numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from fundus_core import figures, runs
from fundus_core.analyses import Canvas, Study, headline, one_cohort
from fundus_core.evaluation import Evaluation
from fundus_core.figures import Figure, Observations
from fundus_core.pipeline import external_predictions
from fundus_core.records import Rule
from fundus_core.store import Selection
from fundus_core.targets import TARGETS, Target
from pages.parts.evaluate import selection_panel
from pages.parts.shared import current_selection, display, progress, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address, home, sample
from pages.parts.shell.language import _, literal, said, tell, worded


def caption(view: View, found: Evaluation) -> str:
    """Return what was counted: cohort, model, people and photographs."""
    cohort = studies.study(view).outline
    predicted = cohort.status.get("predicted", 0)
    people = max((result.n_patients for result in found.targets.values()), default=0)
    values = {
        "cohort": sample.typed(view.cohort.name),
        "model": literal(view.model or "–"),
        "predicted": predicted,
        "total": cohort.photographs,
        "people": people,
    }
    if _elsewhere(view):
        return worded(
            "**{cohort}** · {model}, made elsewhere · {predicted:,} of {total:,} {total:row|rows} predicted · "
            "{people:,} {people:person|people}",
            **values,
        )
    return worded(
        "**{cohort}** · {model} · {predicted:,} of {total:,} {total:photograph|photographs} predicted · "
        "{people:,} {people:person|people}",
        **values,
    )


def _elsewhere(view: View) -> bool:
    """Whether no model here made these predictions; photographs may have come all the same."""
    origin = external_predictions.ELSEWHERE
    return any(one.model == view.model and one.origin.startswith(origin) for one in home.store().models(view.cohort.id))


def run_in_progress(view: View) -> None:
    """Show how far the cohort's run is, while there is one."""
    going = runs.runs_of(home.store(), view.cohort.id, going=True)
    if going:
        progress.watch(going[0].run)


def figures_of(view: View, target: str) -> dict[str, str]:
    """Return the figures that a target has, by the name in the address; subgroups where a column makes some."""
    study = studies.study(view)
    usual = [each for each in one_cohort.FIGURES if each.needs(TARGETS[target]) and each.offered(study)]
    shown = [each for each in usual if study.columns or not each.cut]
    words = {each.id: _(each.title) for each in shown}
    return words | {"scatter": _("Probabilities")} if TARGETS[target].binary else words


def explanation(what: str, target_id: str, observations: int = 0) -> str:
    """Return one or two sentences that help to read the figure; very many observations are drawn as a density."""
    words = _(_FIGURES[what].asked(target_id))
    if TARGETS[target_id].binary:
        return words
    if what in ("scatter", "agreement", "residuals") and observations > figures.WEBGL_POINTS:
        return f"{words} {_('Shaded: where most lie; points: the largest errors.')}"
    return words


_FIGURES = {each.id: each for each in one_cohort.FIGURES}


def figure_with_panel(view: View, target_id: str, level: str, by: str, selection: Selection | None = None) -> None:
    """Draw the chosen figure and, beside it, the selection and the eyes behind the point that was clicked.

    Raises:
        GoneError: The address names a figure that the target does not have; within a fragment nobody would hear it.
    """
    address.check(_("Figure"), "figure", figures_of(view, target_id))
    _figure_with_panel(view, target_id, level, by, selection)


@st.fragment
@studies.as_it_comes()
def _figure_with_panel(view: View, target_id: str, level: str, by: str, selection: Selection | None) -> None:
    if not studies.exists(view):
        st.rerun()  # another tab has deleted the cohort: only the whole page can say so
    groups = studies.groups(view, target_id, level, by)
    groups = [replace(group, name=said(group.name)) for group in groups] if by else groups
    study = studies.study(view, level)
    what, place = _headed(view, target_id)
    cut = by or (study.columns[0] if what == "subgroups" else "")
    canvas = Canvas(display.figure_look(view), groups, cut, view.place, 420)
    figure = _FIGURES[what].draw(study, target_id, canvas)
    figure = figure and replace(figure, title=headline(study, target_id, canvas.look))
    if figure:
        display.above(figure, place)
    left, right = st.columns([5, 4])
    order, ids = study.by_error(target_id), study.sample(target_id)[1]
    key = f"{what}-{target_id}-{level}-{by}-{current_selection.times_let_go()}-{view.key}"
    pressed = display.clicked(key) if what in _OF_POINTS else ()
    one = pressed if len(pressed) == 1 else ()
    name, was_chosen = selection_panel.chosen(view, level, one, str(ids[order[0]]) if len(order) else "")
    with left, st.container(border=True):
        if what == "subgroups" and not by:
            st.caption(_("Choose a column under Colour by, at the left."))
        clicked = _draw(
            figure, canvas, key, f"{target_id}-{what}", view, current_selection.marked(view, selection, level), name
        )
        st.caption(explanation(what, target_id, sum(map(len, groups))))
    if current_selection.heard(key, clicked) and (rule := _rule(study, what, target_id, cut, clicked)):
        current_selection.choose(view, rule)
        st.rerun()
    with right:
        if selection is not None:
            current_selection.card(view, selection, target_id, level, here="evaluate")
        items = selection_panel.panel(view, name, target_id, level, was_chosen=was_chosen)
    with left if what == "subgroups" else right:
        _boxes(view, TARGETS[target_id], groups)
    if selection is not None:
        with left:
            current_selection.who(view, selection)
    if items and view.cohort.files:
        selection_panel.neighbours(view, items[0], target_id, level)


def _headed(view: View, target_id: str) -> tuple[str, Any]:
    """Draw the row above the figure; return which one was chosen, and the place of its heading."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        place = st.container(key="headline")
        with st.container(width=190):
            words = figures_of(view, target_id)
            what = address.pick(
                st.selectbox, _("Figure"), list(words), key="figure", words=words, label_visibility="collapsed"
            )
    return what, place


def _draw(
    figure: Figure | None, canvas: Canvas, key: str, name: str, view: View, marked: Collection[str], at: str
) -> Sequence[str]:
    """Draw the figure without its heading; return the points chosen in it."""
    if figure is None:
        st.caption(_("Too few observations to draw."))
        return []
    observations = sum(map(len, canvas.groups))
    return display.chart(figure, key, select=observations, name=name, view=view, marked=marked, at=at, headed=False)


_OF_POINTS = ("scatter", "agreement", "residuals", "change")
"""Figures whose points are observations."""


def _rule(study: Study, what: str, target_id: str, cut: str, clicked: Sequence[str]) -> Rule | None:
    """Return what was selected in a figure: points, bars of errors, groups of a column; ``None`` for one point."""
    if what == "subgroups":
        groups = {tell(group.name): group.name for group in study.get(one_cohort.SUBGROUPS, target_id, cut).groups}
        chosen = tuple(groups[name] for name in clicked if name in groups)
        return Rule(column=cut, words=chosen) if chosen else None
    names = clicked if what in _OF_POINTS else ()
    if what == "errors":
        found, ids = study.sample(target_id)
        ends = [tuple(map(float, bar.split())) for bar in clicked]
        names = [str(one) for low, high in ends for one in ids[(found.error >= low) & (found.error < high)]]
    return Rule(level=study.level, names=tuple(names)) if len(names) > (what in _OF_POINTS) else None


def _boxes(view: View, target: Target, groups: Sequence[Observations]) -> None:
    if len(groups) > 1 and not target.binary:
        with st.container(border=True):
            st.subheader(_("Error by group"), anchor=False)
            display.chart(
                figures.error_boxes(target, groups, display.figure_look(view)),
                f"boxes-{target.id}",
                name=f"{target.id}-boxes",
                view=view,
            )
