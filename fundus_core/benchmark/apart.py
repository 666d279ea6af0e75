"""Contenders in processes of their own, so that none slows the others and memory can be told apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from fundus_core.errors import UsageError
from fundus_core.processes import Child, DiedError

_STATUS = Path("/proc/self/status")


def peak_bytes() -> float:
    """Return the most memory that this process has held; NaN where the system does not say."""
    if not _STATUS.is_file():
        return math.nan
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return 1024.0 * int(found[0]) if found else math.nan


class Host(Protocol):
    """Holds a contender and asks it."""

    def __enter__(self) -> Host: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what was started."""

    def ask(self, method: str, *arguments: object) -> Any:
        """Call a method of the contender."""

    def peak(self) -> float:
        """The most memory that the contender's process has held, in bytes."""


class Here:
    """Something made and asked in this process."""

    def __init__(self, make: Callable[..., object], *arguments: object) -> None:
        """Make it."""
        self._made = make(*arguments)

    def __enter__(self) -> Here:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    def ask(self, method: str, *arguments: object) -> Any:
        """Call a method."""
        return getattr(self._made, method)(*arguments)

    def peak(self) -> float:
        """The most memory of this process, everything in it included."""
        return peak_bytes()


class Apart:
    """Something made and asked in a process of its own; it idles while the others have their turn."""

    def __init__(self, make: Callable[..., object], *arguments: object) -> None:
        """Start the process and have it made there.

        Args:
            make: Importable by name.
            arguments: For it; they travel by pickle.
        """
        self._child = Child(_Contender, make, arguments)

    def __enter__(self) -> Apart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.end()

    def ask(self, method: str, *arguments: object) -> Any:
        """Call a method there.

        Raises:
            UsageError: The process died, most likely for lack of memory.
        """
        try:
            answer = self._child.ask("ask", method, arguments)
        except DiedError:
            raise UsageError(
                "A process of the benchmark died, most likely for lack of memory; close other programs."
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def peak(self) -> float:
        """The most memory that the process has held, in bytes."""
        return float(self._child.ask("peak"))


class _Contender:
    """In its process: it lives on when a method raises one of the errors that the benchmark tells."""

    def __init__(self, make: Callable[..., object], arguments: tuple[object, ...]) -> None:
        self._made = make(*arguments)

    def ask(self, method: str, given: tuple[object, ...]) -> object:
        try:
            return getattr(self._made, method)(*given)
        except (UsageError, ArithmeticError, MemoryError) as error:
            return error

    def peak(self) -> float:
        return peak_bytes()
