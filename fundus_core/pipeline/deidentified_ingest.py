"""The door: what becomes of a photograph when it is de-identified, before anything of it is kept or sent."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from fundus_core import eye as eyes
from fundus_core import images, quality, retina
from fundus_core.deidentify import AuditLine, Deidentified, Pseudonyms, audit_line, deidentify, encode
from fundus_core.errors import PhotographError, say
from fundus_core.journey import is_retina
from fundus_core.records import Photograph, RetinaBounds, Source, Status
from fundus_core.store import Added, Finding, NewPhotograph, Store

Writing = Literal["refuse", "blackout", "keep"]
"""What becomes of a photograph in whose field there is writing: it stays behind, goes without it, or goes as it is."""
WRITINGS: tuple[Writing, ...] = get_args(Writing)
_LOOKS = 3
"""How often writing is looked for, and blacked out where it is found."""


@dataclass(frozen=True, slots=True)
class DeidentifiedSource:
    """A photograph at the door."""

    photograph: str
    """Its pseudonym."""
    patient: str
    """Pseudonym of the patient; empty where nobody said whose eye it is."""
    sha256: str
    """Of the original's bytes; empty where they could not be read."""
    clean: Deidentified | None = None
    """What may be kept; ``None`` where it was turned away."""
    bounds: RetinaBounds | None = None
    """The field of view, everything outside which is black; ``None`` where it was turned away."""
    eye_source: str = ""
    """Who said which eye: ``table``, ``dicom``, ``name``, ``disc``, or empty."""
    turned_away: Finding | None = None
    """Why nothing of it may be kept; ``None`` where it is clean."""
    writing: tuple[retina.Box, ...] = ()
    """Where writing was found that black outside the retina leaves, in pixels of the photograph."""

    @property
    def audit(self) -> AuditLine:
        """What was taken away; of a photograph that was turned away, all of it."""
        if self.clean is not None:
            return self.clean.audit
        why = self.turned_away.reason_code if self.turned_away else ""
        return audit_line(
            self.photograph, self.patient, self.sha256, ("file name", say("the whole photograph ({why})", why=say(why)))
        )


def deidentify_source(source: Source, pseudonyms: Pseudonyms, *, writing: Writing = "refuse") -> DeidentifiedSource:
    """De-identify a photograph, or say why it cannot be.

    A file that cannot be read, or that shows no retina, is turned away: nothing outside a field that was not found can
    be blacked out. A photograph of a retina passes however poor it is; the limits of quality are the run's own.
    ``writing`` is what becomes of one in whose field writing is found.
    """
    data = b""
    try:
        data = source.read()
        photograph = images.decode(data, source.name, pseudonymise=pseudonyms.patient)
    except OSError as error:
        reason = say(
            "The file could not be opened ({strerror}); check that it still exists.",
            strerror=error.strerror or type(error).__name__,
        )
        return _turned_away(source, pseudonyms, data, Finding("", Status.FAILED.value, "unreadable", reason))
    except PhotographError as error:
        return _turned_away(source, pseudonyms, data, Finding("", Status.FAILED.value, error.code, str(error)))
    bounds = retina.find(photograph.pixels)
    report = quality.assess(photograph, bounds)
    if report.refusal and not is_retina(report):
        why = Finding("", Status.REFUSED.value, report.refusal.code, report.refusal.message)
        return _turned_away(source, pseudonyms, data, why)
    seen = _cleaned(source, photograph, bounds, pseudonyms)
    found = retina.find_writing(photograph.pixels, bounds)
    if not found or writing == "keep":
        return replace(seen, writing=found)
    return _without_writing(seen, found, bounds) if writing == "blackout" else _left(seen, found)


def _left(seen: DeidentifiedSource, found: Sequence[retina.Box]) -> DeidentifiedSource:
    """A photograph that stays behind for the writing in it."""
    places, where = len(found), _places(found)
    message = say(
        "Writing seems to be burned in over the retina; places found: {places} ({where}, in pixels). "
        "Look at the photograph; have what was found blacked out, or keep it where it is no writing.",
        places=places,
        where=say(where),
    )
    why = Finding("", Status.REFUSED.value, "burned_in_writing", message)
    return replace(seen, clean=None, bounds=None, turned_away=why, writing=tuple(found))


