"""One photograph without what identifies its person, and the line that says what was taken away."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
from PIL import Image

from fundus_core import __version__
from fundus_core.deidentify.keys import Pseudonyms
from fundus_core.errors import UsageError, say
from fundus_core.records import Eye, Photograph, Pixels

OLDEST_AGE = 89
"""Ages above are given as 90: few are older, so the age itself identifies (45 CFR 164.514(b)(2)(i)(C))."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """What was done to one photograph. It holds no name: who has the original finds it by its hash."""

    photograph: str
    """Pseudonym of the photograph."""
    patient: str
    """Pseudonym of the patient; empty where nobody said whose eye it is."""
    sha256_original: str
    """Of the bytes of the original file."""
    removed: tuple[str, ...]
    """What was taken away, as words without their values."""
    at: str
    """When, in UTC (ISO 8601, to the second)."""
    code_version: str
    """Version of this package."""


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A photograph that may be shared."""

    photograph: str
    """Pseudonym of the photograph."""
    patient: str
    """Pseudonym of the patient; empty where nobody said whose eye it is."""
    eye: Eye
    """Which eye."""
    age: float
    """Whole years, 90 for all above 89; NaN where not known."""
    pixels: Pixels
    """Height x width x 3, RGB, 0..255, black outside the retina."""
    audit: AuditLine
    """What was done."""


def deidentify(
    photograph: Photograph,
    blacked_out: Pixels,
    pseudonyms: Pseudonyms,
    *,
    patient_id: str = "",
    eye: Eye = Eye.UNKNOWN,
) -> Deidentified:
    """Take away from a photograph what identifies its person; its metadata was left behind when it was decoded.

    ``blacked_out`` is its pixels, black outside the retina (height x width x 3). Name and id are replaced by
    pseudonyms; without an id from a table the pseudonym that the photograph brought stays, without an eye what the file
    said.

    Raises:
        UsageError: ``blacked_out`` is not the photograph with a part of it black.
    """
    outside = _outside(photograph.pixels, blacked_out)
    name = pseudonyms.photograph(photograph.name)
    patient = pseudonyms.patient(patient_id) or photograph.patient_id
    removed = ["file name", *photograph.dropped]
    removed += [say("pixels outside the retina ({outside:.1%})", outside=outside)] if outside else []
    line = audit_line(name, patient, photograph.sha256, removed)
    age = min(photograph.age, OLDEST_AGE + 1.0)
    return Deidentified(name, patient, eye or photograph.eye, age, blacked_out, line)


def audit_line(photograph: str, patient: str, sha256_original: str, removed: Iterable[str]) -> AuditLine:
    """Return the line that says, as of now, what was taken away from a photograph."""
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    return AuditLine(photograph, patient, sha256_original, tuple(removed), now, __version__)


def encode(pixels: Pixels) -> bytes:
    """Encode pixels (height x width x 3, RGB) as PNG, exactly, without any metadata."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _outside(before: Pixels, after: Pixels) -> float:
    """Share of pixels that were blacked out."""
    if before.shape != after.shape:
        raise UsageError(
            "The blacked-out pixels are {shape} x {shape_2}, the photograph is {shape_3} x {shape_4}; "
            "give the photograph's own pixels.",
            shape=after.shape[1],
            shape_2=after.shape[0],
            shape_3=before.shape[1],
            shape_4=before.shape[0],
        )
    changed = (before != after).any(axis=2)
    if after[changed].any():
        raise UsageError("Pixels were changed to something other than black; give the photograph's own pixels.")
    return float(np.mean(changed))
