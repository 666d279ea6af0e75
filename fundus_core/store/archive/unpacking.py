"""A stranger's file read in a process of its own, and written again as what the store's own process can take.

What it leaves in its folder: the rows, each checked and written anew, and a list of where in the file the bytes of
photographs lie. Only what lay deflated, which an export does to no photograph, is inflated into a file.
"""

import hashlib
import json
import re
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

from fundus_core import confined
from fundus_core.errors import UsageError
from fundus_core.images import formats
from fundus_core.store.archive import entries, layout, rows
from fundus_core.store.archive.rows import Row, reject

_MOST_MEMBERS = 1_000_000
_MOST_UNPACKED = 1 << 41
_MOST_RATIO = 200
"""Times that lines of text may unpack to what they take in the file; those of a cohort unpack to 5 to 40 times."""
_SMALL = 1 << 20
"""Bytes that may unpack to anything: a cohort of people without values is the same line again and again."""
_LOCAL_HEADER = 30
_PHOTOGRAPH = re.compile(r"photographs/([0-9a-f]{64})")
_PICTURE = re.compile(r"(thumbnails|crops)/[0-9a-f]{64}\.jpg")
"""Older exports wrote them. They are passed over: a picture that a file brings need not be the photograph's."""
_SHOWN = 60
_TOLD = 2000
"""Rows after which it says how far it is."""


def unpack(file: str) -> int:
    """Read a file to its end and write what it holds into the current folder, in plain files.

    Returns the bytes that the photographs take.

    Raises:
        UsageError: It is no exported cohort, is damaged, or is made to fill memory or disk.
    """
    path = Path(file)
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
            check_size(path, archive)
            return _Unpacker(archive, raw).run()
    except UsageError:
        raise
    except layout.BROKEN as error:
        raise UsageError(layout.broken(path.name)) from error


