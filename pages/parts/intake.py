"""From what a browser sent, or a folder on this machine, to a cohort in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fundus_core import pipeline
from fundus_core.images import sources
from fundus_core.records import Source
from fundus_core.store import Added, Cohort, NewPhotograph, Store
from fundus_core.truth import Match
from pages.parts.inbox import Batch


@dataclass(frozen=True, slots=True)
class Found:
    """Photographs that wait to become a cohort."""

    sources: tuple[Source, ...]
    """In the order in which they will be read."""
    uploaded: bool
    """Whether they lie in the inbox, and so must be kept; else they stay where they are."""

    @property
    def names(self) -> list[str]:
        """As the user will see them."""
        return [source.name for source in self.sources]


def of_batch(batch: Batch) -> Found:
    """List the photographs of an upload, those inside ZIPs too."""
    archives = [path for path in batch.photographs() if path.suffix.lower() == ".zip"]
    loose = sources([batch.files]) if len(archives) < len(batch.photographs()) else iter(())
    inside = (source for path in archives for source in sources([path]))
    outside = (source for source in loose if not source.name.lower().endswith(".zip"))
    return Found((*outside, *inside), uploaded=True)


def of_path(path: Path) -> Found:
    """List the photographs of a folder, ZIP or manifest on this machine.

    Raises:
        UsageError: There is no such path, or the manifest cannot be read.
    """
    return Found(tuple(sources([path])), uploaded=False)


def make(
    store: Store,
    name: str,
    found: Found,
    matched: Match | None,
    tell: Callable[[int, int], None],
    *,
    rendered: bool = False,
) -> tuple[Cohort, Added]:
    """Make a cohort of photographs and their truth.

    Args:
        store: Where to.
        name: Of the new cohort.
        found: The photographs.
        matched: The truth table beside them; ``None`` without one.
        tell: Called with how many are done and how many there are.
        rendered: Whether the photographs are rendered, not taken.

    Raises:
        UsageError: The name is empty or taken.
    """
    cohort = store.create_cohort(name, rendered=rendered)
    added = store.add_photographs(cohort.id, _put_away(store, found, tell))
    if matched is not None:
        pipeline.set_truth(store, cohort.id, matched)
    return store.cohort(cohort.id), added


def _put_away(store: Store, found: Found, tell: Callable[[int, int], None]) -> Iterator[NewPhotograph]:
    for done, source in enumerate(found.sources):
        tell(done, len(found.sources))
        yield _keep(store, source) if found.uploaded else NewPhotograph.of_source(source)


def _keep(store: Store, source: Source) -> NewPhotograph:
    path = Path(source.locator)
    kept = store.keep_file(path) if source.locator and path.is_file() else store.keep(source.read())
    spoken = "table" if source.eye else ""
    return NewPhotograph.of_kept(source.name, kept, patient_id=source.patient_id, eye=source.eye, eye_source=spoken)


def free_name(taken: Sequence[str], wish: str) -> str:
    """Return the wish, with a number where it is taken.

    >>> free_name(["Clinic", "Clinic 2"], "Clinic")
    'Clinic 3'
    """
    if wish not in taken:
        return wish
    return next(f"{wish} {n}" for n in range(2, len(taken) + 3) if f"{wish} {n}" not in taken)
