"""Which eye a photograph shows: from its name, its file, a table, or the position of the disc."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from fundus_core.records import Eye, Pixels, RetinaBounds

_RIGHT = ("right", "od", "re", "r", "oculus dexter", "dexter", "dextra", "右", "右眼", "migi")
_LEFT = ("left", "os", "le", "l", "oculus sinister", "sinister", "sinistra", "左", "左眼", "hidari")


@dataclass(frozen=True, slots=True)
class EyeDecision:
    """Which eye, who said so, and whether somebody else said otherwise."""

    eye: Eye
    """The eye."""
    source: str
    """``table``, ``dicom``, ``name``, ``disc``, or empty where nobody knows."""
    note: str
    """A sentence where sources disagree; empty otherwise."""


def from_name(name: str) -> Eye:
    """Read the eye from a file name.

    Args:
        name: A path or a name; the file's own name counts before the folders above it.

    Returns:
        The eye; unknown where the name says nothing or both.

    >>> from_name("img00208509_00_1R.jpg")
    <Eye.RIGHT: 'right'>
    >>> from_name("colour_original.png")
    <Eye.UNKNOWN: ''>
    """
    parts = unicodedata.normalize("NFKC", name).replace("\\", "/").split("/")
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", parts[-1])
    for part in [stem, *reversed(parts[:-1])]:
        said = _words(part)
        if said:
            return said.pop() if len(said) == 1 else Eye.UNKNOWN
    return Eye.UNKNOWN


def _words(text: str) -> set[Eye]:
    """Return the eyes that a text names."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])", " ", text)
    words = {word.lower() for word in re.findall(r"[A-Za-z]+", spaced)}
    right = not words.isdisjoint(_RIGHT) or "右" in text
    left = not words.isdisjoint(_LEFT) or "左" in text
    return {eye for eye, named in ((Eye.RIGHT, right), (Eye.LEFT, left)) if named}


def from_disc(pixels: Pixels, bounds: RetinaBounds) -> Eye:
    """Return the eye that the position of the disc shows; unknown unless certain."""
    del pixels, bounds
    return Eye.UNKNOWN


def decide(
    *,
    table: Eye = Eye.UNKNOWN,
    dicom: Eye = Eye.UNKNOWN,
    name: Eye = Eye.UNKNOWN,
    disc: Eye = Eye.UNKNOWN,
) -> EyeDecision:
    """Weigh what each source says: the table before the DICOM, the name and the disc.

    Returns:
        The eye of the most authoritative source that knows; a disagreement is told in the note, not resolved
        in silence.
    """
    said = {"table": table, "dicom": dicom, "name": name, "disc": disc}
    known = [(source, eye) for source, eye in said.items() if eye is not Eye.UNKNOWN]
    if not known:
        return EyeDecision(Eye.UNKNOWN, "", "")
    source, eye = known[0]
    others = [other for other, value in known if value is not eye]
    return EyeDecision(eye, source, _disagreement(source, eye, others))


_SPEAKERS = {
    "table": "the table",
    "dicom": "the DICOM file",
    "name": "the file name",
    "disc": "the position of the optic disc",
}


def _disagreement(source: str, eye: Eye, others: list[str]) -> str:
    if not others:
        return ""
    against = " and ".join(_SPEAKERS[other] for other in others)
    speaks = "speaks" if len(others) == 1 else "speak"
    return (
        f"Taken as the {eye} eye, as {_SPEAKERS[source]} says, but {against} {speaks} for the other; check which "
        "is right."
    )
