"""Photographs and truth into the store: intake, de-identification at the door, the sample cohort."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fundus_core import eye as eyes
from fundus_core import images, quality, retina
from fundus_core.deidentify import AuditLine, Pseudonyms, deidentify, encode, own_key, own_key_file
from fundus_core.errors import PhotographError
from fundus_core.journey import shows_retina
from fundus_core.records import Eye, Photograph, RetinaBounds, Source
from fundus_core.store import Added, NewPhotograph, Store, TruthRow
from fundus_core.truth import Match, TruthTable, match

HOME_VARIABLE = "FUNDUS_LAB_HOME"
"""Names the folder with the user's cohorts; ``./workspace`` where it is not set."""


def home() -> Path:
    """Return the folder with the user's cohorts, models and settings."""
    return Path(os.environ.get(HOME_VARIABLE) or "workspace").resolve()


def open_home() -> Store:
    """Open the user's store, making it where there is none."""
    return Store.open(home())


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
    audit: list[AuditLine] = field(default_factory=list)

    def let_in(self, source: Source) -> NewPhotograph:
        """Keep a photograph without what identifies its person.

        A file that cannot be read, or that shows no retina, is not copied: nothing outside a field that was
        not found can be blacked out. The worker will say what is wrong with it.
        """
        name = self.pseudonyms.photograph(source.name)
        patient = self.pseudonyms.patient(source.patient_id)
        try:
            photograph = images.decode(source.read(), source.name, pseudonymise=self.pseudonyms.patient)
        except (OSError, PhotographError):
            return NewPhotograph(name=name, locator=source.locator, patient_id=patient, eye=source.eye)
        bounds = retina.find(photograph.pixels)
        if shows_retina(quality.assess(photograph, bounds)):
            return self._clean(source, photograph, bounds)
        return NewPhotograph(name=name, locator=source.locator, patient_id=patient, eye=source.eye)

    def _clean(self, source: Source, photograph: Photograph, bounds: RetinaBounds) -> NewPhotograph:
        side = eyes.decide(
            table=source.eye,
            dicom=photograph.eye,
            name=eyes.from_name(source.name),
            disc=eyes.from_disc(photograph.pixels, bounds),
        )
        clean = deidentify(
            photograph,
            retina.black_out(photograph.pixels, bounds),
            self.pseudonyms,
            patient_id=source.patient_id,
            eye=side.eye,
        )
        self.audit.append(clean.audit)
        kept = self.store.keep(encode(clean.pixels, "png"))
        return NewPhotograph.of_kept(
            clean.photograph, kept, patient_id=clean.patient, eye=clean.eye, eye_source=side.source
        )


def intake(
    store: Store,
    cohort: str | int,
    paths: Sequence[Path],
    *,
    pseudonyms: Pseudonyms | None = None,
    progress: Callable[[int], None] | None = None,
) -> Intake:
    """Bring photographs into a cohort.

    Args:
        store: Where.
        cohort: Its name or id.
        paths: Photographs, folders, ZIP archives or CSV manifests; without pseudonyms they stay where they are.
        pseudonyms: De-identify at the door: names and ids become pseudonyms, everything outside the retina is
            blacked out, and only that copy is kept.
        progress: Called with the number of photographs so far.

    Raises:
        UsageError: A path does not exist.
    """
    found = _counted(images.sources(paths), progress)
    if pseudonyms is None:
        return Intake(store.add_photographs(cohort, map(NewPhotograph.of_source, found)))
    door = _Door(store, pseudonyms)
    added = store.add_photographs(cohort, map(door.let_in, found))
    return Intake(added, tuple(door.audit))


def _counted(found: Iterator[Source], progress: Callable[[int], None] | None) -> Iterator[Source]:
    for number, source in enumerate(found, start=1):
        yield source
        if progress:
            progress(number)


def match_truth(
    store: Store,
    cohort: str | int,
    truth: TruthTable,
    *,
    key: str | None = None,
    pseudonyms: Pseudonyms | None = None,
) -> Match:
    """Match a truth table to a cohort's photographs; nothing is changed.

    Raises:
        TruthError: There is nothing to match by.
    """
    if pseudonyms is None and own_key_file().is_file():
        pseudonyms = Pseudonyms(own_key())  # patient ids that came out of DICOM files are pseudonyms already
    table = store.table(cohort)
    own = table.patient_id == table.photograph
    return match(
        truth,
        [str(name) for name in table.photograph],
        patient_ids=["" if alone else str(who) for who, alone in zip(table.patient_id, own, strict=True)],
        eyes=[str(eye) for eye in table.eye],
        key=key,
        pseudonyms=pseudonyms,
    )


def set_truth(store: Store, cohort: str | int, found: Match, *, pseudonyms: Pseudonyms | None = None) -> int:
    """Write matched truth into the store, replacing what was there; returns how many photographs have truth."""
    values, covariates = found.values(), found.covariates()
    patients, sides = found.patient_id(), found.eye()
    return store.set_truth(
        cohort,
        (
            TruthRow(
                photograph=str(found.photographs[row]),
                truth={target: float(column[row]) for target, column in values.items()},
                covariates={name: str(words[row]) for name, words in covariates.items() if words[row]},
                patient_id=pseudonyms.patient(str(patients[row])) if pseudonyms else str(patients[row]),
                eye=Eye(str(sides[row])),
            )
            for row in range(len(found.photographs))
            if found.line[row] >= 0
        ),
    )
