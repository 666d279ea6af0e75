"""Photographs in a folder, at every depth, in the order of their names."""

import os
from collections.abc import Iterator
from pathlib import Path

from fundus_core.errors import PhotographError, say
from fundus_core.images.allowed_folders import OUTSIDE, Roots, around, hold, opened
from fundus_core.images.archive import members
from fundus_core.images.byte_sources import ReadFile, Refuse
from fundus_core.images.faults import Code
from fundus_core.images.formats import HEAD_BYTES, is_archive, is_litter, may_be_companion, photograph_format, suffix_of
from fundus_core.records import Source

_Place = tuple[int, int]


def walk(folder: Path, roots: Roots = ()) -> Iterator[Source]:
    """List the photographs below a folder, and those in the ZIP archives that lie there.

    In memory are the names of one folder at each depth, never those of the whole tree. Links to folders are
    followed, but not round in circles, and not out of the roots where there are any.
    """
    yield from _walk(folder.resolve(), "", frozenset(), roots)


def single(path: Path, name: str, roots: Roots = ()) -> Source:
    """Return one file, by its absolute path, as a source."""
    read = ReadFile(path, tuple(roots)) if hold(roots, path) else Refuse(Code.UNSAFE_PATH, OUTSIDE)
    leads_out = not roots and not hold(around(path), path)  # the command line may follow it: say where it leads
    return Source(name, read, locator=os.fspath(path.resolve() if leads_out else path))


def head_of(path: Path, roots: Roots = ()) -> bytes:
    """Return the first bytes of a file; none where it cannot be opened."""
    try:
        with opened(path, roots) as file:
            return file.read(HEAD_BYTES)
    except (OSError, PhotographError):
        return b""


def renamed(found: Source, name: str) -> Source:
    """Return the same source under another name."""
    return Source(name, found.read, found.patient_id, found.eye, found.locator)


def _walk(folder: Path, prefix: str, above: frozenset[_Place], roots: Roots) -> Iterator[Source]:
    if not hold(roots, folder):
        yield single(folder, prefix.rstrip("/") or folder.name, roots)
        return
    try:
        place = folder.stat()
        here = (place.st_dev, place.st_ino)
        entries = [] if here in above else _entries(folder)
    except OSError as error:
        why = error.strerror or type(error).__name__
        refuse = Refuse(
            Code.UNREADABLE, say("The folder could not be listed ({why}); check that it may be read.", why=say(why))
        )
        yield Source(prefix.rstrip("/") or folder.name, refuse, locator=os.fspath(folder))
        return
    for entry in entries:
        if entry.endswith("/"):
            yield from _walk(folder / entry, prefix + entry, above | {here}, roots)
        else:
            yield from _file(folder / entry, prefix + entry, roots)


def _entries(folder: Path) -> list[str]:
    """Names in order, those of folders with a slash at the end; no litter."""
    with os.scandir(folder) as found:
        return sorted(
            entry.name + "/" if entry.is_dir() else entry.name for entry in found if not is_litter(entry.name)
        )


def _file(path: Path, name: str, roots: Roots) -> Iterator[Source]:
    if may_be_companion(name) and not photograph_format(head_of(path, roots)):
        return
    if suffix_of(name) == ".zip" and is_archive(head_of(path, roots)):
        yield from (renamed(found, f"{name}/{found.name}") for found in members(path, roots))
    else:
        yield single(path, name, roots)
