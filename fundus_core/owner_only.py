"""Files and folders that only their owner may read, whatever the process's umask: 600 and 700."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fundus_core.errors import UsageError

FILE, FOLDER = 0o600, 0o700
_OTHERS = 0o077


def folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, for the owner alone; one that is there stays as it is."""
    missing = [path, *path.parents]
    for each in reversed(missing[: next((n for n, one in enumerate(missing) if one.is_dir()), len(missing))]):
        with contextlib.suppress(FileExistsError):  # another process was quicker
            each.mkdir(FOLDER)
            each.chmod(FOLDER)
    path.mkdir(exist_ok=True)  # says what is wrong where something else has the name
    return path


def temporary() -> Path:
    """Return a folder of this user's on this machine; a ``UsageError`` where somebody else has taken its name."""
    path = Path(tempfile.gettempdir())
    if os.name != "posix":
        return folder(path / "fundus-lab")
    path = folder(path / f"fundus-lab-{os.getuid()}")
    if path.stat().st_uid != os.getuid():
        raise UsageError("The folder '{folder}' belongs to somebody else; set TMPDIR to another.", folder=path)
    return path


def opener(path: str, flags: int) -> int:
    """For ``open(..., opener=opener)``: a file that is made is made for the owner alone."""
    return os.open(path, flags, FILE)


def write(path: Path, data: bytes) -> None:
    """Write a file for the owner alone; an ``OSError`` where it cannot be written."""
    with open(path, "wb", opener=opener) as file:
        file.write(data)


def replace(path: Path, data: bytes) -> None:
    """Write a file that whoever reads it sees whole, as it was or as it is now."""
    part = path.with_suffix(".part")
    write(part, data)
    part.replace(path)


def make(path: Path) -> None:
    """Make an empty file for the owner alone; one that is there stays as it is and is not opened.

    Closing a file gives back every lock that this process has on it (POSIX), those of SQLite too.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE))


def closed(path: Path) -> bool:
    """Whether nobody but the owner may read, write or enter; Windows has other means and counts as closed."""
    return os.name != "posix" or not path.lstat().st_mode & _OTHERS


def close(path: Path) -> bool:
    """Shut others out of a file or folder of ours; returns whether they are out now.

    What everybody shares (a sticky folder such as ``/tmp``) and what a link leads to is left as it is.
    """
    mode = path.lstat().st_mode
    if closed(path):
        return True
    if stat.S_ISLNK(mode) or mode & stat.S_ISVTX:
        return False
    with contextlib.suppress(PermissionError):
        path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
    return closed(path)


def open_ones(root: Path) -> Iterator[Path]:
    """Every file and folder from a folder downwards that others may read, write or enter."""
    for place, _folders, files in os.walk(root):
        for path in (Path(place), *(Path(place, name) for name in files)):
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                if not path.is_symlink() and not closed(path):
                    yield path
