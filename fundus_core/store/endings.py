"""What a worker holds, and how it ended: written in one transaction per batch.

A photograph has its reading and its place in the run together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from fundus_core.quality import Limits
from fundus_core.records import Eye
from fundus_core.store import cohorts, database, decided, photograph_table, prediction_table, run_table, schema
from fundus_core.store.store import Store
from fundus_core.store.values import Finding, ModelVersion

_RUN = schema.run.c
_PHOTOGRAPH = schema.photograph.c


@dataclass(frozen=True, slots=True)
class Turn:
    """The run whose turn it is."""

    run: int
    """Its id."""
    versions: Mapping[int, ModelVersion]
    """Its model versions by id, in the order asked for."""

    @property
    def limits(self) -> Limits:
        """What a photograph must keep to be gradable; the same for every version of a run."""
        return Limits.from_text(next(iter(self.versions.values())).limits)


@dataclass(frozen=True, slots=True)
class ClaimedPhotograph:
    """A photograph that a worker has taken."""

    id: int
    """In the store."""
    name: str
    """As the user gave it."""
    sha256: str
    """Empty until somebody has read the bytes."""
    locator: str
    """Absolute."""
    kept: bool
    """Whether the store keeps the bytes."""
    patient_id: str
    """Empty where unknown."""
    eye: Eye
    """As the user gave it; unknown where nobody said so."""
    deaths: int
    """How many workers died while they held it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a photograph ended."""

    member: ClaimedPhotograph
    """The photograph."""
    sha256: str = ""
    """Of its bytes; empty where they could not be read."""
    stamp: str = ""
    """What a file outside the store was like before it was read; see ``images.stamp_at``."""
    eye: Eye = Eye.UNKNOWN
    """What the journey found."""
    eye_source: str = ""
    """Who said so."""
    patient_id: str = ""
    """From the file's own tags."""
    visit: str = ""
    """The day of the examination, from the file's own tags."""
    findings: Mapping[int, Finding] = field(default_factory=dict)
    """New readings by version id; versions that had read the bytes before are left out."""
    fault: tuple[str, str] | None = None
    """Code and sentence of a fault that says nothing about the bytes (missing file, died while reading)."""


def turn_of(store: Store, run: int) -> Turn:
    """A run, whether it is its turn or not."""
    with store.reading() as connection:
        return Turn(run, run_table.version_ids(connection, run))


def claimed(store: Store, connection: sa.Connection, taken: Mapping[int, int]) -> list[ClaimedPhotograph]:
    """Photographs that were taken, by id and how many workers died of each."""
    # without a join, since SQLite would read the whole run for it
    query = sa.select(schema.photograph).where(_PHOTOGRAPH.id.in_(taken)).order_by(_PHOTOGRAPH.id)
    return [
        ClaimedPhotograph(
            id=row.id,
            name=row.name,
            sha256=row.sha256,
            locator=store.absolute(row.locator, kept=row.kept),
            kept=bool(row.kept),
            patient_id=row.patient_id,
            eye=Eye(row.eye),
            deaths=taken[row.id],
        )
        for row in connection.execute(query)
    ]


def known(store: Store, versions: Sequence[int], sha256s: Iterable[str]) -> Mapping[str, frozenset[int]]:
    """The versions that have read bytes before, by sha256; those that none has read are left out."""
    reading = schema.reading.c
    query = sa.select(reading.sha256, reading.version_id).where(
        reading.sha256.in_(set(sha256s)), reading.version_id.in_(versions), ~prediction_table.stale()
    )
    found: dict[str, set[int]] = {}
    with store.reading() as connection:
        for row in connection.execute(query):
            found.setdefault(row.sha256, set()).add(row.version_id)
    return {sha256: frozenset(versions) for sha256, versions in found.items()}


