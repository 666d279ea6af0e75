"""Contenders in processes of their own, so that none slows the others and memory can be told apart."""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Host:
    """Holds a contender and asks it."""

    call: Callable[..., Any]
    """Calls a method of the contender's process by its name."""

    def ask(self, method: str, *arguments: object) -> Any:
        """Call a method of the contender.

        Raises:
            UsageError: The process died, most likely for lack of memory.
        """
        try:
            answer = self.call("ask", method, arguments)
        except DiedError:
            raise UsageError(
                "A process of the benchmark died, most likely for lack of memory; close other programs."
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def peak(self) -> float:
        """The most memory that the contender's process has held, in bytes, everything in it included."""
        return float(self.call("peak"))


@contextlib.contextmanager
def contender(make: Callable[..., object], *arguments: object, apart: bool = True) -> Iterator[Host]:
    """Have something made in this process, or in one of its own that idles while the others have their turn.

    ``make`` is importable by name; arguments travel by pickle.
    """
    if not apart:
        here = _Contender(make, arguments)
        yield Host(lambda method, *given: getattr(here, method)(*given))
        return
    child = Child(_Contender, make, arguments)
    try:
        yield Host(child.ask)
    finally:
        child.end()


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
