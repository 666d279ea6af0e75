"""One memory of what was computed: in RAM, and of a large cohort beside the store, so that a restart pays nothing.

On disk a result lies under the cohort's revision and under the formulas' own text: a changed photograph, a changed
truth or a changed formula asks anew. Files hold numbers and words only; reading one executes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np

from fundus_core import evaluation, jobs, owner_only
from fundus_core.analyses import serialise

if TYPE_CHECKING:
    from fundus_core.store import Cohort, Store

MANY = 5_000
"""Photographs from which on results are kept; those of a smaller cohort are computed sooner than they are read."""

MOST = 1024
"""Results kept in RAM: a report of seven targets asks for 400, some of them again and again."""

ROOM = 500_000_000
"""Bytes of their arrays: most results are small, the observations of very many people are not. Those of two targets of
800,000 visits, with whom each photograph is read alike, fit: a click back to a target reads nothing."""

STAYING = ("tables", "ordered")
"""Never let go of, and counted by nobody: the rows that every result is made of. Those of 1,600,000 photographs are
.9 GB, and took so much room that each result read them anew."""

_T = TypeVar("_T")
_ONLY_LOOKS: ContextVar[int] = ContextVar("only_looks", default=0)


class NotYetError(Exception):
    """A result is asked for by who only looks, and a job has not kept it yet."""

    def __init__(self, job: Path, file: Path, photographs: int) -> None:
        """Say where the job lives, in which file the result will lie, and of how many photographs it is."""
        super().__init__(file.name)
        self.job, self.file, self.photographs = job, file, photographs


@contextlib.contextmanager
def only_looking(quick: int) -> Iterator[None]:
    """Within it what takes long is read where it is kept and never computed, of cohorts for which a job does it.

    Args:
        quick: Of how many photographs not even what is quick may be computed.

    Raises:
        NotYetError: It is not kept yet.
    """
    before = _ONLY_LOOKS.set(quick)
    try:
        yield
    finally:
        _ONLY_LOOKS.reset(before)


@dataclass(frozen=True, slots=True)
class Disk:
    """Where the results of one cohort, or of several side by side, as they are now, are kept."""

    store: Store
    """Whose folder they lie in."""
    cohorts: tuple[Cohort, ...]
    """As the store has them."""
    about: Hashable
    """What of them: the id of a card, or whatever else the results depend on."""
    has_job: bool = False
    """Whether a job computes all that is shown, a level at a time."""

    @property
    def photographs(self) -> int:
        """Of all of them."""
        return sum(cohort.photographs for cohort in self.cohorts)

    def job(self, level: str) -> Path:
        """Return the folder of the job of a level, the usual one where it is empty: with the results, to go with them.

        That of a changed cohort is another.
        """
        return self.place(("job", level), "job")

    def place(self, name: Hashable, ending: str = "npz") -> Path:
        """Return where what has a name is kept."""
        from fundus_core.store import result_folder as places  # who evaluates files has no store to wait for

        key = hashlib.sha256(repr((self.about, name)).encode()).hexdigest()[:32]
        return places.folder_of(self.store.shelf.folder, self.cohorts) / f"{_formulas()}-{key}.{ending}"

    def kept(self, name: Hashable, kind: type[_T], make: Callable[[], _T]) -> _T:
        """Return what is kept under a name, with everything that it depends on; make it and keep it where nothing is.

        A file that holds anything but the class of the result counts as none.
        """
        if self.photographs < MANY:
            return make()
        file = self.place(name)
        found = _read(file)
        if isinstance(found, kind):
            return found
        made = make()
        with contextlib.suppress(OSError):  # a full disk or a folder that may not be written costs speed only
            _write(file, made)
            _forget_older_formulas(file.parent)
            self.store.sweep()  # the cohort may have been changed or deleted while it was computed
        return made


class Memory:
    """Results by name; each is made once, also where several sessions ask at the same time."""

    def __init__(self, disk: Disk | None = None, *, most: int = MOST, room: int = ROOM) -> None:
        """Begin empty, with room for so many results and bytes in RAM; the one asked for longest ago goes first.

        On the disk results outlive the process; there is none for files on the command line.
        """
        self._disk, self._most, self._room = disk, most, room
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._locks: dict[Hashable, threading.RLock] = {}
        self._guard = threading.Lock()

    def kept(self, name: Hashable, kind: type[_T] | None, make: Callable[[], _T]) -> _T:
        """Return what is kept under a name, with everything that it depends on; make it where nothing is.

        A class says that it may go to disk; ``None`` keeps it in RAM alone.
        """
        with self._guard:
            if name in self._found:
                self._found.move_to_end(name)
                return cast(_T, self._found[name])
            lock = self._locks.setdefault(name, threading.RLock())
        with lock:
            if name not in self._found:
                made = make() if kind is None or self._disk is None else self._disk.kept(name, kind, make)
                self._keep(name, made)
            return cast(_T, self._found[name])

    def expect(self, name: Hashable, level: str = "", *, quick: bool = False) -> None:
        """Return where a result is known or may be computed now; see :func:`only_looking`.

        Args:
            name: Of the result.
            level: The one whose job computes it; empty for the usual one.
            quick: Whether it is computed sooner than a job begins, unless there are very many photographs.

        Raises:
            NotYetError: A job has not kept it yet.
        """
        disk, least = self._disk, max(MANY, _ONLY_LOOKS.get() if quick else 0)
        if name in self._found or not _ONLY_LOOKS.get() or disk is None or not disk.has_job:
            return
        if disk.photographs < least or (file := disk.place(name)).exists():
            return
        if jobs.result(job := disk.job(level)) is None:
            raise NotYetError(job, file, disk.photographs)

    @property
    def lasting(self) -> bool:
        """Whether results outlive the process: of so many photographs that it pays."""
        return self._disk is not None and self._disk.photographs >= MANY

    def has(self, name: Hashable) -> bool:
        """Return whether something is kept under a name already: what takes long to make need not be asked for."""
        return name in self._found or (self._disk is not None and self._disk.place(name).exists())

    def arrays(self) -> dict[int, int]:
        """Return the bytes of each array that is kept in RAM, once, however many results share it."""
        with self._guard:
            return {id(each): each.nbytes for made in self._found.values() for each in _arrays(made)}

    def _keep(self, name: Hashable, made: Any) -> None:
        with self._guard:
            self._found[name] = made
            if name in STAYING:
                return
            self._sizes[name] = sum(each.nbytes for each in _arrays(made))
            others = [each for each in self._found if each in self._sizes and each != name]
            while others and (len(self._sizes) > self._most or sum(self._sizes.values()) > self._room):
                many = len(self._sizes) > self._most  # else what holds no bytes makes no room, and is made anew
                oldest = next((each for each in others if many or self._sizes[each]), None)
                if oldest is None:
                    break
                others.remove(oldest)
                del self._found[oldest], self._sizes[oldest]
                self._locks.pop(oldest, None)


class Remembering(Protocol):
    """What is looked at again and again: a study."""

    @property
    def memory(self) -> Memory:
        """Of all that was computed of it."""
        ...


_S = TypeVar("_S", bound=Remembering)


class OpenStudies:
    """Studies by key, shared by everybody who looks at them, in so much room: large ones are fewer."""

    def __init__(self, *, most: int = 24, room: int = 2_000_000_000) -> None:
        """Begin empty. Before another is begun, those asked for longest ago go until the rest fit.

        Args:
            most: Studies at once.
            room: Bytes that the arrays of all may take before another is begun.
        """
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._most, self._room, self._guard = most, room, threading.Lock()

    def kept(self, key: Hashable, make: Callable[[], _S]) -> _S:
        """Return the study of a key, made where there is none; nothing of it is read yet then."""
        with self._guard:
            if key not in self._found:
                while self._found and (len(self._found) >= self._most or self._taken() > self._room):
                    self._found.popitem(last=False)
                self._found[key] = make()
            self._found.move_to_end(key)
            return cast(_S, self._found[key])

    def _taken(self) -> int:
        arrays: dict[int, int] = {}
        for each in self._found.values():
            arrays |= each.memory.arrays()
        return sum(arrays.values())


def _arrays(made: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the arrays in a result."""
    if isinstance(made, np.ndarray):
        yield made
    elif is_dataclass(made) and not isinstance(made, type):
        for field in fields(made):
            yield from _arrays(getattr(made, field.name))
    elif isinstance(made, Mapping | list | tuple):
        for each in made.values() if isinstance(made, Mapping) else made:
            yield from _arrays(each)


def _read(file: Path) -> object:
    try:
        return serialise.unpack(file)
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):  # absent, cut off, older
        return None


def _write(file: Path, made: object) -> None:
    """Complete or not at all."""
    owner_only.folder(file.parent)
    scrap = file.with_name(f"{os.getpid()}-{secrets.token_hex(4)}.scrap")
    try:
        with open(scrap, "wb", opener=owner_only.opener) as out:
            serialise.write(out, made)
        scrap.replace(file)
    finally:
        scrap.unlink(missing_ok=True)


def _forget_older_formulas(folder: Path) -> None:
    for other in folder.iterdir():
        if not other.name.startswith(_formulas()) and other.suffix in (".npz", ".job"):
            shutil.rmtree(other, ignore_errors=True) if other.is_dir() else other.unlink(missing_ok=True)


@cache
def _formulas() -> str:
    """The text of everything that computes, as one short word."""
    rooms = (Path(evaluation.__file__).parent, Path(__file__).parent)
    digest = hashlib.sha256()
    for file in sorted(path for room in rooms for kind in ("*.py", "*.toml") for path in room.rglob(kind)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