def _without_writing(seen: DeidentifiedSource, found: Sequence[retina.Box], bounds: RetinaBounds) -> DeidentifiedSource:
    """The photograph black where there was writing; one in which some is found even then stays behind."""
    clean, boxes = seen.clean, list(found)
    if clean is None:
        return seen
    for _ in range(_LOOKS):
        black = retina.black_out_boxes(clean.pixels, boxes)
        left = retina.find_writing(black, bounds)
        if not left:
            where = _places(boxes)
            what = say("writing over the retina ({where})", where=say(where))
            audit = replace(clean.audit, removed=(*clean.audit.removed, what))
            return replace(seen, clean=replace(clean, pixels=black, audit=audit), writing=tuple(boxes))
        boxes += left
    return _left(seen, boxes)


def _places(boxes: Iterable[retina.Box]) -> str:
    """Boxes as width x height+x+y, in pixels of the photograph."""
    return ", ".join(f"{box.width}x{box.height}+{box.x}+{box.y}" for box in boxes)


def _turned_away(source: Source, pseudonyms: Pseudonyms, data: bytes, why: Finding) -> DeidentifiedSource:
    return DeidentifiedSource(
        photograph=pseudonyms.photograph(source.name),
        patient=pseudonyms.patient(source.patient_id),
        sha256=hashlib.sha256(data).hexdigest() if data else "",
        turned_away=why,
    )


def _cleaned(
    source: Source, photograph: Photograph, bounds: RetinaBounds, pseudonyms: Pseudonyms
) -> DeidentifiedSource:
    side = eyes.decide(
        table=source.eye,
        dicom=photograph.eye,
        name=eyes.from_name(source.name),
        disc=eyes.from_picture(photograph.pixels, bounds),
    )
    black = retina.mask_background(photograph.pixels, bounds)
    clean = deidentify(photograph, black, pseudonyms, patient_id=source.patient_id, eye=side.eye)
    return DeidentifiedSource(clean.photograph, clean.patient, photograph.sha256, clean, bounds, side.source)


@dataclass(frozen=True, slots=True)
class Intake:
    """What came in."""

    added: Added
    """How many are new, renamed or known already."""
    audit: tuple[AuditLine, ...] = ()
    """What was taken away from each photograph; empty where nothing was de-identified."""


@dataclass(slots=True)
class _Door:
    """De-identifies photographs on their way in and keeps what is left of them."""

    store: Store
    pseudonyms: Pseudonyms
    writing: Writing
    audit: list[AuditLine] = field(default_factory=list)

    def let_in(self, source: Source) -> NewPhotograph:
        """Keep a photograph without what identifies its person; no way leads back to the original."""
        seen = deidentify_source(source, self.pseudonyms, writing=self.writing)
        self.audit.append(seen.audit)
        if seen.clean is None:
            return NewPhotograph(
                name=seen.photograph,
                locator="",
                sha256=seen.sha256,
                patient_id=seen.patient,
                eye=source.eye,
                eye_source="table" if source.eye else "",
                door=seen.turned_away,
            )
        kept = self.store.keep(encode(seen.clean.pixels))
        return NewPhotograph.of_kept(
            seen.photograph, kept, patient_id=seen.patient, eye=seen.clean.eye, eye_source=seen.eye_source
        )


def take_in(
    store: Store,
    cohort: str | int,
    found: Iterable[Source],
    *,
    pseudonyms: Pseudonyms | None = None,
    writing: Writing = "refuse",
    progress: Callable[[int], None] | None = None,
) -> Intake:
    """Bring photographs into a cohort; see ``intake``.

    Raises:
        UsageError: There is no such cohort.
    """
    counted = _counted(found, progress)
    if pseudonyms is None:
        return Intake(store.add_photographs(cohort, map(NewPhotograph.of_source, counted)))
    door = _Door(store, pseudonyms, writing)
    added = store.add_photographs(cohort, map(door.let_in, counted))
    return Intake(added, tuple(door.audit))


def _counted(found: Iterable[Source], progress: Callable[[int], None] | None) -> Iterator[Source]:
    for number, source in enumerate(found, start=1):
        yield source
        if progress:
            progress(number)