def check_size(file: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a file that is made to fill memory or disk, by what it says of itself; reading holds it to its word."""
    there = archive.infolist()
    size = sum(one.file_size for one in there)
    packed = sum(one.compress_size for one in there)
    if len(there) > _MOST_MEMBERS or size > _MOST_UNPACKED:
        raise UsageError(
            "'{name}' holds {there:,} files of {size:,} bytes, more than a cohort may; export parts of the cohort.",
            name=file.name,
            there=len(there),
            size=size,
        )
    swollen = [one for one in there if one.file_size > max(_SMALL, _MOST_RATIO * one.compress_size)]
    if swollen or packed > file.stat().st_size:
        raise UsageError(
            "'{name}' unpacks to far more than it is, which no export does; export the cohort again.", name=file.name
        )


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by name: only those that an export writes, and each once."""
    found: dict[str, zipfile.ZipInfo] = {}
    for one in archive.infolist():
        name = one.filename
        if any(formats.is_litter(part) for part in name.split("/") if part not in {"", ".", ".."}) or one.is_dir():
            continue  # left by the system of somebody who packed it again
        known = name in layout.ROWS or _PHOTOGRAPH.fullmatch(name) or _PICTURE.fullmatch(name)
        if not known or stat.S_ISLNK(one.external_attr >> 16):
            raise UsageError(
                "The file holds '{name}', which no export writes; export the cohort again.", name=name[:_SHOWN]
            )
        if name in found:
            raise UsageError(
                "The file holds '{name}' twice, which no export does; export the cohort again.", name=name[:_SHOWN]
            )
        found[name] = one
    lacking = [name for name in layout.ROWS if name not in found]
    if lacking:
        raise UsageError(
            "The file holds no '{lacking}': it is no cohort that was exported here; choose another file.",
            lacking=lacking[0],
        )
    return found


class _Unpacker:
    """One file on its way."""

    def __init__(self, archive: zipfile.ZipFile, raw: BinaryIO) -> None:
        self.archive = archive
        self.raw = raw
        self.members = _members(archive)
        self.names: set[str] = set()
        self.kept: set[str] = set()
        """The sha256 of the photographs whose bytes the file is said to hold."""
        self.models = self.rows = 0

    def run(self) -> int:
        """Write every file; returns the bytes of photographs."""
        self._write(layout.COHORT, iter([self._cohort()]))
        self._write(layout.MODELS, iter([self._models()]))
        self._write(layout.PHOTOGRAPHS, self._each(layout.PHOTOGRAPHS, self._photograph))
        self._write(layout.READINGS, self._each(layout.READINGS, self._reading))
        with Path(layout.INFLATED).open("xb") as inflated:
            places = list(self._bytes(inflated))
        self._write(layout.BYTES, iter(places))
        return sum(int(place["size"]) for place in places)

    def _write(self, name: str, values: Iterator[Any]) -> None:
        with Path(name).open("x", encoding="utf-8") as file:
            file.writelines(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n" for value in values)

    # Rows

    def _small(self, name: str) -> Any:
        with self.archive.open(name) as member:
            return rows.read(member, name)

    def _each(self, name: str, checked: Callable[[Row], Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        with self.archive.open(name) as member:
            for row in rows.lines(member):
                self.rows += 1
                if self.rows % _TOLD == 0:
                    confined.tell(Path.cwd(), rows=self.rows)
                yield checked(row)

    def _cohort(self) -> Mapping[str, Any]:
        what = Row(self._small(layout.COHORT))
        if what.word("format") != layout.FORMAT or what.whole("version") != layout.VERSION:
            raise UsageError("The file was exported by a version that this one does not know; update the program.")
        return {"name": what.word("name"), "note": what.word("note"), "rendered": what.flag("rendered")}

    def _models(self) -> list[Mapping[str, Any]]:
        models = self._small(layout.MODELS)
        if not isinstance(models, list):
            reject("models")
        for one in models:
            entries.model(Row(one), "")
        self.models = len(models)
        return models

    def _photograph(self, row: Row) -> Mapping[str, Any]:
        one, known = entries.photograph(row), entries.truth(row)
        if one.name in self.names:
            raise UsageError("The file names a photograph twice; export it again.")
        self.names.add(one.name)
        if one.kept:
            self._require(f"photographs/{one.sha256}")
            self.kept.add(one.sha256)
        wanted = ("name", "sha256", "bytes", "patient_id", "eye", "eye_source", "door")
        return {name: row.values.get(name) for name in wanted} | {
            "truth": row.mapping("truth"),
            "covariates": known.covariates,
            "visit": known.visit,
            "decisions": entries.decisions(row),
        }

    def _require(self, name: str) -> None:
        if name not in self.members:
            raise UsageError("The file lacks the bytes of a photograph that it should hold; export it again.")

    def _reading(self, row: Row) -> Mapping[str, Any]:
        if row.word("photograph") not in self.names or row.whole("model") >= self.models:
            reject("readings")
        entries.finding(row, "")
        wanted = ("photograph", "model", "status", "reason_code", "reason", "quality", "out_of_distribution")
        kind = {"kind": row.values["kind"]} if "kind" in row.values else {}
        return {name: row.values.get(name) for name in (*wanted, "predictions")} | kind

    # Bytes

    def _bytes(self, inflated: BinaryIO) -> Iterator[dict[str, Any]]:
        """Where each photograph's bytes lie; all were read and are what they should be."""
        for name, one in self.members.items():
            if found := _PHOTOGRAPH.fullmatch(name):
                if found[1] not in self.kept:
                    raise UsageError(
                        "The file holds '{name}', which none of its lines names; export it again.", name=name[:_SHOWN]
                    )
                self._check_photograph(one, found[1])
                yield {"sha256": found[1], **self._place(one, inflated)}

    def _check_photograph(self, one: zipfile.ZipInfo, sha256: str) -> None:
        if one.file_size > layout.MOST_BYTES:
            raise UsageError(
                "'{filename}' in the file is larger than {most_bytes} bytes; it cannot be right.",
                filename=one.filename,
                most_bytes=layout.MOST_BYTES,
            )
        with self.archive.open(one) as member:
            if _hashed(member) != sha256:
                raise UsageError(
                    "A photograph in the file does not have the bytes it was exported with; export it again."
                )

    def _place(self, one: zipfile.ZipInfo, inflated: BinaryIO) -> dict[str, Any]:
        if one.compress_type == zipfile.ZIP_STORED:
            self.raw.seek(one.header_offset)
            name, extra = struct.unpack_from("<HH", self.raw.read(_LOCAL_HEADER), 26)
            offset = one.header_offset + _LOCAL_HEADER + name + extra
            return {"inflated": False, "offset": offset, "size": one.file_size}
        offset = inflated.tell()
        with self.archive.open(one) as member:
            while chunk := member.read(1 << 20):
                inflated.write(chunk)
        return {"inflated": True, "offset": offset, "size": inflated.tell() - offset}


def _hashed(member: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := member.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
