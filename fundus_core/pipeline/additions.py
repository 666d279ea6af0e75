"""What comes later to a cohort: measured values beside or in place of the old ones, photographs of its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fundus_core import journey, truth
from fundus_core.pipeline.external_predictions import ELSEWHERE
from fundus_core.records import CohortTable, Source, Status
from fundus_core.runs.preprocess import PICTURE, pictures
from fundus_core.store import NewPhotograph, Store
from fundus_core.store.files import Shelf
from fundus_core.truth import Match, TruthTable

ROW = ""
"""Stands for a target where rows wait for photographs: with a value of its own, no row is taken for another."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a table would change of a cohort's measured values, counted in values of photographs."""

    new: int
    """Known from the table alone."""
    changed: int
    """Known from both, and not the same."""
    same: int
    """Known from both, and the same."""
    lacking: int
    """Known from the cohort alone: kept, or gone where the table takes the place of all."""


def difference(table: CohortTable, found: Match) -> Difference:
    """Compare matched values with those that a cohort has.

    Args:
        table: The cohort, n photographs.
        found: The match to the same photographs in the same order.
    """
    measured, nothing = found.values(), np.full(len(table), np.nan)
    counts = np.zeros(4, dtype=np.int64)
    for target in dict.fromkeys((*measured, *table.truth)):
        new, old = measured.get(target, nothing), table.truth.get(target, nothing)
        has, had = np.isfinite(new), np.isfinite(old)
        both = has & had
        counts += [(has & ~had).sum(), (both & (new != old)).sum(), (both & (new == old)).sum(), (had & ~has).sum()]
    return Difference(*map(int, counts))


def made_elsewhere(store: Store, cohort: str | int) -> bool:
    """Return whether a cohort came as a table of predictions: a photograph that fits no row has no place in it."""
    return any(version.origin.startswith(ELSEWHERE) for version in store.models(cohort))


def by_rows(store: Store, cohort: str | int) -> bool:
    """Return whether photographs that come to a cohort may belong to rows that are there."""
    return made_elsewhere(store, cohort) or bool(store.waiting(cohort))


def match_photographs(store: Store, cohort: str | int, found: Sequence[Source]) -> Match:
    """Match photographs to the rows of a cohort that have none; a photograph that two rows fit belongs to neither.

    Raises:
        TruthError: There is nothing to match by.
    """
    table = store.table(cohort)
    mine = np.isin(table.photograph, list(store.waiting(cohort)))
    n = int(mine.sum())
    names, patients = table.photograph[mine], table.patient_id[mine]
    lines = TruthTable(
        name="",
        level="photograph",
        rows=np.arange(1, n + 1),
        photograph=names,
        patient_id=np.where(patients == names, "", patients),
        eye=table.eye[mine],
        visit=table.visit[mine],
        values={ROW: np.arange(n, dtype=np.float64)},
    )
    return truth.match(
        lines,
        [source.name for source in found],
        patient_ids=[source.patient_id for source in found],
        eyes=[source.eye.value for source in found],
        visits=[source.visit for source in found],
    )


@dataclass(frozen=True, slots=True)
class Attached:
    """What became of photographs that were brought for rows; the three add up to how many were brought."""

    rows: int
    """Rows that have their photograph now."""
    more: int
    """Further photographs, added as rows of their own with nothing predicted: of people whose row has one already,
    and those that fit no row where the cohort was not made elsewhere."""
    left: tuple[str, ...]
    """Names of those that have no place in the cohort, are in it already, or cannot be read; they were not taken."""


def attach(
    store: Store,
    cohort: str | int,
    brought: Sequence[Source],
    matched: Match,
    *,
    keep: Callable[[Source], NewPhotograph] = NewPhotograph.of_source,
    progress: Callable[[int], None] | None = None,
) -> Attached:
    """Give the rows of a cohort their photographs, with the pictures that pages show.

    Args:
        store: Where.
        cohort: Its name or id.
        brought: The photographs.
        matched: From ``match_photographs``.
        keep: Puts one away; by default it stays where it lies.
        progress: Called with the number of photographs so far.
    """
    strangers = not made_elsewhere(store, cohort)
    names, hashes = map(str, store.table(cohort).photograph), map(str, store.hashes(cohort))
    bytes_of = {name: sha256 for name, sha256 in zip(names, hashes, strict=True) if sha256}
    known = {sha256: name for name, sha256 in bytes_of.items()}
    given: dict[str, NewPhotograph] = {}
    more: list[NewPhotograph] = []
    left: list[str] = []
    for done, (source, line) in enumerate(zip(brought, matched.line, strict=True), start=1):
        row = str(matched.truth.photograph[line]) if line >= 0 else ""
        photograph = _seen(store, source, row, keep, known) if row or strangers else None
        # where a row's own bytes were read here, others would stand beside what was read of those
        if photograph is None or (strangers and bytes_of.get(row, photograph.sha256) != photograph.sha256):
            left.append(source.name)
        elif not row or row in given:
            more.append(replace(photograph, patient_id=str(matched.truth.patient_id[line])) if row else photograph)
        else:
            given[row] = photograph
        if progress:
            progress(done)
    store.give_photographs(cohort, given)
    store.add_photographs(cohort, more)
    return Attached(len(given), len(more), tuple(left))


def _seen(
    store: Store, source: Source, row: str, keep: Callable[[Source], NewPhotograph], known: dict[str, str]
) -> NewPhotograph | None:
    """Look at a photograph and put it away; ``None`` where it cannot be read or its bytes are another row's."""
    examined = journey.examine(source, [PICTURE])
    if examined.status is Status.FAILED or known.setdefault(examined.sha256, row) != row:
        return None
    photograph = replace(keep(source), sha256=examined.sha256, eye=examined.eye, eye_source=examined.eye_source)
    if examined.crops:
        large, small = pictures(examined.crops[-1])
        shelf: Shelf = store.shelf
        shelf.write("crops", examined.sha256, large)
        shelf.write("thumbnails", examined.sha256, small)
    return photograph
