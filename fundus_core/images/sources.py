"""Where photographs come from: files, folders, ZIP archives and lists, told apart by their content."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from fundus_core.errors import UsageError
from fundus_core.images.allowed_folders import Roots, around, hold
from fundus_core.images.archive import BETWEEN, member_at, members
from fundus_core.images.byte_sources import Refuse, address_of, object_at, objects, of_this_machine
from fundus_core.images.faults import Code
from fundus_core.images.folder import head_of, renamed, single, walk
from fundus_core.images.formats import MANIFESTS, OFFICE, is_archive, photograph_format, suffix_of
from fundus_core.images.manifest import listed
from fundus_core.records import Source


def sources(paths: Sequence[Path], roots: Roots = ()) -> Iterator[Source]:
    """List the photographs at these paths, one at a time.

    Args:
        paths: Each a photograph, a folder (searched at every depth), a ZIP archive, a CSV with the column ``path`` and
            optionally ``patient_id`` and ``eye``, or an address in object storage.
        roots: Folders that everything must lie below, links resolved; without one all paths may be read.

    Returns:
        Sources in a fixed order: that of the paths, within each that of the names. Where several paths are
        given, names begin with as much of the path as tells them apart. Hidden files, litter of operating
        systems, and the tables and notes beside photographs are passed over; every other file comes out and, if
        it is no photograph, fails with a reason when it is decoded.

    Raises:
        UsageError: A path does not exist or lies outside the roots, or a CSV does not say where the photographs are.
    """
    paths = [of_this_machine(path) for path in paths]
    for path in paths:
        if address_of(path) and not roots:
            continue
        if address_of(path) or not hold(roots, path):
            places = ", ".join(map(str, roots))
            raise UsageError(
                "Photographs on this machine may lie below {places}, in no hidden folder; '{path}' does not.",
                places=places,
                path=path,
            )
        if not path.exists():
            raise UsageError(
                "'{path}' does not exist; give a photograph, a folder, a ZIP or a CSV of paths.", path=path
            )
    once = list({_resolved(path): path if address_of(path) else path.absolute() for path in paths}.values())
    labels = _labels(once)
    parts = [_open(path, label, roots) for path, label in zip(once, labels, strict=True)]
    return (source for part in parts for source in part)


def source_at(locator: str) -> Source:
    """Return the source that a locator names, in any process on the machine.

    Args:
        locator: As ``Source.locator`` of a source from ``sources``.

    Returns:
        The source, without the patient and eye that a list may have said. If the file is gone, reading fails.
    """
    if not locator:
        return Source("", Refuse(Code.MISSING_FILE, "No photograph came with this row; add it to the cohort."))
    if address_of(locator):
        return object_at(locator)
    for archive, name in _splits(locator):
        member = member_at(archive, name, around(archive))
        if member is None:
            message = "The archive no longer holds this photograph; add the archive again."
            return Source(name, Refuse(Code.MISSING_FILE, message), locator=locator)
        return Source(name, member.read, locator=locator)
    path = Path(locator)
    return single(path, path.name, around(path))


def stamp_at(locator: str) -> str:
    """Return what tells a changed file from the same one without reading it: its size and time of last change.

    Args:
        locator: As ``Source.locator``; of a photograph in an archive the archive's stamp is returned.

    Returns:
        Empty where there is no such file, and of what lies in object storage.
    """
    path = next((archive for archive, _ in _splits(locator)), Path(locator))
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size} bytes, {found.st_mtime_ns} ns"


def _splits(locator: str) -> Iterator[tuple[Path, str]]:
    """Ways to read a locator as an existing archive and a member's name; none where it is a file itself."""
    parts = locator.split(BETWEEN)
    for taken in range(1, len(parts)):
        archive = Path(BETWEEN.join(parts[:taken]))
        if archive.is_file() and not Path(locator).is_file():
            yield archive, BETWEEN.join(parts[taken:])


def exists(path: Path) -> bool:
    """Return whether something lies at a path; of object storage this is told when it is listed."""
    return bool(address_of(path)) or of_this_machine(path).exists()


def _resolved(path: Path) -> Path:
    return path if address_of(path) else path.resolve()


def _open(path: Path, label: str, roots: Roots) -> Iterator[Source]:
    """The sources at one path; their names begin with the label where one is needed."""
    if address_of(path):
        return _labelled(objects(address_of(path)), label)
    if path.is_dir():
        return _labelled(walk(path, roots), label)
    head, suffix = head_of(path, roots), suffix_of(path.name)
    if is_archive(head) and suffix not in OFFICE:
        return _labelled(members(path, roots), label)
    if suffix in MANIFESTS and not photograph_format(head):
        return listed(path, roots)
    return iter([single(path, label or path.name, roots)])


def _labelled(found: Iterator[Source], label: str) -> Iterator[Source]:
    if not label:
        return found
    return (renamed(source, f"{label}/{source.name}") for source in found)


def _labels(paths: Sequence[Path]) -> list[str]:
    """As few of the last parts of each path as make all of them differ; nothing for a single path."""
    if len(paths) <= 1:
        return [""] * len(paths)
    for depth in count(1):
        labels = ["/".join(path.parts[-depth:]).lstrip("/") for path in paths]
        if len(set(labels)) == len(labels):
            return labels
    return []
