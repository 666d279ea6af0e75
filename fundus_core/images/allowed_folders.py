"""Which folders of this machine may be read on behalf of somebody who only sees a page.

A path counts by where it really lies, links and ``..`` resolved, and is looked at again when it has been opened: a link
that was put in its place meanwhile leads nowhere.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from fundus_core.errors import PhotographError, say
from fundus_core.images.faults import Code

VARIABLE = "FUNDUS_LAB_FOLDERS"
"""Environment variable that lists the folders, separated as ``PATH`` is."""

OUTSIDE = say(
    "It lies outside the folders that may be read here; upload it, or ask whoever runs the "
    "server to list its folder in {variable}.",
    variable=say(VARIABLE),
)
_NO_FILE = "This is no file but a folder, a device or a pipe; give the photographs themselves."

Roots = Sequence[Path]
"""Folders; none means that every path may be read, as on the command line."""


def listed() -> tuple[Path, ...]:
    """Return the folders that the setting lists; the user's home where there is no setting."""
    said = os.environ.get(VARIABLE)
    if said is None:
        return (Path.home(),)
    return tuple(Path(part) for part in said.split(os.pathsep) if part.strip())


def hold(roots: Roots, path: Path) -> bool:
    """Return whether a path may be read: below one of the roots, and below it in no hidden folder.

    Without roots everything may; what does not exist is judged by where it would be.
    """
    if not roots:
        return True
    try:
        real = path.resolve()
        return any(_below(root.resolve(), real) for root in roots)
    except (OSError, ValueError, RuntimeError):  # links in a circle, a zero byte
        return False


def around(path: Path) -> tuple[Path, ...]:
    """Return the listed roots where a path is written as lying below one of them, and none elsewhere.

    What a page listed below a root must not lead out of it later; what the command line was given is free.
    """
    roots = listed()
    return roots if any(_below(place, path) for root in roots for place in {root, root.resolve()}) else ()


def opened(path: Path, roots: Roots = ()) -> BinaryIO:
    """Open a file for reading, wherever it may be read from.

    Raises:
        PhotographError: ``unsafe_path``, or ``unreadable`` for what is no file.
        OSError: It cannot be opened.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))  # no pipe may hang
    file = os.fdopen(number, "rb")
    try:
        found = os.fstat(number)
        if not S_ISREG(found.st_mode):
            raise PhotographError(Code.UNREADABLE, _NO_FILE)
        if roots and not _lies_below(roots, number, path):
            raise PhotographError(Code.UNSAFE_PATH, OUTSIDE)
    except BaseException:
        file.close()
        raise
    return file


def _lies_below(roots: Roots, number: int, path: Path) -> bool:
    """Whether the file that was opened, rather than what its path names by now, lies below the roots."""
    try:
        real = Path(f"/proc/self/fd/{number}").readlink()  # what the system itself has open: no race
    except OSError:  # not Linux
        real = path.resolve()
        if not os.path.samestat(os.fstat(number), real.lstat()):
            return False
    return any(_below(root.resolve(), real) for root in roots)


def _below(root: Path, path: Path) -> bool:
    return path.is_relative_to(root) and not any(part.startswith(".") for part in path.relative_to(root).parts)
