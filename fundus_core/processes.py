"""Processes of our own: the one place that starts them, and never with the main script of the one that asks.

Python's ``spawn`` runs the parent's main script again in the child. Under Streamlit that is a page, in a test a file
that is gone, and in a stranger's program anything at all; what our processes need they import by name.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

SENTENCES = "FUNDUS_LAB_SENTENCES"
"""In the environment of a command: sentences go out with their values, as JSON."""
_MAIN = threading.Lock()
_GOODBYE_S = 1.0
"""What a child may take to end by itself."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Process(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:  # noqa: N802 (Python's name)
        with _without_main():
            return SpawnProcess._Popen(process_obj)


class _Context(SpawnContext):
    """Spawned, not forked: a fork copies the locks of threads that OpenCV and numpy have running."""

    Process = _Process


_CONTEXT = _Context()


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main script while a child is told what to begin with."""
    with _MAIN:
        own, hidden = sys.modules.get("__main__"), types.ModuleType("__main__")
        sys.modules["__main__"] = hidden
        try:
            yield
        finally:
            # Streamlit sets it for each run of a page; one set meanwhile stays.
            if own is not None and sys.modules["__main__"] is hidden:
                sys.modules["__main__"] = own


def each(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    at_once: int = 1,
    first: Callable[[], object] | None = None,
) -> Iterator[Result]:
    """Call a function for every item, in several processes, and yield what it returns in the items' order.

    The function is importable by name, and called in this process where ``workers`` is 1; items, of which a process is
    given some at once, travel by pickle, and so does what comes of them. ``first`` is called in each process before
    them.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(workers, mp_context=_CONTEXT, initializer=first) as pool:
        yield from pool.map(function, items, chunksize=at_once)


class DiedError(Exception):
    """A child ended, or did not answer in time."""


class Child:
    """An object that is made and asked in a process of its own; whatever is raised there ends it."""

    def __init__(self, make: Callable[..., object], *arguments: object) -> None:
        """Start the process and have the object made there by what can be imported by name; arguments are pickled."""
        self._ours, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, method: str, *arguments: object, patience_s: float | None = None) -> Any:
        """Call a method of the object.

        Raises:
            DiedError: The process is gone or took longer than ``patience_s``.
        """
        try:
            self._ours.send((method, arguments))
            if self._ours.poll(patience_s):
                return self._ours.recv()
        except (EOFError, OSError):
            pass
        raise DiedError

    def end(self) -> None:
        """End the process, by force where it does not go."""
        self._ours.close()
        self._process.join(_GOODBYE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


class Warm:
    """A child that is begun when it is first asked and kept for a while: to import takes longer than to answer."""

    def __init__(self, make: Callable[..., object], *, patience_s: float | None = None, idle_s: float = 300.0) -> None:
        """Say how the object is made there, how long it may take to answer, and how long it is kept without a question.

        The process ends then and gives its memory back.
        """
        self._make, self._patience_s, self._idle_s = make, patience_s, idle_s
        self._child: Child | None = None
        self._guard = threading.RLock()
        self._timer: threading.Timer | None = None

    def ask(self, method: str, *asked: object) -> Any:
        """Ask it, one question after another; one that died is replaced for the next.

        Raises:
            DiedError: It died, or took too long.
        """
        with self._guard:
            self._rest()
            self._child = self._child or Child(self._make)
            try:
                return self._child.ask(method, *asked, patience_s=self._patience_s)
            except DiedError:
                self.end()
                raise
            finally:
                self._timer = threading.Timer(self._idle_s, self.end)
                self._timer.daemon = True
                self._timer.start()

    def end(self) -> None:
        """End the process and give its memory back."""
        with self._guard:
            self._rest()
            if self._child:
                self._child.end()
                self._child = None

    def _rest(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


class _Caller:
    """In the process that works apart."""

    def call(self, function: Callable[..., object], arguments: tuple[object, ...], named: dict[str, object]) -> object:
        return function(*arguments, **named)


_APART = Warm(_Caller)


def apart(function: Callable[..., Result], *arguments: object, **named: object) -> Result:
    """Call a function in another process, which is kept for a while, and wait: it costs this one and its users nothing.

    The function is importable by name; what it is given and what comes of it travel by pickle. Where that process
    died, it is called in this one.
    """
    try:
        found: Result = _APART.ask("call", function, arguments, named)
    except DiedError:
        return function(*arguments, **named)
    return found


def _serve(pipe: Connection[Any, Any], make: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """The child: answers until the pipe is closed, by the parent or by its death."""
    with contextlib.suppress(EOFError, OSError):
        made = make(*arguments)
        while True:
            method, given = pipe.recv()
            pipe.send(getattr(made, method)(*given))


def give_back_at_once() -> None:
    """Have large arrays of this process given back to the system as soon as nobody holds them, where glibc makes them.

    It would keep what lies between pieces that are still held: of 1,600,000 photographs a quarter of all memory.
    Smaller arrays are kept for the next, as asking the system again and again takes longer.
    """
    set_malloc(M_MMAP_THRESHOLD=10_000_000, M_TRIM_THRESHOLD=64_000_000)


_MALLOPT = {"M_TRIM_THRESHOLD": -1, "M_MMAP_THRESHOLD": -3, "M_MMAP_MAX": -4, "M_ARENA_MAX": -8}
"""Numbers of the options in GNU's ``malloc.h``."""


def set_malloc(**options: int) -> None:
    """Set options of this process's memory by their names in the manual of ``mallopt``; nothing where it has none."""
    with contextlib.suppress(OSError, TypeError, AttributeError):  # another library, or none that can be asked
        for name, value in options.items():
            ctypes.CDLL(None).mallopt(_MALLOPT[name], value)


def command(module: str, *words: object) -> list[str]:
    """Return the words that run a module of ours in a process of its own."""
    return [sys.executable, "-m", module, *map(str, words)]


def environment(**changed: str) -> dict[str, str]:
    """Return this process's environment, such that a child in any folder finds the modules that this one finds."""
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, **changed}
