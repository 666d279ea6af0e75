"""From what a browser sent, or a folder on this machine, to a cohort in the store; visits are read from names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import streamlit as st

from fundus_core import pipeline, truth
from fundus_core.analyses import AnalysisPlan
from fundus_core.deidentify import AuditLine, Pseudonyms
from fundus_core.errors import FundusError
from fundus_core.images import sources
from fundus_core.pipeline import PredictionsFile, Visiting
from fundus_core.records import Labels, Source
from fundus_core.store import Cohort, NewPhotograph, Store
from fundus_core.truth import Match
from pages.parts.shell import state
from pages.parts.shell.language import _, said
from pages.parts.shell.upload_store import Batch


@dataclass(frozen=True, slots=True)
class Found:
    """Photographs that wait to become a cohort."""

    paths: tuple[Path, ...]
    """Folder, ZIPs or manifest that hold them."""
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
    archives = [path for path in batch.photographs() if path.is_relative_to(batch.archives)]
    paths = (batch.files, *archives)
    return Found(paths, tuple(source for path in paths for source in sources([path])), uploaded=True)


def of_path(path: Path, roots: Sequence[Path]) -> Found:
    """List the photographs of a folder, ZIP or manifest on this machine, below one of the roots, links resolved.

    Raises:
        UsageError: There is no such path, it lies outside the roots, or the manifest cannot be read.
    """
    return Found((path,), tuple(sources([path], roots)), uploaded=False)


def typed(text: str) -> Path:
    """Return a path that somebody typed; ``~`` is the server's own home, and nobody else's is looked up."""
    text = text.strip().strip("\x00\"'")
    home, slash, rest = text.partition("/")
    return Path.home() / rest if home == "~" else Path(home + slash + rest)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made."""

    name: str
    """Of the new cohort."""
    found: Found
    """Its photographs."""
    matched: Match | None
    """The truth table beside them; ``None`` without one."""
    rendered: bool = False
    """Whether the photographs are rendered, not taken."""
    pseudonyms: Pseudonyms | None = None
    """De-identify at the door; ``None`` keeps names and pictures as they are."""
    covariates: tuple[str, ...] = ()
    """Columns besides the targets that may be kept of a cohort that is de-identified."""
    writing: pipeline.Writing = "refuse"
    """What becomes of photographs with writing over the retina, where the cohort is de-identified."""
    to: int | None = None
    """The cohort that takes them; ``None`` for a new one."""
    analysis: tuple[AnalysisPlan, str] | None = None
    """An analysis plan and when it was stated; ``None`` without one."""
    rows: Match | None = None
    """Which of that cohort's rows each photograph belongs to; ``None`` where it is a row of its own."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What came of a plan."""

    cohort: Cohort
    """As the store has it."""
    audit: tuple[AuditLine, ...] = ()
    """What was taken away from each photograph; empty where nothing was de-identified. It is kept nowhere."""


def make(store: Store, plan: Plan, tell: Callable[[int, int], None]) -> IngestResult:
    """Make a cohort of photographs and their truth; ``tell`` is called with how many are done and how many there are.

    Raises:
        FundusError: The name is empty or taken, or a photograph cannot be kept; no cohort is left then.
    """
    if plan.to is not None:
        cohort = store.cohort(plan.to)
        return IngestResult(cohort, _fill(store, cohort, plan, tell))
    cohort = store.create_cohort(plan.name, rendered=plan.rendered)
    try:
        if plan.analysis is not None:
            pipeline.state_plan(store, cohort.id, plan.analysis[0], stated_at=plan.analysis[1])
        audit = _fill(store, cohort, plan, tell)
        return IngestResult(store.cohort(cohort.id), audit)
    except (FundusError, OSError):
        store.delete(cohort.id)  # a cohort without its photographs would only stand in the way of the next attempt
        raise


def _fill(store: Store, cohort: Cohort, plan: Plan, tell: Callable[[int, int], None]) -> tuple[AuditLine, ...]:
    audit: tuple[AuditLine, ...] = ()
    matched, total = plan.matched, len(plan.found.sources)
    if plan.rows is not None:
        keep = _keeper(store, plan.found)
        pipeline.attach(
            store, cohort.id, plan.found.sources, plan.rows, keep=keep, progress=lambda done: tell(done, total)
        )
    elif plan.pseudonyms is None:
        store.add_photographs(cohort.id, _put_away(store, plan.found, tell))
    else:
        audit = pipeline.take_in(
            store,
            cohort.id,
            plan.found.sources,
            pseudonyms=plan.pseudonyms,
            writing=plan.writing,
            progress=lambda done: tell(done, total),
        ).audit
        matched = pipeline.under_pseudonyms(matched, plan.pseudonyms, covariates=plan.covariates) if matched else None
    if matched is not None:
        pipeline.set_truth(store, cohort.id, matched)
    return audit


def _put_away(store: Store, found: Found, tell: Callable[[int, int], None]) -> Iterator[NewPhotograph]:
    keep = _keeper(store, found)
    for done, source in enumerate(found.sources):
        tell(done, len(found.sources))
        yield keep(source)


def _keeper(store: Store, found: Found) -> Callable[[Source], NewPhotograph]:
    return partial(_keep, store) if found.uploaded else NewPhotograph.of_source


def _keep(store: Store, source: Source) -> NewPhotograph:
    path = Path(source.locator)
    kept = store.keep_file(path) if source.locator and path.is_file() else store.keep(source.read())
    spoken = "table" if source.eye else ""
    known = {"patient_id": source.patient_id, "visit": source.visit}
    return NewPhotograph.of_kept(source.name, kept, eye=source.eye, eye_source=spoken, **known)


def free_name(taken: Sequence[str], wish: str) -> str:
    """Return the wish, with a number where it is taken.

    >>> free_name(["Clinic", "Clinic 2"], "Clinic")
    'Clinic 3'
    """
    if wish not in taken:
        return wish
    return next(f"{wish} {n}" for n in range(2, len(taken) + 3) if f"{wish} {n}" not in taken)


def with_visits_of_names(found: Found) -> Found:
    """Return photographs with the visits of their names, where no list states any and the user agrees."""
    if any(source.visit for source in found.sources) or not _wanted(_read(tuple(found.names))):
        return found
    return replace(found, sources=tuple(pipeline.with_visits(found.sources)))


def rows_with_visits_of_names(made: Mapping[str, PredictionsFile]) -> Mapping[str, PredictionsFile]:
    """Return predictions with the visits of their photographs' names, where nothing states any and the user agrees."""
    tables = [file.table for file in made.values()]
    names = tuple(dict.fromkeys(str(name) for table in tables for name in table.photograph))
    if any((table.visit != "").any() for table in tables) or not _wanted(_read(names)):
        return made
    return {name: Visiting().with_visits(file) for name, file in made.items()}


@st.cache_resource(max_entries=4, show_spinner=False)
def _read(names: Sequence[str]) -> Labels:
    return truth.visits_in_names(names)


def _wanted(visits: Labels) -> bool:
    """Ask whether what names hold are visits; no where they hold nothing."""
    if not (visits != "").any():
        return False
    label = _("The names of files or folders tell the visit: take it from them")
    return st.checkbox(label, value=True, help=said(pipeline.names_read(visits)), key=f"visits{state.upload_number()}")
