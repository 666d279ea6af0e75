"""The compare page's parts: the forest plot, key figures, the differences, and the people behind them."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from fundus_core import figures
from fundus_core.analyses import (
    Analysis,
    Rows,
    Study,
    differences_in_words,
    drawn_scores,
    forest_of,
    labels,
    shown,
    side_by_side,
    sites_forest,
    sites_in_words,
    small_multiples,
    table_one,
)
from fundus_core.evaluation import PSI_NOTE, Comparison
from fundus_core.figures import Look
from fundus_core.targets import TARGETS
from pages.parts.shared import controls, display
from pages.parts.shared.studies import View
from pages.parts.shell import address
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, literal, tell


def scores(found: Comparison, target_id: str) -> dict[str, str]:
    """Return what can be drawn as a forest, by the name in the address, before anything is drawn.

    Raises:
        GoneError: The address names another.
    """
    named = drawn_scores(found.targets[target_id].results)
    address.check(_("Score"), "score", named)
    return {score: labels.name(score, say=tell).split(" (")[0] for score in named}


def forest_in_words(
    study: Study, views: Sequence[View], found: Comparison, target_id: str, known: Mapping[str, str]
) -> None:
    """Draw the forest plot of a score and, beside it, a sentence for each two cohorts and what sites have in common."""
    sentences = differences_in_words(study, target_id, tell, names(views))
    told = sentences or any(sites_in_words(study, target_id, each, tell) for each in known)
    left, *rest = st.columns(2 if told else 1)
    with left, st.container(border=True, height="stretch"):
        score = _forest(views, found, target_id, known)
    for right in rest:
        with right, st.container(border=True, height="stretch"):
            if sentences:
                st.subheader(_(side_by_side.DIFFERENCES.title), anchor=False)
                st.markdown("\n".join(f"- {literal(sentence)}" for sentence in sentences))
            _sites(study, views, target_id, score)


def _forest(views: Sequence[View], found: Comparison, target_id: str, known: Mapping[str, str]) -> str:
    """Draw each cohort's score with its interval, then what others have published of it; return the score chosen."""
    results = found.targets[target_id].results
    score = controls.one_of(_("Score"), known, "score")
    figure = forest_of(
        results,
        score,
        figure_look(views),
        names=names(views),
        places={view.name: view.place for view in views},
        literature=True,
    )
    display.chart(figure, f"forest-{target_id}-{score}", name=f"{target_id}-cohorts")
    if figures.literature(target_id, score):
        st.caption(_("Grey: published by others.") + " " + _(side_by_side.PUBLISHED.asked(target_id)))
    return score


def _sites(study: Study, views: Sequence[View], target_id: str, score: str) -> None:
    """Draw a score's mean over sites: what is known of a new one, the forest plot, and both tables."""
    said = sites_in_words(study, target_id, score, tell)
    if not said:
        return
    st.subheader(_(side_by_side.SITES.title), anchor=False)
    st.markdown(said)
    places = {view.name: view.place for view in views}
    figure = sites_forest(study, target_id, figure_look(views), score, names=names(views), places=places)
    if figure:
        display.chart(figure, f"sites-{target_id}-{score}", name=f"{target_id}-sites")


def names(views: Sequence[View]) -> Callable[[str], str]:
    """Return what the reader calls each of the cohorts that tables name."""
    titles = {view.name: view.title for view in views}
    return lambda name: titles.get(name, name)


def figure_look(views: Sequence[View]) -> Look:
    """Return how figures of these cohorts look: stamped where one of them is rendered."""
    return display.figure_look(next((view for view in views if display.disclaimer(view)), views[0]))


def scatters(study: Study, views: Sequence[View], target_id: str) -> None:
    """Draw predicted against true of each cohort, side by side on common axes."""
    places = {view.name: view.place for view in views}
    drawn = small_multiples(study, target_id, figure_look(views), names=names(views), places=places)
    with st.container(key="strip"), st.grid(min_column_width=250):
        for view in views:
            if view.name in drawn:
                with st.container(border=True, height="stretch"):
                    key = f"{target_id}-predicted-{view.key}"
                    display.chart(drawn[view.name], key, name=f"{target_id}-{view.title}", view=view)


OF_PEOPLE = (side_by_side.CASE_MIX, side_by_side.IMBALANCE, side_by_side.SHIFT, side_by_side.OUT_OF_DISTRIBUTION)
"""Of the cohorts as a whole; no measured value is needed."""


def tables(study: Study, views: Sequence[View], target_id: str, note: str) -> None:
    """Draw the fold of all tables of a target and of the cohorts' people; the note stands below the differences."""
    margin = (side_by_side.EQUIVALENCE,) if target_id in study.settings.margins else ()
    adjusted = (side_by_side.STANDARDISED, side_by_side.STANDARDISED_DIFFERENCES)
    of_target = (side_by_side.ESTIMATES, side_by_side.DIFFERENCES, *margin, *adjusted)
    rest = (side_by_side.RECALIBRATION, side_by_side.SITES, side_by_side.EACH_SITE)
    notes = {side_by_side.DIFFERENCES.id: _(note)}
    offered = (*of_target, *rest, *OF_PEOPLE)
    display.analyses(lambda: offered, lambda analysis: _show(study, views, analysis, target_id, notes))


def unlabelled(study: Study, views: Sequence[View]) -> None:
    """Draw what needs no reference values: who the people are, shift of predictions, photographs foreign to a model."""
    for analysis in OF_PEOPLE:
        st.subheader(_(analysis.title), anchor=False)
        _show(study, views, analysis, "", {})


def _show(
    study: Study, views: Sequence[View], analysis: Analysis[Any], target_id: str, notes: Mapping[str, str]
) -> bool:
    if analysis is side_by_side.CASE_MIX:
        made = table_one(study.get(analysis), tell, names(views))
    else:
        target_id = "" if analysis in OF_PEOPLE else target_id
        made = shown(study, analysis, target_id, tell, names(views))
    if made.body:
        display.table(made, display.titled(analysis, target_id))
        psi = f" PSI: {_(PSI_NOTE)}." if analysis is side_by_side.SHIFT else ""
        st.caption(notes.get(analysis.id) or _(analysis.asked(target_id)) + psi)
    return bool(made.body)


def csv_text(rows: Rows, chosen: Sequence[View]) -> str:
    """Return rows as CSV text, with the sentence about rendered eyes where one cohort needs it."""
    return display.csv_text(rows, next((view for view in chosen if display.disclaimer(view)), chosen[0]))


def margins(target_id: str) -> Mapping[str, float]:
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
