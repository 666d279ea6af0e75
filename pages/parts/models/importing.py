"""How weights are brought: for a card of the page, or for a card of the user's own."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fundus_core.models.card import Card
from pages.parts.shared import controls, subprocess_cli
from pages.parts.shell import address, cards, home, state
from pages.parts.shell.language import _, said
from pages.parts.shell.upload_store import clean

OWN = "own"
"""Stands for a card of the user's own; no card can have this id, as ids of cards hold a model's name."""


def bring_in(known: Mapping[str, Card]) -> None:
    """Let the user bring weights for a card of this page, those without weights first, or for a card of their own."""
    with st.expander(_("Bring a model"), icon=":material/download:"):
        st.markdown(_("Weights are not shipped with the project. Obtain them under their terms, then hand them over:"))
        chosen, file = _which(known)
        weights = st.file_uploader(
            _("Weights (safetensors, torch, Keras, ONNX or a zipped SavedModel)"),
            key=f"own_weights{state.recall('brought', 0)}",
        )
        terms = said(known[chosen].terms) if chosen in known else ""
        agreed = st.checkbox(terms, key=f"terms-{chosen}") if terms else True
        anew = st.checkbox(_("Replace what was imported for this card before"), key=f"anew-{chosen}")
        ready = weights is not None and agreed and (chosen != OWN or file is not None)
        if st.button(_("Import"), disabled=not ready, icon=":material/download:") and weights is not None:
            with st.spinner(_("Reading the weights; nothing in them is executed"), show_time=True):
                _import(weights, chosen if file is None else file, anew=anew)
        st.caption(_("The same on the command line:"))
        st.code("python -m fundus_core models import WEIGHTS --card CARD.toml", language="bash", wrap_lines=True)


def _which(known: Mapping[str, Card]) -> tuple[str, UploadedFile | None]:
    ids = [*sorted(known, key=lambda name: known[name].ready), OWN]
    words = {name: cards.title(name) for name in known} | {OWN: _("a card of my own (TOML)")}
    address.held(_("Card"), "bring_for", ids)
    chosen = str(st.selectbox(_("Card"), ids, format_func=lambda name: words[name], key="bring_for"))
    return chosen, st.file_uploader(_("Card (TOML)"), ["toml"], key="own_card") if chosen == OWN else None


def _import(weights: UploadedFile, card: str | UploadedFile, *, anew: bool) -> None:
    home.store().owns_models("model import")
    with tempfile.TemporaryDirectory() as folder:
        told = card if isinstance(card, str) else _written(Path(folder), card)
        answer = subprocess_cli.ask(
            "import", _written(Path(folder), weights), "--card", told, *(["--replace"] if anew else [])
        )
    if answer.fault or not answer.found:
        st.error(said(answer.fault) or _("The weights could not be imported."))
        return
    state.remember("imported", answer.found)
    state.remember("brought", state.recall("brought", 0) + 1)
    st.rerun()


def _written(folder: Path, file: UploadedFile) -> Path:
    path = folder / clean(file.name).name
    path.write_bytes(file.getbuffer())
    return path


def report() -> None:
    """Say once what was imported; its card is among the others by then."""
    found: dict[str, Any] | None = state.recall("imported")
    if not found:
        return
    state.remember("imported", None)
    words = _("Imported as {id}: {backbone}, {size} px, reads {targets}.")
    lines = [words.format(**{**found, "targets": ", ".join(controls.short(name) for name in found["targets"])})]
    if found["difference"] is not None:
        words = _("Compared with {program}: outputs equal to {difference} of the largest value.")
        lines.append(words.format(program=found["compared_with"], difference=f"{found['difference']:.1e}"))
    st.success("  \n".join([*lines, *(said(note) for note in (*found["notes"], *found["limits"]))]))
