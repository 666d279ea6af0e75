"""De-identification at the door: whose key makes the pseudonyms, and what will become of the first photographs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from fundus_core import pipeline
from fundus_core.deidentify import (
    MIN_PASSPHRASE,
    Pseudonyms,
    fresh_key,
    key_from_bytes,
    key_from_passphrase,
    own_key,
    own_key_file,
)
from fundus_core.errors import UsageError, joined
from fundus_core.pipeline import DeidentifiedSource, Writing
from fundus_core.records import Pixels, Source
from fundus_core.truth import Match
from pages.parts.new_cohort.ingest import Found
from pages.parts.shared import display, photo_panel
from pages.parts.shell import state
from pages.parts.shell.language import _, literal, said

SHOWN = 3
"""Photographs that are de-identified for the preview."""
_PREVIEW_PX = 360


def pseudonyms(where: str) -> Pseudonyms | None:
    """Let the user choose the key; return what it makes, ``None`` as long as there is no key.

    A passphrase or the bytes of a key file live in this tab's memory only, until the photographs are in.
    """
    words = {"own": _("The key of this machine"), "passphrase": _("Passphrase"), "file": _("Key file")}
    ask: Mapping[str, Callable[[str], bytes]] = {"own": _own, "passphrase": _passphrase, "file": _file}
    chosen = st.segmented_control(
        _("Key of the pseudonyms"),
        list(words),
        default="own",
        format_func=lambda name: words[name],
        required=True,
        key=f"key-{where}",
        help=_(
            "The same key gives the same pseudonyms, at any site and in any year; without it nobody can test a guess."
        ),
    )
    try:
        key = ask[str(chosen)](where)
    except UsageError as fault:
        st.error(said(fault))
        return None
    return Pseudonyms(key) if key else None


def _own(_where: str) -> bytes:
    words = _("The key that makes the pseudonyms stays with you, apart from the results: {file}")
    st.caption(words.format(file=own_key_file()))
    return own_key()


def _passphrase(where: str) -> bytes:
    label = _("Passphrase, at least {n} characters").format(n=MIN_PASSPHRASE)
    text = st.text_input(label, type="password", key=f"passphrase-{where}", autocomplete="off")
    st.caption(_("It is stored nowhere: keep it yourself, or nobody can make the same pseudonyms again."))
    known, key = state.recall(f"derived-{where}", ("", b""))
    if text and text != known:
        key = key_from_passphrase(text)  # slow on purpose, so not at every click
        state.remember(f"derived-{where}", (text, key))
    return key if text else b""


def _file(where: str) -> bytes:
    file = st.file_uploader(_("Key file"), key=f"keyfile-{where}", max_upload_size=1)
    if file is not None:
        return key_from_bytes(file.getvalue())
    st.caption(_("No key file yet? Make one and keep it apart from photographs and results."))
    display.download(_("Make a key file"), "pseudonym.key", lambda: fresh_key().hex() + "\n", mime="text/plain")
    return b""


def clear(where: str) -> None:
    """Forget passphrase and key."""
    st.session_state.pop(f"passphrase-{where}", None)
    state.remember(f"derived-{where}", ("", b""))


def writing(where: str) -> Writing:
    """Let the user choose what becomes of photographs with writing over the retina."""
    words: dict[Writing, str] = {"refuse": _("Leave behind"), "blackout": _("Black it out"), "keep": _("Keep")}
    chosen: Writing = st.segmented_control(
        _("Photographs with writing over the retina"),
        list(words),
        default="refuse",
        format_func=lambda name: words[name],
        required=True,
        key=f"writing-{where}",
        help=_("Rows of letters are looked for; faint, very small or very short ones can be missed."),
    )
    return chosen


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of the door."""

    possible: bool
    """False where de-identification is wanted and there is no key."""
    pseudonyms: Pseudonyms | None = None
    """``None`` where nothing is to be de-identified."""
    covariates: tuple[str, ...] = ()
    """Columns of the table, besides the measured values, that may be kept."""
    writing: Writing = "refuse"
    """What becomes of photographs with writing over the retina."""


