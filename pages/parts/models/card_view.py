"""One model card: what the model is, how it is prepared, what was published, and on which terms."""

import math

import streamlit as st

from fundus_core.errors import UsageError
from fundus_core.figures import error, heading
from fundus_core.models import ownership
from fundus_core.models.card import Card, Line, Output, Result
from fundus_core.models.recalibrated import provenance
from fundus_core.targets import TARGETS
from pages.parts.models import measuring, model_check
from pages.parts.shared import card_notes, controls
from pages.parts.shared.exports import grid
from pages.parts.shell import asking, people
from pages.parts.shell.language import _, said


def offer_sharing(card: Card) -> None:
    """Let a model's owner say who else may use it; nothing for anybody else, and on one's own machine."""
    found = ownership.owner_of(card) if people.shared() else None
    if found is None or found.owner != asking.asker().id:
        return
    with st.popover(_("Share"), icon=":material/group:"):
        names = st.text_input(_("With whom"), ", ".join(found.shared), key=f"share-model-{card.id}")
        if st.button(_("Save"), key=f"save-model-{card.id}"):
            try:
                ownership.share(card, asking.asker().id, names.split(","))
                asking.asker().note("shared", f"model {card.id} {names}")
            except UsageError as fault:
                st.error(said(fault))


def card(name: str, card: Card) -> None:
    """Draw one model card."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{said(card.title)}**", width="content")
            if card.ready:
                st.badge(_("ready"), color="green", icon=":material/check:")
            else:
                st.badge(_("weights missing"), color="orange", icon=":material/download:")
            if card.rendered:
                st.badge(_("rendered eyes only"), color="gray")
        st.write(said(card.summary))
        for words in provenance(card):
            st.caption(f":material/tune: {said(words)}")
        reads = ", ".join(controls.short(target) for target in card.targets)
        st.caption(
            _("Reads {targets} · {backbone} · {size} px · id {name}").format(
                targets=reads, backbone=card.backbone, size=card.input.size, name=name
            )
        )
        if not card.ready and card.weights.page:
            st.markdown(_("Weights: [{page}]({page})").format(page=card.weights.page))
        card_notes.open_lines(card)
        with st.expander(_("The whole card")):
            _whole(card)
        measuring.offer(name, card)
        offer_sharing(card)
        if card.ready:
            model_check.offer(name)


def _whole(card: Card) -> None:
    if card.results:
        grid([_result(each) for each in card.results])
    for title, text in (
        (_("Training"), said(card.training)),
        (_("Licence"), said(card.licence)),
        (_("Terms"), said(card.terms)),
        (_("Citation"), card.citation),
        (_("Acknowledgement"), card.acknowledgement),
        (_("Command"), f"`{card.command}`" if card.command else ""),
    ):
        if text:
            st.markdown(f"**{title}**  \n{text}")
    for step in card.recalibrated:
        grid([_line(each) for each in step.lines])
        st.caption(
            _("Recalibration on {cohort}, with 95 % intervals; of yes/no targets on the log odds.").format(
                cohort=step.cohort
            )
        )
    grid([_output(card, each) for each in card.outputs])
    st.caption(_preparation(card))


def _preparation(card: Card) -> str:
    words = _("Photographs are cut to {size} px ({resample}), channels {channels}, sha256 of the weights {sha}.")
    given = card.input
    return words.format(
        size=given.size, resample=given.resample, channels=given.channels, sha=card.weights.sha256[:12] or "–"
    )


def _result(each: Result) -> dict[str, object]:
    return {
        _("Target"): heading(_(TARGETS[each.target].name)),
        _("Measure"): "MAE" if each.measure == "mae" else said(each.measure),
        _("Value"): error(each.value),
        _("Unit"): _(TARGETS[each.target].unit) if each.measure == "mae" else "",
        _("On"): said(each.on),
        _("Source"): said(each.source),
    }


def _line(each: Line) -> dict[str, object]:
    return {
        _("Target"): heading(_(TARGETS[each.target].name)),
        _("Intercept"): f"{error(each.intercept)} ({' … '.join(map(error, each.intercept_interval))})",
        _("Slope"): f"{error(each.slope)} ({' … '.join(map(error, each.slope_interval))})",
        _("Unit"): _(TARGETS[each.target].unit),
        _("People"): each.people,
    }


def _output(card: Card, each: Output) -> dict[str, object]:
    low, high = each.interval
    known = math.isfinite(low) and math.isfinite(high)
    return {
        _("Target"): heading(_(TARGETS[each.target].name)),
        _("Unit"): _(each.unit),
        _("90 % interval"): f"{error(low, signed=True)} … {error(high, signed=True)}" if known else "–",
        _("Unverified"): any(key.startswith("outputs") for key in card.unverified),
    }
