"""Which eye a photograph shows: from a table, its file, its name, or the picture."""

from dataclasses import dataclass

from fundus_core.errors import say
from fundus_core.eye.optic_disc import from_picture
from fundus_core.identity import eye_in_name as from_name
from fundus_core.records import Eye

_SPEAKERS = {
    "table": "the table",
    "dicom": "the DICOM file",
    "name": "the file name",
    "disc": "the optic disc and the vessels",
}
"""Sources, the most authoritative first, as they are named to the user."""


@dataclass(frozen=True, slots=True)
class EyeDecision:
    """Which eye, who said so, and whether somebody else said otherwise."""

    eye: Eye
    """The eye."""
    source: str
    """``table``, ``dicom``, ``name``, ``disc``, or empty where nobody knows."""
    note: str
    """A sentence where sources disagree; empty otherwise."""


def decide(
    *,
    table: Eye = Eye.UNKNOWN,
    dicom: Eye = Eye.UNKNOWN,
    name: Eye = Eye.UNKNOWN,
    disc: Eye = Eye.UNKNOWN,
) -> EyeDecision:
    """Weigh what each source says: the table before the DICOM, the name and the disc.

    The most authoritative source that knows counts; a disagreement is told in the note, not resolved in silence.

    >>> decide(table=Eye.RIGHT, disc=Eye.LEFT).note.split("; ")[1]
    'the optic disc and the vessels says left. Check which is right.'
    """
    said = dict(zip(_SPEAKERS, (table, dicom, name, disc), strict=True))
    known = [(source, eye) for source, eye in said.items() if eye is not Eye.UNKNOWN]
    if not known:
        return EyeDecision(Eye.UNKNOWN, "", "")
    source, eye = known[0]
    others = [other for other, value in known if value is not eye]
    return EyeDecision(eye, source, _disagreement(source, eye, others))


def _disagreement(source: str, eye: Eye, others: list[str]) -> str:
    if not others:
        return ""
    return say(
        "Taken as the {eye} eye, as {who} says; {against:and} {count:says|say} {other_eye}. Check which is right.",
        eye=say(eye),
        who=say(_SPEAKERS[source]),
        against=[say(_SPEAKERS[other]) for other in others],
        count=len(others),
        other_eye=say(Eye.LEFT if eye is Eye.RIGHT else Eye.RIGHT),
    )