def write(store: Store, turn: Turn, endings: Sequence[Ending], worker: str | None = None) -> set[str]:
    """Write how photographs ended, and settle their entries in the same transaction.

    Args:
        store: The store.
        turn: The run that they belong to.
        endings: What came of them.
        worker: Only entries that this worker still holds are settled; any, where ``None``.

    Returns:
        The sha256 of photographs that somebody deleted in the meantime; nothing was written of them.
    """
    ids = [ending.member.id for ending in endings]

    def writing(connection: sa.Connection) -> tuple[set[str], bool]:
        _lock_run(connection, turn.run)
        there = set(connection.execute(sa.select(_PHOTOGRAPH.id).where(_PHOTOGRAPH.id.in_(ids))).scalars())
        present = [ending for ending in endings if ending.member.id in there]
        _note_facts(connection, [one for one in present if one.sha256])
        replaced = _forget_replaced(connection, present)
        for version in sorted(turn.versions):
            _write_findings(connection, version, present)
        fresh = [one.member.id for one in present if one.findings or one.fault]
        run_table.settle(connection, turn.run, list(turn.versions), [one.member.id for one in present], fresh, worker)
        return {ending.sha256 for ending in endings if ending.member.id not in there} - {""}, replaced

    gone, replaced = store.write(writing)
    if replaced:
        store.sweep()
    return gone


def _write_findings(connection: sa.Connection, version: int, endings: Sequence[Ending]) -> None:
    new = {one.sha256: one.findings[version] for one in endings if version in one.findings}
    prediction_table.write(connection, version, new.values())
    prediction_table.attach(connection, version, _PHOTOGRAPH.id.in_([one.member.id for one in endings]))
    for ending in endings:
        if ending.fault:
            prediction_table.fail(connection, version, ending.member.id, *ending.fault)


def _forget_replaced(connection: sa.Connection, endings: Sequence[Ending]) -> bool:
    """Forget what any model found in bytes that have been replaced on disk; returns whether there were any."""
    replaced = {one.member.id: one.member.sha256 for one in endings if one.sha256 not in ("", one.member.sha256)}
    before = sorted(set(replaced.values()) - {""})
    if before:
        outcome = schema.outcome.c
        mine = sa.and_(outcome.photograph_id.in_(replaced), outcome.reading_id.is_not(None))
        connection.execute(sa.delete(schema.outcome).where(mine))
        decided.lapse(connection, replaced)
        database.insert_new(connection, schema.discard, [{"sha256": sha256} for sha256 in before])
        cohorts.forget_discarded(connection)
    return bool(before)


def _note_facts(connection: sa.Connection, new: Sequence[Ending]) -> None:
    """Write down what was learnt of a photograph; what the user said stays."""
    if not new:
        return
    patient, side, source, on = (sa.bindparam(name, type_=sa.Text) for name in ("patient", "side", "said_by", "on"))
    unknown = _PHOTOGRAPH.eye == ""
    query = (
        sa.update(schema.photograph)
        .where(_PHOTOGRAPH.id == sa.bindparam("of"))
        .values(
            sha256=sa.bindparam("digest"),
            stamp=sa.bindparam("look"),
            patient_id=sa.case((_PHOTOGRAPH.patient_id == "", patient), else_=_PHOTOGRAPH.patient_id),
            visit=sa.case((_PHOTOGRAPH.visit == "", on), else_=_PHOTOGRAPH.visit),
            eye=sa.case((unknown, side), else_=_PHOTOGRAPH.eye),
            eye_source=sa.case((unknown, source), else_=_PHOTOGRAPH.eye_source),
        )
    )
    rows = [
        {
            "of": one.member.id,
            "digest": one.sha256,
            "look": one.stamp,
            "patient": one.patient_id,
            "on": one.visit,
            "side": one.eye.value,
            "said_by": one.eye_source,
        }
        for one in new
    ]
    connection.execute(query, rows)
    photograph_table.refresh_eyes(connection, [one.member.id for one in new if one.eye and not one.member.eye])


def _lock_run(connection: sa.Connection, run: int) -> None:
    """Count the cohort's revision up and lock the run, first of all.

    Whoever deletes the cohort takes the same row first, and who pauses the run takes the run's before its entries':
    on PostgreSQL they then wait for each other instead of locking each other out.
    """
    cohort = connection.execute(sa.select(_RUN.cohort_id).where(_RUN.id == run)).scalar()
    if cohort is not None:
        cohorts.update(connection, int(cohort))
    connection.execute(sa.select(_RUN.id).where(_RUN.id == run).with_for_update(key_share=True))


def purge(store: Store, sha256s: set[str]) -> None:
    """Remove what was made of photographs that were deleted while a worker held them."""
    rows = [{"sha256": sha256} for sha256 in sorted(sha256s)]
    store.write(lambda connection: database.insert_new(connection, schema.discard, rows))
    store.sweep()
