"""From a file, which a stranger may have made, to the store."""

import errno
import hashlib
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from fundus_core import confined
from fundus_core.errors import UsageError, say
from fundus_core.store import access, cohorts, database, decided, photograph_table, prediction_table, schema, versions
from fundus_core.store.archive import entries, layout, rows
from fundus_core.store.archive.rows import Row, reject
from fundus_core.store.base import Progress
from fundus_core.store.files import Shelf
from fundus_core.store.values import Finding, NewPhotograph

_CHUNK = 500
_SPARE = 256 << 20
"""Bytes of the disk that an import leaves free."""
_ROW_RATIO = 40
"""Times that rows usually take when unpacked."""
_MOST_ROWS = 256 << 20
"""Bytes that rows take in a file at most: those of a million photographs."""
_SECONDS_PER_MIB = 4.0
"""For rows, of which a MiB holds some six thousand photographs: half a second of a core for each thousand."""


def import_(engine: sa.Engine, shelf: Shelf, file: Path, *, name: str | None, progress: Progress) -> int:
    """Read a file into a new cohort and return its id; see ``Store.import_``.

    A process of its own reads the file; this one sees rows that were written anew, checks them as the word of a
    stranger, and copies bytes whose hash it knows.

    Raises:
        UsageError: The file is not an exported cohort or is damaged; nothing stays in the store.
    """
    kept: set[str] = set()
    try:
        with tempfile.TemporaryDirectory(dir=shelf.scrap_folder()) as folder:
            _require_room(shelf, _unpack(file, Path(folder), shelf, progress))
            reader = _Reader(file, Path(folder), shelf, kept, progress)
            reader.keep_files()
            shelf.settle([f"photographs/{sha256[:2]}/{sha256}" for sha256 in sorted(kept)])
            with database.writing(engine) as connection:
                return reader.write(connection, name)
    except UsageError:
        _discard(engine, kept)
        raise
    except layout.BROKEN as error:
        _discard(engine, kept)
        raise UsageError(_sentence(file, error)) from error


def _claimed(connection: sa.Connection, photograph: NewPhotograph) -> NewPhotograph:
    """Return a photograph of a person's file; a hash without bytes is nobody else's photograph."""
    owner = access.owner(connection)
    if not owner or photograph.kept or not photograph.sha256:
        return photograph
    return replace(photograph, sha256=hashlib.sha256(f"{owner}\0{photograph.sha256}".encode()).hexdigest())


