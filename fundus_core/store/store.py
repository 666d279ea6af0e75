"""The store: cohorts, photographs, truth and what models found, in one folder or behind one URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.records import CohortTable, Labels, Reading
from fundus_core.store import (
    access,
    archive,
    cohort_columns,
    cohorts,
    database,
    photograph_table,
    prediction_table,
    queries,
    schema,
    selections,
    versions,
)
from fundus_core.store.base import Progress, unheard
from fundus_core.store.cohorts import CohortRef
from fundus_core.store.decided import Decisions
from fundus_core.store.selections import Selections
from fundus_core.store.shared import Scales, Sharing
from fundus_core.store.values import (
    Added,
    Cohort,
    Finding,
    Item,
    ModelVersion,
    NewPhotograph,
    OrderBy,
    Page,
    TruthRow,
    Where,
)
from fundus_core.targets import TARGETS

_CHUNK = 500


class Store(Decisions, Selections, Sharing):
    """One store; safe to share between threads, and between processes that each open their own.

    Every method is one transaction, unless it says otherwise. A cohort is named by its id or by its name.
    Whoever changes something of a cohort writes the cohort's own row first: on PostgreSQL, too, they then take
    turns instead of locking each other out.
    """

    # Cohorts

    def cohorts(self) -> tuple[Cohort, ...]:
        """All cohorts in the order of their names."""
        with self.reading() as connection:
            return cohorts.every(connection, counted=self.counted)

    def cohort(self, ref: CohortRef) -> Cohort:
        """One cohort; a ``UsageError`` where there is none of that id or name."""
        with self.reading() as connection:
            return cohorts.every(connection, cohorts.id_of(connection, ref), self.counted)[0]

    def create_cohort(self, name: str, *, rendered: bool = False, note: str = "") -> Cohort:
        """Make an empty cohort; a ``UsageError`` where the name is empty or taken."""

        def create(connection: sa.Connection) -> Cohort:
            cohort = cohorts.create(connection, name, rendered=rendered, note=note)
            return cohorts.every(connection, cohort)[0]

        return self.write(create)

    def rename(self, ref: CohortRef, name: str) -> None:
        """Give a cohort another name; a ``UsageError`` where it is empty or taken."""
        self.write(lambda connection: cohorts.rename(connection, ref, name))

    def annotate(self, ref: CohortRef, note: str) -> None:
        """Replace the note beside a cohort."""
        self.write(lambda connection: cohorts.update(connection, cohorts.id_of(connection, ref), note=note))

    def select(self, ref: CohortRef, name: str, where: Where, *, model: str | None = None) -> Cohort:
        """Save a selection of a cohort (a filter, or names from a lasso) as a cohort of its own: it outlives the first.

        The filter speaks of the outcomes of ``model``; ``None`` for the latest.
        """
        self.require_room(0)

        def select(connection: sa.Connection) -> Cohort:
            cohort = cohorts.every(connection, cohorts.id_of(connection, ref))[0]
            new = cohorts.create(connection, name, rendered=cohort.rendered, note="", selected_from=cohort.name)
            sought = self._sought(connection, cohort.id, where)
            chosen = queries.select(cohort.id, self._version(connection, cohort.id, model), sought)
            cohorts.copy(connection, cohort.id, new, sorted(connection.scalars(chosen)))
            return cohorts.every(connection, new)[0]

        return self.write(select)

    def merge(self, refs: Sequence[CohortRef], name: str, *, same_people: bool, progress: Progress = unheard) -> Cohort:
        """Make a cohort of all photographs of two or more, named ``cohort/photograph``; the others stay.

        A photograph whose bytes are in it already is taken once. ``same_people`` says whether one patient id means one
        person in all of them (selections of one cohort). Where it does not (two hospitals), ids become ``cohort/id``,
        lest two people count as one.
        """
        self.require_room(0)

        def merge(connection: sa.Connection) -> Cohort:
            merged = cohorts.merge(connection, refs, name, same_people=same_people, progress=progress)
            return cohorts.every(connection, merged)[0]

        return self.write(merge)

    def delete(self, ref: CohortRef, *, progress: Progress = unheard) -> None:
        """Delete a cohort with its truth, outcomes, runs, and every file that no other cohort holds."""
        self.write(lambda connection: cohorts.delete(connection, ref, progress))
        self.sweep()
        database.truncate_journal(self.engine)

    def remove_photographs(self, ref: CohortRef, names: Sequence[str]) -> int:
        """Delete photographs out of a cohort as ``delete`` does; returns how many there were."""

        def remove(connection: sa.Connection) -> int:
            cohort = cohorts.id_of(connection, ref)
            return sum(
                cohorts.remove_photographs(connection, cohort, chunk)
                for chunk in photograph_table.chunks(names, _CHUNK)
            )

        removed = self.write(remove)
        self.sweep()
        database.truncate_journal(self.engine)
        return removed

    def export(self, ref: CohortRef, file: Path, *, photographs: bool = True, progress: Progress = unheard) -> None:
        """Write a cohort with truth and readings, and the photographs' bytes, as one file (ZIP); see ``archive``.

        The file appears complete or not at all.
        """
        self.owned(ref, "exported")
        archive.export(self.engine, self.shelf, ref, file, photographs=photographs, progress=progress)

    def import_(self, file: Path, *, name: str | None = None, progress: Progress = unheard) -> Cohort:
        """Read a file that ``export`` wrote into a new cohort.

        Raises:
            UsageError: The file is no such file or is damaged; nothing stays in the store.
        """
        self.require_room(0)
        try:
            made = self.cohort(archive.import_(self.engine, self.shelf, file, name=name, progress=progress))
        finally:
            self.sweep()
        try:
            self.require_room(0)
        except UsageError:
            self.delete(made.id)
            raise
        return made

    # Photographs and truth

    def add_photographs(self, ref: CohortRef, photographs: Iterable[NewPhotograph]) -> Added:
        """Add photographs in chunks, each a transaction; giving the same ones again changes nothing."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            access.require(connection, cohort, "write")
            access.note(connection, "imported", f"cohort {cohort}")
        scales = Scales()
        parts = [self._add(cohort, chunk, scales) for chunk in photograph_table.chunks(photographs, _CHUNK)]
        return Added(*(sum(column) for column in zip((0, 0, 0), *map(astuple, parts), strict=True)))

    def _add(self, cohort: int, chunk: Sequence[NewPhotograph], scales: Scales) -> Added:
        self.shelf.settle([photograph.locator for photograph in chunk if photograph.kept])

        def add(connection: sa.Connection) -> Added:
            self._require_room(connection, len(chunk), scales)
            cohorts.update(connection, cohort)
            return photograph_table.add(connection, cohort, chunk, partial(self.shelf.find, "photographs"))

        added = self.write(add)
        if self.person:
            scales.add(self._sizes(photograph.sha256 for photograph in chunk if photograph.kept))
        return added

    def waiting(self, ref: CohortRef) -> tuple[str, ...]:
        """Names of the rows without a photograph: of predictions made elsewhere, of an export without photographs."""
        with self.reading() as connection:
            return tuple(photograph_table.waiting(connection, cohorts.id_of(connection, ref)))

    def give_photographs(self, ref: CohortRef, given: Mapping[str, NewPhotograph]) -> None:
        """Give rows, by their names, the photographs that they lack; what was found elsewhere stays beside them.

        The bytes of each must be known, and be no other photograph's of the cohort.
        """
        self.shelf.settle([photograph.locator for photograph in given.values() if photograph.kept])

        def give(connection: sa.Connection) -> None:
            cohort = cohorts.every(connection, cohorts.id_of(connection, ref))[0]
            cohorts.update(connection, cohort.id)
            photograph_table.give(connection, cohort, given)

        self.write(give)

    def set_truth(self, ref: CohortRef, rows: Iterable[TruthRow]) -> int:
        """Replace the truth of a cohort; returns how many of its photographs now have some.

        A photograph without a row has no truth afterwards; a row without a photograph is passed over
        (``truth`` has shown it to the user before).
        """
        known = list(rows)

        def set_truth(connection: sa.Connection) -> int:
            cohort = cohorts.id_of(connection, ref)
            cohorts.update(connection, cohort)
            return photograph_table.set_truth(connection, cohort, known)

        return self.write(set_truth)

    def photographs(
        self,
        ref: CohortRef,
        where: Where | None = None,
        *,
        model: str | None = None,
        order: OrderBy = "added",
        target: str = "",
        descending: bool = False,
        offset: int = 0,
        limit: int = 48,
        ranked: Sequence[int] | None = None,
    ) -> Page:
        """A page of the gallery; photographs without the value that is sorted by come last.

        ``model`` is whose outcomes are meant (``None``: the cohort's latest), ``target`` is for the orders that need
        one. ``ranked`` are the ids of all photographs in that order, where somebody has sorted them before.
        """
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            version = self._version(connection, cohort, model)
            asked = where or Where()
            where = self._sought(connection, cohort, asked) if asked.text else asked
            found: tuple[Item, ...] = ()
            seen = None
            if where.ids is not None and asked == Where(text=asked.text):  # nothing but a search: it found them all
                seen = len(where.ids)
            if ranked is not None:
                found = queries.page_of(connection, cohort, version, where, ranked, offset=offset, limit=limit)
            counted = partial(
                self._once,
                connection,
                cohort,
                (version, where),
                lambda: queries.count(connection, cohort, version, where) if seen is None else seen,
            )
            if not found:
                ask = partial(queries.page, connection, cohort, version, where, order, target, counted=counted)
                found, total = ask(descending=descending, offset=offset, limit=limit)
                seen = seen if total is None else total
            return Page(found, counted())

    def first(self, ref: CohortRef, where: Where, *, model: str | None = None) -> Item | None:
        """The first photograph that fits, in the order in which they were added; nobody counts the others for it."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            version, where = self._version(connection, cohort, model), self._sought(connection, cohort, where)
            found = connection.scalars(queries.select(cohort, version, where).limit(1)).all()
            return next(iter(queries.items(connection, version, found)), None)

    def kinds(self, ref: CohortRef, model: str | None = None) -> tuple[Mapping[str, int], int]:
        """How many pictures of each kind a cohort has, the commonest first, and how many nobody named when reading."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            version = self._version(connection, cohort, model)
            return self._once(
                connection, cohort, ("kinds", version), lambda: queries.kinds(connection, cohort, version)
            )

    def photograph(self, ref: CohortRef, name: str, *, model: str | None = None) -> Item:
        """One photograph by its name; a ``UsageError`` where the cohort has none of that name."""
        page = self.photographs(ref, Where(names=(name,)), model=model, limit=1)
        if not page.items:
            raise UsageError("The cohort has no photograph '{name}'.", name=name)
        return page.items[0]

    def locator(self, ref: CohortRef, name: str) -> str:
        """Where a photograph's bytes are, for ``images.source_at``."""
        with self.reading() as connection:
            locator, kept = photograph_table.place_of(connection, cohorts.id_of(connection, ref), name)
        return self.absolute(locator, kept=kept)

    def keep_document(
        self, ref: CohortRef, kind: selections.Kind, name: str, content: Mapping[str, Any], *, counts: bool = False
    ) -> None:
        """Keep something beside a cohort, in the place of another of its kind and name; ``counts``: numbers change."""

        def keep(connection: sa.Connection) -> None:
            cohort = cohorts.id_of(connection, ref)
            access.require(connection, cohort, "write")
            selections.put(connection, cohort, kind, name, content)
            if counts:
                cohorts.update(connection, cohort)

        self.write(keep)

    def keep_plan(self, ref: CohortRef, sha256: str, content: Mapping[str, Any]) -> None:
        """Keep an analysis plan beside a cohort under its hash; what the cohort's page shows follows it.

        Raises:
            UsageError: Measured values were joined already, or numbers of the cohort were kept.
        """

        def keep(connection: sa.Connection) -> None:
            cohort = cohorts.id_of(connection, ref)
            cohorts.update(connection, cohort)
            if photograph_table.measured(connection, cohort) or selections.documents_of(
                connection, cohort, "evaluation"
            ):
                raise UsageError(
                    "Measured values were joined to this cohort already: an analysis plan is stated before that. All "
                    "that is found now is exploratory."
                )
            selections.put(connection, cohort, "plan", sha256, content)

        self.write(keep)

    def documents(self, ref: CohortRef, kind: selections.Kind) -> tuple[selections.Document, ...]:
        """What is kept of one kind beside a cohort, the oldest first."""
        with self.reading() as connection:
            return selections.documents_of(connection, cohorts.id_of(connection, ref), kind)

    # What models found

    def models(self, ref: CohortRef) -> tuple[ModelVersion, ...]:
        """The latest version of each model that the cohort was put through, the latest run first."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            return tuple(self._chosen(connection, cohort, None).values())

    def record(self, ref: CohortRef, version: ModelVersion, found: Iterable[Finding]) -> None:
        """Write down what a model version found elsewhere about bytes that a cohort holds; a finding per sha256.

        Bytes that have one already keep it.
        """
        known = list(found)

        def record(connection: sa.Connection) -> None:
            cohort = cohorts.id_of(connection, ref)
            cohorts.update(connection, cohort)
            number = versions.version_id(connection, version)
            prediction_table.write(connection, number, known)
            prediction_table.attach(connection, number, schema.photograph.c.cohort_id == cohort)

        self.write(record)

    def table(
        self,
        ref: CohortRef,
        models: Sequence[str] | None = None,
        seen: Callable[[int], object] = int,
        *,
        patient_id: str = "",
    ) -> CohortTable:
        """Truth and predictions side by side, in the order in which the photographs were added.

        Of two models that read one target the first counts. ``None`` takes every model, the latest run first. ``seen``
        is told of every some rows that were read, four for a photograph under one model. With a ``patient_id`` they
        are of that person alone.
        """
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            chosen = self._chosen(connection, cohort, models)
            return cohort_columns.table(connection, cohort, list(chosen), seen, patient_id)

    def measured(self, ref: CohortRef, people: int) -> tuple[str, ...]:
        """The ids of targets that were measured of at least so many people; no more of them are looked for."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            return tuple(each for each in TARGETS if cohort_columns.has_people(connection, cohort, each, people))

    def hashes(self, ref: CohortRef) -> Labels:
        """The sha256 of each photograph's bytes, in the order of ``table``; empty where nobody has read them yet."""
        with self.reading() as connection:
            return cohort_columns.hashes(connection, cohorts.id_of(connection, ref))

    def names(self, ref: CohortRef, where: Where, limit: int) -> Mapping[int, str]:
        """The names of a cohort's photographs that fit, by their ids, in the order in which they were added."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            query = queries.select(cohort, None, self._sought(connection, cohort, where))
            query = query.add_columns(schema.photograph.c.name)
            return {int(row.id): row.name for row in connection.execute(query.limit(limit))}

    def ids(self, ref: CohortRef) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The ids of a cohort's photographs, in the order of ``table``."""
        with self.reading() as connection:
            found = connection.scalars(queries.select(cohorts.id_of(connection, ref), None, Where()))
            return np.fromiter(found, dtype=np.int64)

    def readings(self, ref: CohortRef, model: str) -> Iterator[Reading]:
        """What a model found, a photograph at a time; those still queued are left out."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            ((version, identity),) = self._chosen(connection, cohort, [model]).items()
            yield from cohort_columns.readings(connection, cohort, version, identity)

    def _sought(self, connection: sa.Connection, cohort: int, where: Where) -> Where:
        """A filter with the photographs that a search finds in its place: all words are looked through for it once."""
        if not where.text:
            return where
        search = partial(queries.search, connection, cohort, where.text)
        found = self._once(connection, cohort, ("search", where.text), search)
        return replace(where, text="", ids=found if where.ids is None else found & where.ids)

    def _version(self, connection: sa.Connection, cohort: int, model: str | None) -> int | None:
        wanted = None if model is None else [model]
        return next(iter(self._chosen(connection, cohort, wanted)), None)

    def _chosen(
        self, connection: sa.Connection, cohort: int, models: Sequence[str] | None
    ) -> Mapping[int, ModelVersion]:
        known = self._once(connection, cohort, "versions", lambda: versions.versions(connection, cohort))
        return versions.chosen(known, models)
