"""A table that lists photographs: ``path``, optionally ``patient_id``, ``eye``, date or visit; read as any table."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fundus_core.errors import TruthError, UsageError, say
from fundus_core.identity import as_path, eye_in_cell, is_nobody, standing_for_many
from fundus_core.images.allowed_folders import Roots, hold
from fundus_core.images.folder import single
from fundus_core.records import Eye, Source
from fundus_core.tables import Table, dates, headings, parse, read_table

_DRIVE = re.compile(r"[A-Za-z]:/|//[^/]+/")
"""Beginning of an absolute path on Windows: a drive, or another machine."""
_Known = Callable[[Path], frozenset[str]]
"""Names in a folder that may be read."""
_LOST = frozenset(("ragged_row", "summary_row", "repeated_heading", "quoting"))


class _Row(NamedTuple):
    path: str
    patient_id: str
    eye: Eye
    visit: str


def listed(path: Path, roots: Roots = ()) -> Iterator[Source]:
    """Check a list as a whole, then return its photographs one by one.

    Paths are relative to the list's folder, and lie below one of the roots where there are any. A path that is there as
    it is written is taken first. Where the letters differ in their Unicode form alone, or the list was written on
    Windows and its folder moved as a whole, the file is taken that no other row means.

    Raises:
        UsageError: It cannot be read, has no column ``path``, names an eye that is none, or a row cannot be used.
    """
    try:
        table = read_table(path.read_bytes(), path.name)
    except OSError as error:
        raise UsageError(
            "The list '{name}' could not be read ({why}); save it again as CSV in UTF-8.",
            name=path.name,
            why=error,
        ) from None
    except TruthError as error:
        raise UsageError(str(error)) from None
    rows = _rows(table)
    folder = path.resolve().parent
    places = _places(folder, [row.path for row in rows], roots)
    return (_source(place, row, roots) for place, row in zip(places, rows, strict=True))


def _rows(table: Table) -> list[_Row]:
    """Path, patient and eye of each row that has a path."""
    lost = next((f for f in table.faults if f.row and f.fault in _LOST and f.row not in table.rows), None)
    if lost:
        raise UsageError(
            "Row {row} of the list '{name}' cannot be used. {what_to_do}",
            row=lost.row,
            name=table.name,
            what_to_do=say(lost.what_to_do),
        )
    if table.hidden:
        raise UsageError(
            "The list '{name}' hides rows, as a filter does. Show them all, or save it without them.", name=table.name
        )
    known = {parse.fold(heading): cells for heading, cells in zip(table.headings, table.columns, strict=True)}
    if "path" not in known:
        said = [say("'{name}'", name=heading[:40]) for heading in table.headings[:5]]
        raise UsageError(
            "The list '{name}' begins with {said}; its first line must name the column 'path' (and may "
            "name 'patient_id' and 'eye'). Add that line, or give the photographs' folder instead.",
            name=table.name,
            said=said,
        )
    blank = [""] * len(table)
    keys = (known.get(name, blank) for name in ("patient_id", "eye"))
    stated = zip(known["path"], *keys, _visits(table), table.rows, strict=True)
    found = [
        _Row(name, "" if is_nobody(who) else who, _eye(eye, int(at)), visit)
        for name, who, eye, visit, at in stated
        if name
    ]
    many = standing_for_many(row.patient_id for row in found)
    return [row._replace(patient_id="") if row.patient_id in many else row for row in found]


def _visits(table: Table) -> list[str]:
    """The day of each row's examination, else its word for the visit."""
    roles = [headings.understand(heading).role for heading in table.headings]
    days, words = (
        table.columns[roles.index(role)] if role in roles else [""] * len(table) for role in ("exam_date", "visit")
    )
    read = [dates.date(word, century=dates.examined_in) for word in days]
    found = [day.isoformat() if day else word for day, word in zip(read, words, strict=True)]
    return ["" if parse.is_missing(word) else word for word in found]


def _eye(word: str, line: int) -> Eye:
    found = eye_in_cell("" if parse.is_missing(word) else word)
    if found is None:
        raise UsageError(
            "Line {line} of the list names the eye '{word}'; write left, right, L, R, OS, OD or nothing.",
            line=line,
            word=word[:60],
        )
    return found


def _source(place: Path, row: _Row, roots: Roots) -> Source:
    found = single(place, PurePosixPath(as_path(row.path)).as_posix(), roots)
    return Source(found.name, found.read, row.patient_id, row.eye, locator=found.locator, visit=row.visit)


def _places(folder: Path, names: Sequence[str], roots: Roots) -> list[Path]:
    """Where each photograph lies; the path as it is written where there is no file, or nobody can tell which."""
    known = cache(lambda place: _names(place, roots))
    paths = _moved(folder, [as_path(name) for name in names], known)
    exact = {path for path in paths if path.name in known(path.parent)}
    near = {path: place for path in {*paths} - exact if (place := _composed(path, known)) and place not in exact}
    meant = Counter(near.values())
    found = {path: place for path, place in near.items() if meant[place] == 1}
    return [found.get(path, path) for path in paths]


def _names(place: Path, roots: Roots) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in place.iterdir()) if hold(roots, place) else frozenset()
    except (OSError, ValueError):  # no folder; a zero byte
        return frozenset()


def _moved(folder: Path, names: Sequence[str], known: _Known) -> list[Path]:
    """Put the list's own folder for the one that it had on Windows, where just one place of the paths fits."""
    there = [name.split("/") for name in names if _DRIVE.match(name)]
    shared = sum(
        1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*(name[:-1] for name in there), strict=False))
    )
    safe = not any(".." in parts for parts in there)
    cuts = [cut for cut in range(1, shared + 1) if safe and _any_file(folder, there, cut, known)]
    if len(cuts) != 1:
        return [folder / name for name in names]
    return [folder.joinpath(*name.split("/")[cuts[0] :]) if _DRIVE.match(name) else folder / name for name in names]


def _any_file(folder: Path, there: Sequence[Sequence[str]], cut: int, known: _Known) -> bool:
    return any(_composed(folder.joinpath(*parts[cut:]), known) for parts in there)


def _composed(path: Path, known: _Known) -> Path | None:
    """Return the one path whose letters are the same in another Unicode form; ``None`` where there is none or more."""
    place = Path(path.anchor)
    for part in path.parts[1:]:
        if part != ".." and known(place) and part not in known(place):
            same = [name for name in known(place) if _form(name) == _form(part)]
            if len(same) != 1:
                return None
            part = same[0]
        place /= part
    return place if place.name in known(place.parent) else None


def _form(name: str) -> str:
    return unicodedata.normalize("NFC", name)
