"""``inspect``: what was read, without asking a model."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fundus_core.deidentify import Pseudonyms
from fundus_core.images import sources
from fundus_core.journey import Examined, examine
from fundus_core.pipeline.tables import INSPECTION_COLUMNS, inspection_row
from fundus_core.quality import LIMITS, Limits
from fundus_core.records import Source, Status
from fundus_core.tables import write_csv

_AHEAD = 8
"""Photographs read ahead: enough to keep two cores busy, few enough that memory does not grow."""
_THREADS = 2
"""Decoding releases the interpreter lock; more threads than cores only cost memory."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How the photographs of a batch ended."""

    done: int
    """Accepted or predicted."""
    refused: int
    """Read, but not gradable or no colour fundus photograph."""
    failed: int
    """Unreadable."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.done + self.refused + self.failed


def inspect(
    paths: Sequence[Path],
    out: Path,
    *,
    limits: Limits = LIMITS,
    pseudonyms: Pseudonyms | None = None,
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """Examine photographs and write a CSV row each, in :data:`fundus_core.pipeline.tables.INSPECTION_COLUMNS`.

    Pseudonyms replace file names and patient ids; ``progress`` is called with the number of photographs done so far.

    Raises:
        UsageError: A path does not exist; nothing was written.
    """
    found = sources(paths)
    tally = dict.fromkeys(Status, 0)
    out.parent.mkdir(parents=True, exist_ok=True)

    def rows() -> Iterator[list[str]]:
        for number, examined in enumerate(_examined(found, limits, pseudonyms), start=1):
            yield inspection_row(examined)
            tally[examined.status] += 1
            if progress:
                progress(number)

    write_csv(out, INSPECTION_COLUMNS, rows())
    return Counts(tally[Status.ACCEPTED], tally[Status.REFUSED], tally[Status.FAILED])


def _examined(found: Iterator[Source], limits: Limits, pseudonyms: Pseudonyms | None) -> Iterator[Examined]:
    """Examine in threads, in the order of the sources, a bounded number ahead."""
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: list[Future[Examined]] = []
        for source in found:
            waiting.append(pool.submit(examine, source, limits=limits, pseudonyms=pseudonyms))
            if len(waiting) >= _AHEAD:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