def _sentence(file: Path, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return say("The disk became full while '{name}' was read in; make room, then try again.", name=file.name)
    return layout.broken(file.name)


def _unpack(file: Path, folder: Path, shelf: Shelf, progress: Progress) -> int:
    """Have a process of its own read the file; returns the bytes that it says will be kept."""
    size = file.stat().st_size
    _require_room(shelf, size)
    limits = confined.Limits().grown(size, seconds_per_mib=0.5, memory_per_byte=0.0)
    limits = replace(limits, seconds=limits.seconds + _SECONDS_PER_MIB * min(size, _MOST_ROWS) / (1 << 20))
    room = shelf.free_bytes() - _SPARE
    try:
        answer = confined.run(
            "fundus_core.store.archive.unpacking:unpack",
            {"file": str(file.resolve())},
            folder=folder,
            readable=[file],
            limits=replace(limits, disk=min(limits.disk + _ROW_RATIO * size, room)),
            heed=lambda told: progress(Row(told).whole("rows"), 0),
        )
    except confined.StoppedError as error:
        raise UsageError("'{name}' could not be read as a cohort. {error}", name=file.name, error=error) from error
    return Row({"bytes": answer.value}).whole("bytes")


def _require_room(shelf: Shelf, wanted: int) -> None:
    free = shelf.free_bytes()
    if free < wanted + _SPARE:
        raise UsageError(
            "The cohort takes {wanted:,.0f} MB, and {free:,.0f} MB are free on the store's disk; make "
            "room, then try again.",
            wanted=wanted / 1e6,
            free=free / 1e6,
        )


def _discard(engine: sa.Engine, kept: set[str]) -> None:
    """Note files to be removed, unless another cohort holds them."""
    if kept:
        with database.writing(engine) as connection:
            database.insert_new(connection, schema.discard, [{"sha256": sha256} for sha256 in sorted(kept)])
            cohorts.forget_discarded(connection)


class _Reader:
    """One import on its way."""

    def __init__(self, file: Path, folder: Path, shelf: Shelf, kept: set[str], progress: Progress) -> None:
        self.file = file
        self.progress, self.done = progress, 0
        self.folder = folder
        self.shelf = shelf
        self.kept = kept
        """The files that this import has put on the shelf."""

    # Bytes

    def keep_files(self) -> None:
        """Put photographs on the shelf, one at a time, each checked against its name."""
        with self.file.open("rb") as stored, confined.opened(self.folder / layout.INFLATED) as inflated:
            for row in self._lines(layout.BYTES):
                self._keep(row, inflated if row.flag("inflated") else stored)

    def _keep(self, row: Row, source: BinaryIO) -> None:
        sha256, size = row.sha256("sha256"), row.whole("size")
        if not sha256 or size > layout.MOST_BYTES:
            reject("size")
        if self.shelf.find("photographs", sha256) is not None:
            return
        _require_room(self.shelf, size)
        source.seek(row.whole("offset"))
        data = source.read(size)
        if Shelf.sha256(data) != sha256:
            raise UsageError("A photograph in the file does not have the bytes it was exported with; export it again.")
        self.kept.add(sha256)
        self.shelf.keep(data)

    # Rows

    def _lines(self, name: str) -> Iterator[Row]:
        with confined.opened(self.folder / name) as content:
            for row in rows.lines(content):
                self.done += 1
                if self.done % _CHUNK == 0:
                    self.progress(self.done, 0)
                yield row

    def write(self, connection: sa.Connection, name: str | None) -> int:
        """Write the cohort, its photographs and what was found, in the caller's transaction."""
        (what,) = self._lines(layout.COHORT)
        wanted = what.word("name") if name is None else name
        cohort = cohorts.create(connection, wanted, rendered=what.flag("rendered"), note=what.word("note"))
        access.note(connection, "imported", f"cohort {cohort}")
        self._write_photographs(connection, cohort)
        self._write_readings(connection, cohort)
        cohorts.update(connection, cohort)
        return cohort

    def _write_photographs(self, connection: sa.Connection, cohort: int) -> None:
        for chunk in photograph_table.chunks(self._lines(layout.PHOTOGRAPHS), _CHUNK):
            photographs = [_claimed(connection, entries.photograph(row)) for row in chunk]
            truth, kept = [entries.truth(row) for row in chunk], partial(self.shelf.find, "photographs")
            photograph_table.bring(connection, cohort, photographs, truth, kept)
            told = {row.word("name"): entries.decisions(row) for row in chunk}
            decided.restore(connection, cohort, {name: words for name, words in told.items() if words})

    def _write_readings(self, connection: sa.Connection, cohort: int) -> None:
        origin = secrets.token_hex(8)
        with confined.opened(self.folder / layout.MODELS) as content:
            models = rows.read(content, layout.MODELS)
        if not isinstance(models, list):
            reject("models")
        ids = [versions.version_id(connection, entries.model(Row(model), origin)) for model in models]
        for chunk in photograph_table.chunks(self._lines(layout.READINGS), _CHUNK):
            self._write_chunk(connection, cohort, ids, chunk)
        for version in ids:
            prediction_table.attach(connection, version, schema.photograph.c.cohort_id == cohort)

    def _write_chunk(self, connection: sa.Connection, cohort: int, ids: list[int], chunk: Iterable[Row]) -> None:
        given = list(chunk)
        columns = schema.photograph.c
        names = list({row.word("photograph") for row in given})
        there = photograph_table.named(connection, cohort, names, columns.name, columns.id, columns.sha256)
        known = {row.name: (row.id, row.sha256) for row in there}
        found: dict[int, list[Finding]] = {version: [] for version in ids}
        for row in given:
            if row.word("photograph") not in known or row.whole("model") >= len(ids):
                reject("readings")
            photograph, sha256 = known[row.word("photograph")]
            version = ids[row.whole("model")]
            if sha256:
                found[version].append(entries.finding(row, sha256))
            else:
                prediction_table.fail(connection, version, photograph, row.word("reason_code"), entries.reason(row))
        for version, some in found.items():
            prediction_table.write(connection, version, some)
