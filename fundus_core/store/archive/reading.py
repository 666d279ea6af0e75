"""From a file, which a stranger may have made, to the store."""

from __future__ import annotations

import json
import re
import secrets
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Prediction
from fundus_core.store import cohorts, database, findings, members, schema, versions
from fundus_core.store.archive import layout
from fundus_core.store.archive.rows import Row, reject, to_number
from fundus_core.store.files import Kind, Shelf
from fundus_core.store.values import Finding, ModelVersion, NewPhotograph, TruthRow, TurnedAway
from fundus_core.targets import target

_MOST_BYTES = 1 << 30
"""Of one photograph: more than any camera writes."""
_MOST_PICTURE_BYTES = 1 << 22
_MOST_LINE = 1 << 20
_PICTURES: tuple[Kind, ...] = ("thumbnails", "crops")
_JPEG = b"\xff\xd8\xff"
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
_CHUNK = 500
_MOST_MEMBERS = 1_000_000
_MOST_UNPACKED = 1 << 41
_MOST_RATIO = 200
"""Times that lines of text may unpack to what they take in the file; those of a cohort unpack to 5 to 40 times."""
_SMALL = 1 << 20
"""Bytes that may unpack to anything: a cohort of people without values is the same line again and again."""


def import_(engine: sa.Engine, shelf: Shelf, file: Path, *, name: str | None) -> int:
    """Read a file into a new cohort and return its id; see ``Store.import_``.

    Raises:
        UsageError: The file is not an exported cohort or is damaged; nothing stays in the store.
    """
    kept: set[str] = set()
    try:
        with zipfile.ZipFile(file) as archive:
            check_size(file, archive)
            reader = _Reader(archive, shelf, kept)
            reader.keep_files()
            shelf.settle([f"photographs/{sha256[:2]}/{sha256}" for sha256 in sorted(kept)])
            with database.writing(engine) as connection:
                return reader.write(connection, name)
    except UsageError:
        _discard(engine, kept)
        raise
    except BROKEN as error:
        _discard(engine, kept)
        message = f"'{file.name}' is no cohort that was exported here, or it is damaged; export it again."
        raise UsageError(message) from error