def at_intake(found: Found, matched: Match | None, *, default: bool = False) -> Wanted:
    """Let the user de-identify at the door, and show what that does.

    Args:
        found: The photographs.
        matched: The table beside them.
        default: Whether it is proposed.
    """
    tip = _("Names and patient ids become pseudonyms, writing beside the retina is blacked out, tags are dropped.")
    if not st.toggle(_("De-identify at the door"), default, key=f"door{state.upload_number()}", help=tip):
        return Wanted(possible=True)
    with st.container(border=True):
        made = pseudonyms(_here())
        marked = writing(_here())
        if made is not None:
            _preview(found, matched, made, marked)
        kept = covariates(() if matched is None else tuple(matched.truth.covariates), _here())
    return Wanted(made is not None, made, tuple(kept), marked)


def covariates(names: Sequence[str], where: str) -> list[str]:
    """Let the user choose which other columns of a table stay beside the measured values."""
    if not names:
        return []
    tip = _("Free text may name people: choose only what the registry needs.")
    label = _("Columns besides the measured values")
    return st.pills(label, names, selection_mode="multi", help=tip, key=f"columns-{where}")


def leave() -> None:
    """Forget the key of the intake, once it is over."""
    clear(_here())


def _here() -> str:
    return f"door{state.upload_number()}"


def _preview(found: Found, matched: Match | None, made: Pseudonyms, marked: Writing) -> None:
    told = [""] * SHOWN if matched is None else [str(who) for who in matched.patient_id()[:SHOWN]]
    st.markdown(_("What will be kept of the first photographs"))
    with st.grid(min_column_width=220):
        for source, who in zip(found.sources, told, strict=False):
            with st.container(border=True, gap="xsmall"):
                _one(replace(source, patient_id=source.patient_id or who), made, marked)
    if found.uploaded:
        st.caption(_("The uploaded originals are deleted once the photographs are in; nothing else of them is kept."))
    else:
        st.caption(_("The originals stay where they are; the cohort does not remember where that was."))


def _one(source: Source, made: Pseudonyms, marked: Writing) -> None:
    known = (source.locator, source.patient_id, made.photograph(source.name))
    seen, pixels = _seen(known, marked, source, made)
    st.markdown(f"{literal(source.name.rsplit('/', 1)[-1])} → **{seen.photograph}**")
    if seen.clean is None or pixels is None:
        why = seen.turned_away
        st.warning(_("Turned away: {reason}").format(reason=said(why.reason) if why else ""))
        return
    st.image(pixels, width="stretch", alt=_("The photograph without its surround"))
    patient = seen.patient or _("nobody said whose eye it is")
    st.caption(_("Patient: {patient} · {eye}").format(patient=patient, eye=photo_panel.eye(seen.clean.eye)))
    st.caption(_("Taken away: {what}").format(what=said(joined(seen.audit.removed, ""))))
    if seen.bounds is not None and seen.bounds.whole_frame:
        st.warning(_("No edge of the field of view was found: nothing was blacked out. Look for writing."))


@st.cache_resource(max_entries=12, show_spinner=False)
def _seen(
    known: tuple[str, ...], marked: Writing, _source: Source, _made: Pseudonyms
) -> tuple[DeidentifiedSource, Pixels | None]:
    """Known by where the original lies, whose it is, and by its pseudonym, which differs with the key."""
    seen = pipeline.deidentify_source(_source, _made, writing=marked)
    if seen.clean is None:
        return seen, None
    step = max(1, min(seen.clean.pixels.shape[:2]) // _PREVIEW_PX)
    small = np.ascontiguousarray(seen.clean.pixels[::step, ::step])
    return replace(seen, clean=replace(seen.clean, pixels=small)), small
