"""Libraries' warnings about odd files stay here, in any number of threads."""

import threading
import warnings
from types import TracebackType


class Quiet:
    """A context that counts the threads inside: the first sets the filter, the last restores what was there.

    ``warnings.catch_warnings`` alone is not safe here: two that overlap restore each other's filters.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._catcher = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._catcher = warnings.catch_warnings()
                self._catcher.__enter__()
                warnings.simplefilter("ignore")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._catcher.__exit__(None, None, None)


QUIET = Quiet()
"""The one for the whole process."""
