"""From the store to a file."""

import json
import math
import secrets
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fundus_core import images
from fundus_core.errors import PhotographError, UsageError, kept, packed
from fundus_core.store import cohorts, decided, queries, schema, versions
from fundus_core.store.archive import layout
from fundus_core.store.base import Progress
from fundus_core.store.cohorts import CohortRef
from fundus_core.store.files import Shelf
from fundus_core.store.values import Cohort, Item, ModelVersion, Where

_PHOTOGRAPH = schema.photograph.c
_TOLD = 100
"""Rows or photographs after which it says how far it is."""


def export(
    engine: sa.Engine, shelf: Shelf, ref: CohortRef, file: Path, *, photographs: bool, progress: Progress
) -> None:
    """Write a cohort to a file that appears complete or not at all; see ``Store.export``.

    Raises:
        UsageError: The cohort does not exist or the file cannot be written.
    """
    scrap = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with engine.connect() as connection, connection.begin():
            cohort = cohorts.every(connection, cohorts.id_of(connection, ref))[0]
            with zipfile.ZipFile(scrap, "w", zipfile.ZIP_DEFLATED) as archive:
                _Writer(connection, shelf, archive, cohort, progress).write(photographs=photographs)
        scrap.replace(file)
    except OSError as error:
        raise UsageError(
            "The cohort could not be written to '{file}' ({strerror}); choose another place.",
            file=file,
            strerror=error,
        ) from error
    finally:
        scrap.unlink(missing_ok=True)


class _Writer:
    """One export on its way."""

    def __init__(
        self,
        connection: sa.Connection,
        shelf: Shelf,
        archive: zipfile.ZipFile,
        cohort: Cohort,
        progress: Progress,
    ) -> None:
        self.connection = connection
        self.progress, self.done, self.total = progress, 0, 0
        self.shelf = shelf
        self.archive = archive
        self.cohort = cohort
        self.versions = versions.chosen(versions.versions(connection, cohort.id), None)
        outcome = schema.reading.c
        read = sa.select(outcome.sha256).where(outcome.status != "failed").distinct()
        self.read = frozenset(connection.execute(read).scalars())

    def write(self, *, photographs: bool) -> None:
        """Write every member."""
        cohort = self.cohort
        self.total = cohort.photographs * (1 + len(self.versions) + photographs)
        what = {"format": layout.FORMAT, "version": layout.VERSION, "name": cohort.name}
        more = {"rendered": cohort.rendered, "note": kept(cohort.note), "photographs": cohort.photographs}
        self.archive.writestr(layout.COHORT, json.dumps({**what, **more}, ensure_ascii=False))
        models = [_model(version) for version in self.versions.values()]
        self.archive.writestr(layout.MODELS, json.dumps(models, ensure_ascii=False))
        self._lines(layout.READINGS, self._readings())
        there = self._bytes() if photographs else {}
        self._lines(layout.PHOTOGRAPHS, self._photographs(there))

    def _lines(self, name: str, rows: Iterator[Mapping[str, Any]]) -> None:
        with self.archive.open(name, "w", force_zip64=True) as member:
            for row in rows:
                self._did_one()
                member.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")

    def _did_one(self) -> None:
        self.done += 1
        if self.done % _TOLD == 0:
            self.progress(self.done, self.total)

    def _photographs(self, there: Mapping[int, str]) -> Iterator[Mapping[str, Any]]:
        turned_away = self._turned_away()
        decisions = decided.as_words(self.connection, self.cohort.id)
        for item in self._items(None):
            yield {
                "name": item.name,
                "sha256": there.get(item.id, item.sha256),
                "bytes": item.id in there,
                "patient_id": item.patient_id,
                "eye": item.eye.value,
                "eye_source": item.eye_source,
                "truth": dict(item.truth),
                "covariates": dict(item.covariates),
                "visit": item.visit,
                "door": turned_away.get(item.id),
                "decisions": decisions.get(item.id, []),
            }

    def _turned_away(self) -> dict[int, list[str]]:
        """How photographs ended that were not let in: status, code, reason and its values by id."""
        door = (_PHOTOGRAPH.door_status, _PHOTOGRAPH.door_code, _PHOTOGRAPH.door_reason, _PHOTOGRAPH.door_values)
        query = sa.select(_PHOTOGRAPH.id, *door).where(
            _PHOTOGRAPH.cohort_id == self.cohort.id, _PHOTOGRAPH.door_status != ""
        )
        return {key: list(words) for key, *words in self.connection.execute(query)}

    def _readings(self) -> Iterator[Mapping[str, Any]]:
        for position, version in enumerate(self.versions):
            for item in self._items(version):
                if item.status in {"predicted", "refused", "failed"}:
                    yield {"model": position, **_reading(item)}

    def _items(self, version: int | None) -> Iterator[Item]:
        ids = self.connection.scalars(queries.select(self.cohort.id, None, Where())).all()
        return queries.items(self.connection, version, ids, decided=False)

    def _bytes(self) -> dict[int, str]:
        """Write the bytes of every photograph that can be read, each once; returns sha256 by id.

        What is no photograph stays: somebody who only named a file of this machine must not take it away.
        """
        query = sa.select(_PHOTOGRAPH.id, _PHOTOGRAPH.sha256, _PHOTOGRAPH.locator, _PHOTOGRAPH.kept)
        there: dict[int, str] = {}
        written: set[str] = set()
        for row in self.connection.execute(query.where(_PHOTOGRAPH.cohort_id == self.cohort.id)).all():
            self._did_one()
            if row.sha256 not in written:
                data = self._read(row.locator, kept=row.kept)
                if data is None or not self._is_photograph(data):
                    continue
                sha256 = self._put(data, written)
            else:
                sha256 = row.sha256
            there[row.id] = sha256
        return there

    def _read(self, locator: str, *, kept: bool) -> bytes | None:
        try:
            if kept:
                return (self.shelf.folder / locator).read_bytes()
            return images.source_at(locator).read()
        except (OSError, PhotographError):
            return None  # the photograph goes without its bytes, and says so in its line

    def _is_photograph(self, data: bytes) -> bool:
        """Whether these bytes were read as a photograph, or can be now."""
        if Shelf.sha256(data) in self.read:
            return True
        try:
            images.decode(data, "")
        except PhotographError:
            return False
        return True

    def _put(self, data: bytes, written: set[str]) -> str:
        sha256 = Shelf.sha256(data)
        if sha256 not in written:
            written.add(sha256)
            self.archive.writestr(f"photographs/{sha256}", data, zipfile.ZIP_STORED)
        return sha256


def _model(version: ModelVersion) -> Mapping[str, str]:
    return {
        "model": version.model,
        "weights_sha256": version.weights_sha256,
        "card_sha256": version.card_sha256,
        "limits": version.limits,
    }


def _reading(item: Item) -> Mapping[str, Any]:
    found = item.predictions.items()
    return {
        "photograph": item.name,
        "status": item.status,
        "reason_code": item.reason_code,
        "reason": item.reason,
        "reason_values": packed(item.reason),
        "quality": _or_null(item.quality),
        "out_of_distribution": _or_null(item.out_of_distribution),
        "kind": item.kind,
        "predictions": {name: _numbers((one.value, one.low, one.high)) for name, one in found},
    }


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [_or_null(value) for value in values]


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value