def check_size(file: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a file that is made to fill memory or disk, by what it says of itself; reading holds it to its word.

    Raises:
        UsageError: It holds more than a cohort can.
    """
    there = archive.infolist()
    size = sum(one.file_size for one in there)
    packed = sum(one.compress_size for one in there)
    if len(there) > _MOST_MEMBERS or size > _MOST_UNPACKED:
        message = (
            f"'{file.name}' holds {len(there):,} files of {size:,} bytes, more than a cohort may; export parts of the "
            "cohort."
        )
        raise UsageError(message)
    swollen = [one for one in there if one.file_size > max(_SMALL, _MOST_RATIO * one.compress_size)]
    if swollen or packed > file.stat().st_size:
        message = f"'{file.name}' unpacks to far more than it is, which no export does; export the cohort again."
        raise UsageError(message)


def _discard(engine: sa.Engine, kept: set[str]) -> None:
    """Note files to be removed, unless another cohort holds them."""
    with database.writing(engine) as connection:
        database.insert_new(connection, schema.discard, [{"sha256": sha256} for sha256 in sorted(kept)])
        cohorts.forget_discarded(connection)


class _Reader:
    """One import on its way."""

    def __init__(self, archive: zipfile.ZipFile, shelf: Shelf, kept: set[str]) -> None:
        self.archive = archive
        self.shelf = shelf
        self.kept = kept
        """The files that this import has put on the shelf."""
        self.members = set(archive.namelist())

    def keep_files(self) -> None:
        """Put photographs and pictures on the shelf, one at a time, each checked against its name."""
        for member in sorted(self.members):
            if re.fullmatch(r"photographs/[0-9a-f]{64}", member):
                self._keep_photograph(member)
        for sha256 in self.kept:
            for kind in _PICTURES:
                self._keep_picture(kind, sha256)

    def _keep_photograph(self, member: str) -> None:
        sha256 = member.removeprefix("photographs/")
        data = self._read(member, _MOST_BYTES)
        if Shelf.sha256(data) != sha256:
            message = "A photograph in the file does not have the bytes it was exported with; export it again."
            raise UsageError(message)
        if self.shelf.find("photographs", sha256) is None:
            self.kept.add(sha256)
            self.shelf.keep(data)

    def _keep_picture(self, kind: Kind, sha256: str) -> None:
        member = f"{kind}/{sha256}.jpg"
        if member in self.members:
            data = self._read(member, _MOST_PICTURE_BYTES)
            if data.startswith(_JPEG):
                self.shelf.write(kind, sha256, data)

    def _check(self, member: str) -> None:
        if member not in self.members:
            message = f"The file holds no '{member}': it is no cohort that was exported here; choose another file."
            raise UsageError(message)

    def _read(self, member: str, most: int) -> bytes:
        self._check(member)
        if self.archive.getinfo(member).file_size > most:
            message = f"'{member}' in the file is larger than {most} bytes; it cannot be right."
            raise UsageError(message)
        return self.archive.read(member)

    def _lines(self, member: str) -> Iterator[Row]:
        self._check(member)
        yield from lines(self.archive, member)

    def write(self, connection: sa.Connection, name: str | None) -> int:
        """Write the cohort, its photographs and what was found, in the caller's transaction."""
        what = Row(json.loads(self._read(layout.COHORT, _MOST_LINE)))
        if what.word("format") != layout.FORMAT or what.whole("version") != layout.VERSION:
            message = "The file was exported by a version that this one does not know; update the program."
            raise UsageError(message)
        wanted = what.word("name") if name is None else name
        note, rendered = what.word("note"), what.flag("rendered")
        cohort = cohorts.create(connection, wanted, rendered=rendered, note=note)
        self._write_photographs(connection, cohort)
        members.set_truth(connection, cohort, (_truth(row) for row in self._lines(layout.PHOTOGRAPHS)))
        self._write_readings(connection, cohort)
        cohorts.update(connection, cohort)
        return cohort

    def _write_photographs(self, connection: sa.Connection, cohort: int) -> None:
        for chunk in members.chunks(self._lines(layout.PHOTOGRAPHS), _CHUNK):
            photographs = [_photograph(row) for row in chunk]
            added = members.add(connection, cohort, photographs, self._on_shelf)
            if added.added != len(photographs):
                message = "The file names a photograph twice; export it again."
                raise UsageError(message)

    def _on_shelf(self, sha256: str) -> bool:
        return self.shelf.find("photographs", sha256) is not None

    def _write_readings(self, connection: sa.Connection, cohort: int) -> None:
        origin = secrets.token_hex(8)
        models = json.loads(self._read(layout.MODELS, _MOST_LINE))
        if not isinstance(models, list):
            reject("models")
        ids = [versions.version_id(connection, _version(Row(model), origin)) for model in models]
        for chunk in members.chunks(self._lines(layout.READINGS), _CHUNK):
            self._write_chunk(connection, cohort, ids, chunk)
        for version in ids:
            findings.attach(connection, version, schema.photograph.c.cohort_id == cohort)

    def _write_chunk(self, connection: sa.Connection, cohort: int, ids: list[int], chunk: Iterable[Row]) -> None:
        rows = list(chunk)
        columns = schema.photograph.c
        names = [row.word("photograph") for row in rows]
        query = sa.select(columns.name, columns.id, columns.sha256)
        query = query.where(columns.cohort_id == cohort, columns.name.in_(names))
        known = {row.name: (row.id, row.sha256) for row in connection.execute(query)}
        for row in rows:
            if row.word("photograph") not in known or not 0 <= row.whole("model") < len(ids):
                reject("readings")
            photograph, sha256 = known[row.word("photograph")]
            version = ids[row.whole("model")]
            if sha256:
                findings.write(connection, version, [_finding(row, sha256)])
            else:
                findings.fail(connection, version, photograph, row.word("reason_code"), row.word("reason"))


def lines(archive: zipfile.ZipFile, member: str) -> Iterator[Row]:
    """A member's objects, one a line; a line that is too long is cut, and then no object."""
    with archive.open(member) as content:
        while line := content.readline(_MOST_LINE):
            yield Row(json.loads(line))


def _photograph(row: Row) -> NewPhotograph:
    sha256, kept = row.sha256("sha256"), row.flag("bytes")
    return NewPhotograph(
        name=row.word("name"),
        locator=f"photographs/{sha256[:2]}/{sha256}" if kept else f"imported:{row.word('name')}",
        sha256=sha256,
        kept=kept,
        patient_id=row.word("patient_id"),
        eye=Eye(row.word("eye")),
        eye_source=row.word("eye_source"),
        door=_door(row.values.get("door")),
    )


def _door(words: object) -> TurnedAway | None:
    """Files written before photographs could be turned away say nothing of it."""
    if words is None:
        return None
    if not isinstance(words, list) or len(words) != 3 or not all(isinstance(word, str) for word in words):
        reject("door")
    if words[0] not in {"refused", "failed"}:
        reject("door")
    return TurnedAway(*words)


def _truth(row: Row) -> TruthRow:
    truth = {name: _plausible(value, name) for name, value in row.mapping("truth").items()}
    words = row.mapping("covariates")
    if not all(isinstance(word, str) for word in words.values()):
        reject("covariates")
    visit = row.word("visit") if "visit" in row.values else ""  # written since the fifth version of the store
    return TruthRow(row.word("name"), truth, words, visit=visit)


def _plausible(value: object, name: str) -> float:
    """A measured value as the door for tables would let it in."""
    number, known = to_number(value, name), target(name)
    if number < known.low or number > known.high:
        message = (
            f"The file holds {number:g} as a measured {known.name}, which can be {known.low:g} to {known.high:g}; "
            "correct the table and export the cohort again."
        )
        raise UsageError(message)
    return number


def _version(row: Row, origin: str) -> ModelVersion:
    limits = row.word("limits") if "limits" in row.values else ""  # written since the second version of the store
    return ModelVersion(row.word("model"), row.word("weights_sha256"), row.word("card_sha256"), origin, limits)


def _finding(row: Row, sha256: str) -> Finding:
    status = row.word("status")
    if status not in {"predicted", "refused", "failed"}:
        reject("status")
    return Finding(
        sha256=sha256,
        status=status,
        reason_code=row.word("reason_code"),
        reason=row.word("reason"),
        quality=row.number("quality"),
        out_of_distribution=row.number("out_of_distribution"),
        predictions={name: _prediction(values) for name, values in row.mapping("predictions").items()},
    )


def _prediction(values: object) -> Prediction:
    if not isinstance(values, list) or len(values) != 3:
        reject("predictions")
    value, low, high = (to_number(one, "predictions") for one in values)
    return Prediction(value, low, high)
