"""The journey of one photograph, bytes to crop: the one path that training, runs and ``inspect`` share.

bytes -> Photograph -> RetinaBounds -> QualityReport -> RetinaCrop. No photograph is dropped: each ends as
accepted, refused or failed, with a reason a researcher can act on.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from fundus_core import eye as eyes
from fundus_core import images, quality, retina
from fundus_core.deidentify import Pseudonyms, own_key
from fundus_core.errors import PhotographError, joined, say
from fundus_core.records import Eye, Photograph, QualityReport, RetinaBounds, RetinaCrop, Source, Status

WORKING_PX = 640
"""A photograph may be decoded at reduced scale as long as its shorter side keeps this many pixels: twice and a half
what the quality checks look at, so that they measure the same on every path."""
CROP_RESERVE = 1.25
"""Nor may it fall below this many times the largest crop: JPEG's own reduction antialiases, the crop does the rest."""

_NO_RETINA = frozenset({"not_colour_fundus", "not_a_retina"})


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a photograph before any model is asked."""

    photograph: str
    """Name of the source, or its pseudonym."""
    sha256: str
    """Of the file's bytes; of no bytes where the file could not be opened."""
    patient_id: str
    """From the manifest or the file, or its pseudonym; empty where nobody said."""
    eye: Eye
    """Which eye."""
    eye_source: str
    """Who said so: ``table``, ``dicom``, ``name``, ``disc``, or empty."""
    status: Status
    """``accepted``, ``refused`` or ``failed``."""
    reason_code: str
    """Stable word for a refusal or failure; empty where accepted."""
    reason: str
    """One sentence for a refusal or failure, or what there was to note on an accepted one."""
    width: int = 0
    """Of the upright photograph in pixels; 0 where it could not be read."""
    height: int = 0
    """Of the upright photograph in pixels; 0 where it could not be read."""
    bounds: RetinaBounds | None = None
    """The field of view in pixels of the full photograph; ``None`` where it could not be read."""
    quality: QualityReport | None = None
    """Every check; ``None`` where it could not be read."""
    crops: tuple[RetinaCrop, ...] = ()
    """One per rule, in the order of the rules; none where neither a retina nor a field of view was found."""
    visit: str = ""
    """From the list or the file: a date as year-month-day, or another word; empty where nobody said or under
    pseudonyms."""

    @property
    def kind(self) -> str:
        """What the picture is, as one stable word of ``quality.KINDS``; empty where it could not be read."""
        return "" if self.quality is None else self.quality.kind

    @property
    def score(self) -> float:
        """Quality, 0..1; NaN where it could not be measured."""
        return math.nan if self.quality is None else self.quality.score


def examine(
    source: Source,
    rules: Sequence[retina.CropRule] = (),
    *,
    limits: quality.Limits = quality.LIMITS,
    pseudonyms: Pseudonyms | None = None,
) -> Examined:
    """Read one photograph, find its field of view, measure its quality and cut it out.

    Args:
        source: The file.
        rules: One per crop that is wanted.
        limits: What a photograph must keep to be accepted.
        pseudonyms: Replaces names and ids; where ``None`` they stay as the user gave them, but the patient id inside
            a DICOM, which nobody gave, becomes a pseudonym under the user's own key.

    Returns:
        How the journey ended. A photograph that cannot be read is an answer, not an error.
    """
    name = pseudonyms.photograph(source.name) if pseudonyms else source.name
    data = b""
    try:
        data = source.read()
        at_least = max([WORKING_PX, *(round(CROP_RESERVE * rule.size) for rule in rules)])
        pseudonymise = pseudonyms.patient if pseudonyms else _own_pseudonym
        photograph = images.decode(
            data, source.name, at_least=at_least, pseudonymise=pseudonymise, sha256=source.sha256
        )
    except OSError as error:
        why = error.strerror or type(error).__name__
        message = say("The file could not be opened ({why}); check that it still exists and may be read.", why=say(why))
        return _failed(source, name, data, "unreadable", message, pseudonyms)
    except PhotographError as error:
        return _failed(source, name, data, error.code, str(error), pseudonyms)
    return _look(source, name, photograph, rules, limits, pseudonyms)


def is_retina(report: QualityReport) -> bool:
    """Whether a photograph shows a retina at all, gradable or not."""
    return not any(check.code in _NO_RETINA for check in report.checks if not check.passed)


def _failed(source: Source, name: str, data: bytes, code: str, message: str, pseudonyms: Pseudonyms | None) -> Examined:
    return Examined(
        photograph=name,
        sha256=hashlib.sha256(data).hexdigest(),
        patient_id=_patient(source.patient_id, pseudonyms),
        eye=source.eye,
        eye_source="table" if source.eye else "",
        status=Status.FAILED,
        reason_code=code,
        reason=message,
    )


def _look(
    source: Source,
    name: str,
    photograph: Photograph,
    rules: Sequence[retina.CropRule],
    limits: quality.Limits,
    pseudonyms: Pseudonyms | None,
) -> Examined:
    bounds = retina.find(photograph.pixels)
    report = quality.assess(photograph, bounds, limits)
    refusal = report.refusal
    recognised = is_retina(report)
    shown = recognised or not bounds.whole_frame  # a person may say that it is a retina after all
    side = eyes.decide(
        table=source.eye,
        dicom=photograph.eye,
        name=eyes.from_name(source.name),
        disc=eyes.from_picture(photograph.pixels, bounds) if recognised else Eye.UNKNOWN,
    )
    factor = photograph.width / bounds.width  # it may have been decoded at reduced scale
    notes = [*photograph.notes, _unusual(report, limits), side.note] if refusal is None else [refusal.message]
    return Examined(
        photograph=name,
        sha256=photograph.sha256,
        patient_id=_patient(source.patient_id, pseudonyms) or photograph.patient_id,
        eye=side.eye,
        eye_source=side.source,
        status=Status.ACCEPTED if refusal is None else Status.REFUSED,
        reason_code=refusal.code if refusal else "",
        reason=joined(notes),
        width=photograph.width,
        height=photograph.height,
        bounds=bounds.in_copy(0.0, 0.0, factor, factor, (photograph.width, photograph.height)),
        quality=report,
        crops=retina.crops(photograph.pixels, bounds, rules, unstretch=limits.unstretch) if shown else (),
        visit="" if pseudonyms else source.visit or photograph.visit,
    )


def _unusual(report: QualityReport, limits: quality.Limits) -> str:
    """What there is to say of an accepted photograph of an unusual kind; nothing of one that was unstretched."""
    kind = quality.Kind(report.kind)
    undone = kind is quality.Kind.STRETCHED and limits.unstretch
    return "" if undone else quality.KINDS[kind].advice


def _own_pseudonym(patient_id: str) -> str:
    return Pseudonyms(own_key()).patient(patient_id)


def _patient(patient_id: str, pseudonyms: Pseudonyms | None) -> str:
    return pseudonyms.patient(patient_id) if pseudonyms and patient_id else patient_id
