"""How weights are brought: for a card of the page, for a card of the user's own, or without one."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fundus_core.models.card import Card
from fundus_core.targets import TARGETS
from pages.parts.shared import controls, subprocess_cli
from pages.parts.shell import address, cards, home, state
from pages.parts.shell.language import _, said
from pages.parts.shell.upload_store import clean

OWN, NONE = "own", "none"
"""Stand for a card of the user's own, and for no card; no card can have these ids, as ids hold a model's name."""


def bring_in(known: Mapping[str, Card]) -> None:
    """Let the user bring weights for a card of this page, those without weights first, or for a card of their own."""
    with st.expander(_("Bring a model"), icon=":material/download:"):
        st.markdown(_("Weights are not shipped with the project. Obtain them under their terms, then hand them over:"))
        chosen = _which(known)
        card = _told(chosen)
        weights = st.file_uploader(
            _("Weights (safetensors, torch, Keras, ONNX or a zipped SavedModel)"),
            key=f"own_weights{state.recall('brought', 0)}",
        )
        terms = said(known[chosen].terms) if chosen in known else ""
        agreed = st.checkbox(terms, key=f"terms-{chosen}") if terms else True
        anew = st.checkbox(_("Replace what was imported for this card before"), key=f"anew-{chosen}")
        ready = weights is not None and agreed and bool(card)
        if st.button(_("Import"), disabled=not ready, icon=":material/download:") and weights is not None and card:
            with st.spinner(_("Reading the weights; nothing in them is executed"), show_time=True):
                _import(weights, card, anew=anew)
        st.caption(_("The same on the command line:"))
        told = f"--targets {','.join(card) or 'sbp,dbp'}" if isinstance(card, list) else "--card CARD.toml"
        st.code(f"python -m fundus_core models import WEIGHTS {told}", language="bash", wrap_lines=True)


def _which(known: Mapping[str, Card]) -> str:
    ids = [*sorted(known, key=lambda name: known[name].ready), OWN, NONE]
    own = {OWN: _("a card of my own (TOML)"), NONE: _("no card: I say what the model gives")}
    words = {name: cards.title(name) for name in known} | own
    address.held(_("Card"), "bring_for", ids)
    return str(st.selectbox(_("Card"), ids, format_func=lambda name: words[name], key="bring_for"))


def _told(chosen: str) -> str | UploadedFile | Sequence[str] | None:
    """What is known of the weights: a card's id, a card that is brought, or targets in the network's order."""
    if chosen == OWN:
        return st.file_uploader(_("Card (TOML)"), ["toml"], key="own_card", max_upload_size=1)
    if chosen != NONE:
        return chosen
    targets = st.multiselect(
        _("What the model gives, in its order"), list(TARGETS), format_func=controls.short, key="own_targets"
    )
    st.caption(
        _(
            "The file says which network it is; what it does not say is taken from habit and marked unverified. "
            "Measuring on photographs of known truth then finds it, also where the order of the outputs is wrong."
        )
    )
    return targets


def _import(weights: UploadedFile, card: str | UploadedFile | Sequence[str], *, anew: bool) -> None:
    home.store().owns_models("model import")
    with tempfile.TemporaryDirectory() as folder:
        by: tuple[str | Path, ...]
        if isinstance(card, str):
            by = "--card", card
        elif isinstance(card, UploadedFile):
            by = "--card", _written(Path(folder), card)
        else:
            by = "--targets", ",".join(card)
        answer = subprocess_cli.ask("import", _written(Path(folder), weights), *by, *(["--replace"] if anew else []))
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
