"""A CSV that lists photographs: ``path``, and optionally ``patient_id`` and ``eye``; read line by line."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fundus_core.errors import UsageError
from fundus_core.images.folder import single
from fundus_core.images.roots import Roots
from fundus_core.records import Eye, Source
from fundus_core.tables import restored

_ENCODINGS = ("utf-8-sig", "euc_jp", "cp932", "latin-1")
"""Tried in this order: text in a later one hardly ever decodes in an earlier one; the last never fails."""
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK = 1 << 16
_EYES = {
    **dict.fromkeys(("", "na", "nan", "unknown"), Eye.UNKNOWN),
    **dict.fromkeys(("l", "left", "os", "左", "左眼"), Eye.LEFT),
    **dict.fromkeys(("r", "right", "od", "右", "右眼"), Eye.RIGHT),
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How to read a manifest."""

    path: Path
    """Where it lies."""
    encoding: str
    """Of its text."""
    delimiter: str
    """Between its columns."""


def listed(path: Path, roots: Roots = ()) -> Iterator[Source]:
    """Check a manifest as a whole, then return its photographs one by one.

    Args:
        path: The CSV; paths in it are relative to its folder.
        roots: Folders that the photographs must lie below; without one they may lie anywhere.

    Raises:
        UsageError: It cannot be read, has no column ``path``, or names an eye that is none.
    """
    try:
        encoding = _encoding(path)
        layout = _Layout(path, encoding, _delimiter(path, encoding))
        for _ in _rows(layout):
            pass
    except (OSError, UnicodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no table of text"
        message = f"The list '{path.name}' could not be read ({why}); save it again as CSV in UTF-8."
        raise UsageError(message) from None
    folder = path.resolve().parent
    return (_source(folder, roots, *row) for row in _rows(layout))


def _rows(layout: _Layout) -> Iterator[tuple[str, str, Eye]]:
    """Path, patient and eye of each line that has a path."""
    with layout.path.open(encoding=layout.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=layout.delimiter)
        columns = _columns(next(reader, []), layout.path.name)
        for cells in reader:
            path, patient_id, eye = (_cell(cells, place) for place in columns)
            if path:
                yield path, patient_id, _eye(eye, reader.line_num)


def _source(folder: Path, roots: Roots, path: str, patient_id: str, eye: Eye) -> Source:
    """Lists written on Windows have backslashes, which are letters elsewhere."""
    written = path.replace("\\", "/")
    found = single(folder / written, PurePosixPath(written).as_posix(), roots)
    return Source(found.name, found.read, patient_id, eye, locator=found.locator)


def _columns(header: list[str], name: str) -> tuple[int, int | None, int | None]:
    """Places of the three columns, whatever their case."""
    found = [cell.strip().lower() for cell in header]
    if "path" not in found:
        said = ", ".join(f"'{cell}'" for cell in header[:8]) or "nothing"
        message = (
            f"The list '{name}' begins with {said}; its first line must name the column 'path' "
            "(and may name 'patient_id' and 'eye'). Add that line, or give the photographs' folder instead."
        )
        raise UsageError(message)
    patient, eye = (found.index(word) if word in found else None for word in ("patient_id", "eye"))
    return found.index("path"), patient, eye


def _cell(cells: list[str], place: int | None) -> str:
    return "" if place is None or place >= len(cells) else restored(cells[place]).strip()


def _eye(word: str, line: int) -> Eye:
    found = _EYES.get(word.lower())
    if found is None:
        message = f"Line {line} of the list names the eye '{word}'; write left, right, L, R, OS, OD or nothing."
        raise UsageError(message)
    return found


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "")
    return marked or next(encoding for encoding in _ENCODINGS if _decodes(path, encoding))


def _decodes(path: Path, encoding: str) -> bool:
    """Whether all of the file is text in that encoding, a part in memory at a time."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(path: Path, encoding: str) -> str:
    """The likeliest separator is the one that stands most often in the first line."""
    with path.open(encoding=encoding, newline="") as file:
        first = file.readline(_CHUNK)
    return max(",;\t", key=first.count)
