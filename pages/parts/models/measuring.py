"""A card found by measuring: asked on a cohort of known truth, shown before and after, applied and taken back."""

import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from fundus_core import figures
from fundus_core.checking import change_card, identify_card
from fundus_core.errors import FundusError
from fundus_core.evaluation import Estimate
from fundus_core.models.card import Card
from fundus_core.store import Cohort
from fundus_core.targets import TARGETS
from pages.parts.models import card_lines, model_check
from pages.parts.shared import controls, display, display_names, subprocess_cli
from pages.parts.shared.grid import grid
from pages.parts.shell import address, home, state
from pages.parts.shell.language import _, said

MOST = 400
"""Photographs that are asked about, evenly chosen."""
_NONE = 1e6
"""Numbers from here on stand for none."""
_Answers = dict[str, "tuple[Future[subprocess_cli.Answer], str]"]
"""By the model's id: what it is asked, and the name of the cohort on which."""


def offer(name: str, card: Card) -> None:
    """Draw the lines of a card, let them be measured, applied and taken back."""
    with st.expander(_("Edit the card by measuring")):
        card_lines.table(card)
        if (card.folder / change_card.BEFORE).is_file():
            if st.button(_("Undo the last change"), icon=":material/undo:", key=f"undo-{name}"):
                change_card.undo(name)
                st.rerun()
        if card.ready:
            _measure(name)


def _measure(name: str) -> None:
    known = home.store().cohorts()
    cohorts = {cohort.key: cohort for cohort in known if cohort.files}
    st.caption(
        _(
            "Photographs of known truth tell which lines are right: order of outputs, size, rim, range of values, "
            "colours, scale and unit are tried on one half of the people and confirmed on the other. Nothing is "
            "changed before you apply it. It takes minutes; other pages stay free."
        )
    )
    answers: _Answers = state.recall("identifying", {})
    if not cohorts:
        return
    address.held(_("Cohort"), f"identify-on-{name}", cohorts)
    chosen = st.selectbox(
        _("Cohort"),
        list(cohorts),
        format_func=lambda key: display_names.cohort(cohorts[key].name),
        key=f"identify-on-{name}",
    )
    going = name in answers and not answers[name][0].done()
    if st.button(_("Measure the card"), icon=":material/straighten:", key=f"identify-{name}", disabled=going):
        cohort = cohorts[str(chosen)]
        answers[name] = _ask(name, cohort), display_names.cohort(cohort.name)
        state.remember("identifying", answers)
    if name in answers:
        _answered(name, *answers[name])


def _ask(name: str, cohort: Cohort) -> "Future[subprocess_cli.Answer]":
    """Ask the command line in a thread; what it needs of the store is read before."""
    folder = tempfile.TemporaryDirectory()
    photographs, truth = Path(folder.name) / "photographs.csv", Path(folder.name) / "truth.csv"
    model_check.write(cohort, home.store().table(cohort.id), photographs, truth, MOST)
    answer: Future[subprocess_cli.Answer] = Future()

    def run() -> None:
        with folder:
            answer.set_result(subprocess_cli.ask("identify", name, "--photographs", photographs, "--truth", truth))

    threading.Thread(target=run, name="identifying", daemon=True).start()
    return answer


def _answered(name: str, answer: "Future[subprocess_cli.Answer]", on: str) -> None:
    if not answer.done():
        _waiting(answer)
    elif answer.result().found:
        _show(name, answer.result().found, on)
    else:
        st.error(said(answer.result().fault) or _("The card could not be measured."))


@st.fragment(run_every=1.0)
def _waiting(answer: "Future[subprocess_cli.Answer]") -> None:
    if answer.done():
        st.rerun()
    st.caption(":material/hourglass_top: " + _("Reading the photographs under one line after the other …"))


def _show(name: str, found: dict[str, Any], on: str) -> None:
    """Draw what was found: sentences, lines, errors and points before and after; and the button that applies it."""
    for sentence in found["sentences"]:
        st.markdown(f"- {said(sentence)}")
    if found["changes"]:
        grid([
            {_("Line"): key, _("Now"): str(old), _("Agrees better"): str(new)}
            for key, (old, new) in found["changes"].items()
        ])  # fmt: skip
    grid([_result(target, each) for target, each in found["results"].items()])
    st.caption(_("With 95 % intervals, on the half of the people that took no part in finding."))
    for target, points in found["points"].items():
        if not TARGETS[target].binary and found["changes"]:
            _points(target, points, found["results"][target])
    if found["changes"] or found["confirmed"]:
        words = _("Confirmed: {keys}.").format(keys=", ".join(found["confirmed"]) or "–")
        st.caption(words)
        if st.button(_("Apply to the card"), icon=":material/done_all:", key=f"apply-{name}"):
            try:
                change_card.apply(identify_card.from_json(found), on)
            except FundusError as fault:
                st.error(said(str(fault)))
                return
            state.recall("identifying", {}).pop(name, None)
            st.rerun()


def _result(target: str, each: dict[str, list[float]]) -> dict[str, str]:
    def written(key: str) -> str:
        value, low, high = each[key]
        return f"{value:.3g} ({low:.3g} … {high:.3g})"

    error = _("Brier score") if TARGETS[target].binary else "MAE"
    return {
        _("Target"): controls.short(target),
        _("r now"): written("r_before"),
        _("r then"): written("r_after"),
        _("Error"): f"{error} {_(TARGETS[target].unit)}",
        _("Error now"): written("error_before"),
        _("Error then"): written("error_after"),
    }


def _points(target: str, points: dict[str, list[float]], each: dict[str, list[float]]) -> None:
    """Draw predicted against true under the card as it is, and under the lines that were found."""
    st.markdown(f"**{controls.short(target)}**")
    truth = np.array(points["truth"], dtype=float)
    for place, when, title in zip(st.columns(2), ("before", "after"), (_("Now"), _("Agrees better")), strict=True):
        said_of = np.array(points[when], dtype=float)
        known = (np.abs(truth) < _NONE) & (np.abs(said_of) < _NONE)
        ids = np.arange(int(known.sum())).astype(str)
        group = figures.Observations(title, ids, truth[known], said_of[known])
        drawn = figures.small_scatter(
            TARGETS[target], [group], {"mae": Estimate(each[f"error_{when}"][0])}, display.look()
        )
        place.caption(title)
        place.image(drawn, width=300, alt=f"{controls.short(target)}: {title}")
