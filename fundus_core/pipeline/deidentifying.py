"""``deidentify``: photographs and their table, fit to be sent to a registry."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fundus_core import eye as eyes
from fundus_core import images, quality, retina, truth
from fundus_core.deidentify import Deidentified, Pseudonyms, deidentify, write_cohort
from fundus_core.errors import PhotographError
from fundus_core.journey import shows_retina
from fundus_core.pipeline.inspection import Counts
from fundus_core.records import Eye, Photograph, RetinaBounds, Source, Status

Values = Mapping[str, float | str]


@dataclass(slots=True)
class Exporter:
    """Takes away what identifies a person, photograph by photograph, and remembers what had to stay behind."""

    pseudonyms: Pseudonyms
    left_behind: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Pseudonym, status, code and reason of each photograph that does not leave the house."""

    def clean(self, source: Source) -> Deidentified | None:
        """Return a photograph without its person, or ``None`` where it must not leave."""
        try:
            photograph = images.decode(source.read(), source.name, pseudonymise=self.pseudonyms.patient)
        except PhotographError as error:
            return self._stay(source, Status.FAILED, error.code, str(error))
        except OSError as error:
            return self._stay(source, Status.FAILED, "unreadable", f"The file could not be opened ({error.strerror}).")
        bounds = retina.find(photograph.pixels)
        report = quality.assess(photograph, bounds)
        if report.refusal and not shows_retina(report):
            return self._stay(source, Status.REFUSED, report.refusal.code, report.refusal.message)
        if bounds.whole_frame:
            message = "No edge of the field of view was found, so writing beside the retina could not be blacked out."
            return self._stay(source, Status.REFUSED, "whole_frame", message)
        return self._without_person(source, photograph, bounds)

    def _stay(self, source: Source, status: Status, code: str, reason: str) -> Deidentified | None:
        """Remember why a photograph does not leave; returns nothing to write."""
        self.left_behind.append((self.pseudonyms.photograph(source.name), status.value, code, reason))
        return None

    def _without_person(self, source: Source, photograph: Photograph, bounds: RetinaBounds) -> Deidentified:
        side = eyes.decide(
            table=source.eye,
            dicom=photograph.eye,
            name=eyes.from_name(source.name),
            disc=eyes.from_disc(photograph.pixels, bounds),
        )
        return deidentify(
            photograph,
            retina.black_out(photograph.pixels, bounds),
            self.pseudonyms,
            patient_id=source.patient_id,
            eye=side.eye,
        )


def export_deidentified(
    found: Iterable[tuple[Source, Values]],
    out: Path,
    pseudonyms: Pseudonyms,
    *,
    covariates: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """Write photographs without names, tags and surround, with their table and an audit line each.

    Args:
        found: Photographs and their values by column (targets, covariates).
        out: A new folder, or a path that ends in ``.zip``; what stayed behind is listed beside it in
            ``<out>_left_behind.csv``.
        pseudonyms: Made with the user's key.
        covariates: Columns besides the targets that may leave; free text may name people.
        progress: Called with the number of photographs so far.

    Raises:
        UsageError: ``out`` is taken, or two photographs have one name.
    """
    exporter = Exporter(pseudonyms)
    written = write_cohort(_cleaned(exporter, found, progress), out, covariates=covariates)
    listing = out.with_name(f"{out.stem}_left_behind.csv")
    if exporter.left_behind:
        with listing.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("photograph", "status", "reason_code", "reason"), *exporter.left_behind])
    failed = sum(status == Status.FAILED.value for _, status, _, _ in exporter.left_behind)
    return Counts(written.photographs, len(exporter.left_behind) - failed, failed)


def _cleaned(
    exporter: Exporter, found: Iterable[tuple[Source, Values]], progress: Callable[[int], None] | None
) -> Iterator[tuple[Deidentified, Values]]:
    for number, (source, values) in enumerate(found, start=1):
        clean = exporter.clean(source)
        if progress:
            progress(number)
        if clean is not None:
            yield clean, values


def deidentify_files(
    paths: Sequence[Path],
    out: Path,
    pseudonyms: Pseudonyms,
    *,
    measured: Path | None = None,
    covariates: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """De-identify photographs and, where there is one, their truth table.

    Raises:
        UsageError: A path or the key is at fault; nothing was written.
        TruthError: The truth table cannot be used; nothing was written.
    """
    found = images.sources(paths)
    if measured is None:
        nothing: Values = {}
        return export_deidentified(((one, nothing) for one in found), out, pseudonyms, progress=progress)
    listed = list(found)
    table = truth.match(
        truth.load(measured),
        [one.name for one in listed],
        patient_ids=[one.patient_id for one in listed],
        eyes=[one.eye.value for one in listed],
    )
    pairs = zip(map(_told, listed, table.patient_id(), table.eye()), _rows(table), strict=True)
    return export_deidentified(pairs, out, pseudonyms, covariates=covariates, progress=progress)


def _told(source: Source, patient: str, side: str) -> Source:
    """A source with what the table says of it where nothing else did."""
    return Source(
        source.name,
        source.read,
        patient_id=source.patient_id or str(patient),
        eye=source.eye or Eye(str(side)),
        locator=source.locator,
    )


def _rows(table: truth.Match) -> Iterator[Values]:
    values, words = table.values(), table.covariates()
    for row in range(len(table.photographs)):
        numbers = {name: float(column[row]) for name, column in values.items() if not math.isnan(column[row])}
        yield {**numbers, **{name: str(column[row]) for name, column in words.items()}}
