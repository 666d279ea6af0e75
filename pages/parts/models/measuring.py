"""A card found by measuring: asked on a cohort of known truth, shown before and after, applied and taken back."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from fundus_core import figures, jobs, owner_only
from fundus_core.checking import change_card, identify_card
from fundus_core.errors import FundusError
from fundus_core.evaluation import Estimate
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.store import Cohort
from fundus_core.targets import TARGETS
from pages.parts.cohorts import listing
from pages.parts.models import card_lines, model_check
from pages.parts.shared import card_notes, controls, display, progress
from pages.parts.shared.exports import grid
from pages.parts.shell import asking, home, sample
from pages.parts.shell.language import _, said

MOST = 400
"""Photographs that are asked about, evenly chosen."""
_NONE = 1e6
"""Numbers from here on stand for none."""
_ABOUT = "about.json"
"""Beside the job: cohort and card that are measured."""


def offer(name: str, card: Card) -> None:
    """Draw the lines of a card, let them be measured, applied and taken back."""
    with st.expander(_("Edit the card by measuring")):
        card_lines.table(card)
        if not asking.keeps_models():
            return
        if (card.folder / change_card.BEFORE).is_file():
            if st.button(_("Undo the last change"), icon=":material/undo:", key=f"undo-{name}"):
                home.store().owns_models("model undo")
                change_card.undo(name)
                st.rerun()
        if card.ready:
            _measure(card)


def _measure(card: Card) -> None:
    name, known = card.id, {cohort.key: cohort for cohort in home.store().cohorts() if cohort.files}
    cohorts = {key: cohort for key, cohort in known.items() if listing.is_mine(cohort)}
    st.caption(
        _(
            "Photographs of known truth tell which lines are right: order of outputs, size, rim, range of values, "
            "colours, scale and unit are tried on one half of the people and confirmed on the other. Nothing is "
            "changed before you apply it. It takes minutes and goes on when this page is left."
        )
    )
    if cohorts:
        chosen = model_check.cohort_of(cohorts, f"identify-on-{name}")
        card_notes.changed(chosen, card)
        now = jobs.stage(_folder(name))
        going = now is not None and not now.over
        if st.button(_("Measure the card"), icon=":material/straighten:", key=f"identify-{name}", disabled=going):
            _start(card, chosen)
            st.rerun()
    _watch(card, known)


def _folder(name: str) -> Path:
    return registry.home() / name / "measuring"


def _start(card: Card, cohort: Cohort) -> None:
    """Begin the job; beside it stands on whom, and on which card, since either may be another when it is done."""
    home.store().owns_models("model identify", cohort.id, "measured on")
    folder = owner_only.folder(_folder(card.id))
    photographs, truth = model_check.tables(jobs.given(folder))
    model_check.write(cohort, home.store().table(cohort.id), photographs, truth, MOST)
    about = {"key": cohort.key, "name": sample.called(cohort.name), "card": card.sha256}
    owner_only.write(folder / _ABOUT, json.dumps(about).encode())
    given = ("--photographs", photographs, "--truth", truth, "--out", folder)
    jobs.start(folder, "models", "identify", card.id, *given)


def _watch(card: Card, cohorts: Mapping[str, Cohort]) -> None:
    """Draw how far it is, or what was found; of people whom whoever looks may not see, nothing."""
    folder = _folder(card.id)
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if about["key"] not in cohorts:
        return
    found = jobs.result(folder)
    if found is None:
        progress.watch_job(
            folder,
            {"reading": _("Reading the photographs"), "trying": _("Trying one line after the other")},
            key=f"identify-{card.id}",
        )
    elif about["card"] != card.sha256:
        st.caption(_("The card was changed since it was measured on {cohort}.").format(cohort=about["name"]))
    else:
        _show(card.id, found, about["name"])


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
                home.store().owns_models("model identify")
                change_card.apply(identify_card.from_json(found), on)
            except FundusError as fault:
                st.error(said(str(fault)))
                return
            (_folder(name) / _ABOUT).unlink()
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
            TARGETS[target], [group], {"mae": Estimate(each[f"error_{when}"][0])}, display.figure_look()
        )
        place.caption(f"{title} · n = {len(ids):,}")
        place.image(drawn, width=300, alt=f"{controls.short(target)}: {title}")
