"""The models page's parts: one card, and how weights are brought."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fundus_core.figures import error, heading
from fundus_core.models.card import Card, Output, Result
from fundus_core.targets import TARGETS
from pages.parts.new_cohort.inbox import clean
from pages.parts.shared import cards, choose
from pages.parts.shell.language import _, said

ROOT = Path(__file__).resolve().parents[2]


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
        reads = ", ".join(choose.short(target) for target in card.targets)
        st.caption(
            _("Reads {targets} · {backbone} · {size} px · id {name}").format(
                targets=reads, backbone=card.backbone, size=card.input.size, name=name
            )
        )
        if not card.ready and card.weights.page:
            st.markdown(_("Weights: [{page}]({page})").format(page=card.weights.page))
        with st.expander(_("The whole card")):
            _whole(card)


def _whole(card: Card) -> None:
    if card.results:
        st.dataframe([_result(each) for each in card.results], hide_index=True)
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
    st.dataframe([_output(card, each) for each in card.outputs], hide_index=True)
    st.caption(_preparation(card))
    if card.unverified:
        st.caption(
            _("Unverified: {keys}. Nobody has confirmed these; check them before use.").format(
                keys=", ".join(card.unverified)
            )
        )


def _preparation(card: Card) -> str:
    words = _("Photographs are cut to {size} px ({resample}), channels {channels}, sha256 of the weights {sha}.")
    given = card.input
    return words.format(
        size=given.size, resample=given.resample, channels=given.channels, sha=card.weights.sha256[:12] or "–"
    )


def _result(each: Result) -> dict[str, object]:
    return {
        _("Target"): heading(_(TARGETS[each.target].name)),
        _("Measure"): said(each.measure),
        _("Value"): error(each.value),
        _("On"): said(each.on),
        _("Source"): said(each.source),
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


def bring_in(known: Mapping[str, Card]) -> None:
    """Let the user bring weights for a card of this page, or for a card of their own."""
    st.subheader(_("Bring a model"), anchor=False)
    st.markdown(
        _("Weights are not shipped with the project. Obtain them under their terms, then hand them over with a card:")
    )
    own = _("a card of my own (TOML)")
    with st.container(border=True):
        chosen = st.selectbox(_("Card"), [*known, own], format_func=lambda name: cards.title(str(name)))
        file = st.file_uploader(_("Card (TOML)"), ["toml"], key="own_card") if chosen == own else None
        weights = st.file_uploader(
            _("Weights (safetensors, torch, Keras, ONNX or a zipped SavedModel)"), key="own_weights"
        )
        terms = said(known[chosen].terms) if chosen in known else ""
        agreed = st.checkbox(terms, key="own_terms") if terms else True
        ready = weights is not None and agreed and (chosen != own or file is not None)
        if st.button(_("Import"), disabled=not ready, icon=":material/download:") and weights is not None:
            with st.spinner(_("Reading the weights; nothing in them is executed"), show_time=True):
                _import(weights, str(chosen) if file is None else file)
    st.caption(_("The same on the command line:"))
    st.code("python -m fundus_core models import WEIGHTS --card CARD.toml", language="bash", wrap_lines=True)


def _import(weights: UploadedFile, card: str | UploadedFile) -> None:
    """Have another process import weights: torch stays out of the page server."""
    with tempfile.TemporaryDirectory() as folder:
        options = [str(_written(Path(folder), weights)), "--card"]
        options.append(card if isinstance(card, str) else str(_written(Path(folder), card)))
        command = [sys.executable, "-m", "fundus_core", "models", "import", *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == 0:
        st.success(done.stdout)
    else:
        last = done.stderr.strip().splitlines()[-1:] or [_("The weights could not be imported.")]
        st.error(said(last[0].partition(": ")[2] or last[0]))


def _written(folder: Path, file: UploadedFile) -> Path:
    path = folder / clean(file.name).name
    path.write_bytes(file.getbuffer())
    return path
