"""``deidentify``: photographs and their table, fit to be sent to a registry."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fundus_core import images, truth
from fundus_core.deidentify import Deidentified, Pseudonyms, write_cohort
from fundus_core.pipeline import cohorts
from fundus_core.pipeline.deidentified_ingest import Writing, deidentify_source
from fundus_core.pipeline.inspection import Counts
from fundus_core.records import Eye, Source, Status
from fundus_core.store import CohortRef, Finding, Item, Store
from fundus_core.tables import write_csv

Values = Mapping[str, float | str]
_WHOLE_FRAME = "No edge of the field of view was found, so writing beside the retina could not be blacked out."
_BECAME = {"refuse": "left_behind", "blackout": "blacked_out", "keep": "kept"}
_FOUND_IN = ("photograph", "x_px", "y_px", "width_px", "height_px", "outcome")


@dataclass(slots=True)
class Exporter:
    """Takes away what identifies a person, photograph by photograph, and remembers what had to stay behind."""

    pseudonyms: Pseudonyms
    left_behind: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Pseudonym, status, code and reason of each photograph that does not leave the house."""
    writing: Writing = "refuse"
    """What becomes of a photograph in whose field writing is found."""
    written_on: list[tuple[str, int, int, int, int, str]] = field(default_factory=list)
    """Pseudonym, place in the photograph, and what became of it, for each piece of writing that was found."""

    def clean(self, source: Source) -> Deidentified | None:
        """Return a photograph without its person, or ``None`` where it must not leave."""
        seen = deidentify_source(source, self.pseudonyms, writing=self.writing)
        why = seen.turned_away
        if seen.bounds is not None and seen.bounds.whole_frame:
            why = Finding("", Status.REFUSED.value, "whole_frame", _WHOLE_FRAME)
        became = _BECAME[self.writing] if why is None else "left_behind"
        self.written_on += [(seen.photograph, box.x, box.y, box.width, box.height, became) for box in seen.writing]
        if why is not None:
            self.left_behind.append((seen.photograph, why.status, why.reason_code, why.reason))
            return None
        return seen.clean


def export_deidentified(
    found: Iterable[tuple[Source, Values]],
    out: Path,
    pseudonyms: Pseudonyms,
    *,
    covariates: Sequence[str] = (),
    writing: Writing = "refuse",
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """Write photographs (with values by column) without names, tags and surround; their table, and audit lines.

    ``out`` is a new folder, or a path that ends in ``.zip``; what stayed behind is listed beside it in
    ``<out>_left_behind.csv``, and where writing was found over a field in ``<out>_writing.csv``. Covariates are columns
    besides the targets that may leave; free text may name people. ``progress`` is called with the number so far.

    Raises:
        UsageError: ``out`` is taken, or two photographs have one name.
    """
    exporter = Exporter(pseudonyms, writing=writing)
    written = write_cohort(_cleaned(exporter, found, progress), out, covariates=covariates)
    listing = out.with_name(f"{out.stem}_left_behind.csv")
    if exporter.left_behind:
        write_csv(listing, ("photograph", "status", "reason_code", "reason"), exporter.left_behind)
    if exporter.written_on:
        write_csv(writing_of(out), _FOUND_IN, exporter.written_on)
    failed = sum(status == Status.FAILED.value for _, status, _, _ in exporter.left_behind)
    return Counts(written.photographs, len(exporter.left_behind) - failed, failed)


def writing_of(out: Path) -> Path:
    """Return where the writing that an export came upon is listed, a row per place; there is none where none was."""
    return out.with_name(f"{out.stem}_writing.csv")


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
    fold: bool = False,
    writing: Writing = "refuse",
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
        return export_deidentified(
            ((one, nothing) for one in found), out, pseudonyms, writing=writing, progress=progress
        )
    listed = list(found)
    table = truth.match(
        truth.load(measured),
        [one.name for one in listed],
        patient_ids=[one.patient_id for one in listed],
        eyes=[one.eye.value for one in listed],
        visits=[one.visit for one in listed],
        fold=fold,
    )
    pairs = zip(map(_told, listed, table.patient_id(), table.eye()), _rows(table), strict=True)
    return export_deidentified(pairs, out, pseudonyms, covariates=covariates, writing=writing, progress=progress)


def export_cohort(
    store: Store,
    cohort: CohortRef,
    out: Path,
    pseudonyms: Pseudonyms,
    *,
    covariates: Sequence[str] = (),
    writing: Writing = "refuse",
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """De-identify a cohort of the store with its truth; see ``export_deidentified``.

    Raises:
        UsageError: There is no such cohort, it is not one's own, or ``out`` is taken.
    """
    store.owned(cohort, "exported")
    found = ((cohorts.source_of(store, cohort, item), _known(item)) for item in cohorts.members(store, cohort))
    return export_deidentified(found, out, pseudonyms, covariates=covariates, writing=writing, progress=progress)


def _known(item: Item) -> Values:
    return {**item.covariates, **item.truth}


def _told(source: Source, patient: str, side: str) -> Source:
    """A source with what the table says of it where nothing else did."""
    return replace(source, patient_id=source.patient_id or str(patient), eye=source.eye or Eye(str(side)))


def _rows(table: truth.Match) -> Iterator[Values]:
    values, words = table.values(), table.covariates()
    for row in range(len(table.photographs)):
        numbers = {name: float(column[row]) for name, column in values.items() if not math.isnan(column[row])}
        yield {**numbers, **{name: str(column[row]) for name, column in words.items()}}
