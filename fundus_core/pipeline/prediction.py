"""``predict``: a model reads photographs; the command line's side of a run."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fundus_core import __version__, runs, truth
from fundus_core.deidentify import Pseudonyms
from fundus_core.errors import UsageError, say
from fundus_core.images import exists, sources
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.pipeline import additions, cohorts
from fundus_core.pipeline.deidentified_ingest import Writing
from fundus_core.pipeline.deidentified_truth import match_originals
from fundus_core.pipeline.inspection import Counts
from fundus_core.pipeline.linkage import AS_IT_STANDS, Linkage
from fundus_core.pipeline.quality_thresholds import limits_of, stretched_set
from fundus_core.pipeline.result_files import notice, write_truth
from fundus_core.pipeline.tables import write_predictions
from fundus_core.pipeline.visit_names import with_visits
from fundus_core.quality import LIMITS, Limits
from fundus_core.records import Reading, Source, Status
from fundus_core.store import Store
from fundus_core.targets import TARGETS

_POLL_SECONDS = 0.2
_SHOWN = 20
"""Names in a sentence."""
_WORK = ".work"
"""Folder beside the results where an unfinished run lives until it is called again."""


WorkOff = Callable[[Store, Callable[[], int], Callable[[runs.Progress], None] | None], runs.Progress]
"""Has the run that the function asks for worked off, telling how far it is, and returns how it ended."""


@dataclass(frozen=True, slots=True)
class Request:
    """What ``predict`` was asked for."""

    paths: tuple[Path, ...]
    """Photographs, folders, ZIP archives or manifests; none for a cohort that is there."""
    models: tuple[str, ...]
    """Ids of cards; each target comes from the first model that has it."""
    out: Path
    """Folder for the results."""
    truth: Path | None = None
    """Table of measured values."""
    cohort: str = ""
    """Keep the photographs as this cohort in the user's store, so that the dashboard shows them; empty: beside
    the results."""
    pseudonyms: Pseudonyms | None = None
    """De-identify at the door."""
    covariates: tuple[str, ...] = ()
    """Columns of the truth table, besides the targets, that may be kept of a de-identified cohort."""
    writing: Writing = "refuse"
    """What becomes of a photograph in whose field writing is found, where it is de-identified."""
    keep_truth: bool = False
    """Leave measured values of the cohort that the truth table lacks; else the table takes the place of all."""
    percentile: float | None = None
    """Take the limits of quality from the photographs themselves: the share, in percent, that each check shall
    refuse; ``None`` for the usual limits."""
    unstretch: bool = False
    """Cut the field of a stretched photograph out as the circle that it was."""
    linkage: Linkage = AS_IT_STANDS
    """How the truth table is read, and joined to the photographs."""

    @property
    def name(self) -> str:
        """The cohort's name: what was given, or one that the same call finds again."""
        if self.cohort:
            return self.cohort
        given = "\n".join([*(str(path.resolve()) for path in self.paths), str(self.pseudonyms is None), self.writing])
        return f"predict {hashlib.sha256(given.encode()).hexdigest()[:12]}"


def predict(
    request: Request,
    *,
    progress: Callable[[runs.Progress], None] | None = None,
    tell: Callable[[str], object] | None = None,
    work_off: WorkOff | None = None,
) -> Counts:
    """Let models read photographs; called again with the same arguments it goes on where it was.

    Writes ``predictions.csv`` and ``run.json``, with a truth table also ``truth.csv`` (a row per photograph) and
    what did not match or fit (``truth_faults.csv``).

    Args:
        request: What is read by which models, and what is kept of it.
        progress: Told how far the run is.
        work_off: Who works the run off; this machine's worker where nobody is named.
        tell: Told what a person should know of the match, in sentences that may quote ids; never under pseudonyms.

    Raises:
        UsageError: A path, model or weights file is missing; nothing was written.
        TruthError: The truth table cannot be used; nothing was written.
    """
    cards = [registry.ready(model) for model in request.models]
    measured = request.linkage.load(request.truth) if request.truth else None
    for path in request.paths:
        if not exists(path):
            raise UsageError("'{path}' does not exist; give photographs, folders, a ZIP or a CSV of paths.", path=path)
    _require_something(request)
    limits = replace(_limits(request), unstretch=request.unstretch)
    squeezed = None if request.unstretch or not request.paths else stretched_set(sources(request.paths))
    if squeezed and tell:
        tell(squeezed.sentence)
    request.out.mkdir(parents=True, exist_ok=True)
    with _store(request) as store:
        _take_in(store, request, tell)
        finished = _finished(store, request, limits, work_off or on_this_machine, progress)
        try:
            if measured is not None:
                found = _put_beside(store, request, measured)
                if tell and request.pseudonyms is None:
                    for remark in found.remarks:
                        tell(remark)
        finally:  # a table that fits no photograph must not cost the predictions
            readings = list(_merged(store, request))
            write_predictions(request.out / "predictions.csv", readings, _targets(cards))
            _write_record(request, cards, limits, finished)
        if not _in_home(request):
            runs.stop_worker(store)
    return counted(readings)


def _put_beside(store: Store, request: Request, measured: truth.TruthTable) -> truth.Match:
    """Match the truth table and keep it with the cohort: it may also say whose eye a photograph shows."""
    if request.pseudonyms is None:
        found = cohorts.match_truth(
            store, request.name, measured, fold=request.linkage.fold, most_days=request.linkage.visiting.most_days
        )
    else:
        given: Sequence[Source] = list(sources(request.paths))
        if request.linkage.visiting.in_names:
            given = with_visits(given)
        found = match_originals(
            store,
            request.name,
            measured,
            given,
            request.pseudonyms,
            covariates=request.covariates,
            fold=request.linkage.fold,
            most_days=request.linkage.visiting.most_days,
        )
    cohorts.set_truth(store, request.name, found, keep=request.keep_truth)
    write_truth(request.out, found)
    return found


def counted(readings: Sequence[Reading]) -> Counts:
    """Count how readings ended."""
    ended = [reading.status for reading in readings]
    return Counts(ended.count(Status.PREDICTED), ended.count(Status.REFUSED), ended.count(Status.FAILED))


def _store(request: Request) -> Store:
    """The user's store for a named or de-identified cohort, else one beside the results.

    A de-identified cohort must not lie beside its results: the store knows where the originals are.
    """
    return cohorts.open_home() if _in_home(request) else Store.open(request.out / _WORK)


def _in_home(request: Request) -> bool:
    return bool(request.cohort or request.pseudonyms)


def _require_something(request: Request) -> None:
    """Raise where neither photographs are given nor a cohort that holds some."""
    if request.paths:
        return
    with cohorts.open_home() as store:
        known = [cohort.name for cohort in store.cohorts()]
    if request.cohort not in known:
        message = (
            "There is nothing to read: give photographs, a folder, a ZIP or a CSV of paths, or with --cohort one of "
            "the cohorts {known}."
        )
        raise UsageError(message, known=known or [say("none")])


def _limits(request: Request) -> Limits:
    """Limits from the photographs that are given, or from those that the cohort holds where none are."""
    if request.percentile is None:
        return LIMITS
    if request.paths:
        return limits_of(sources(request.paths), request.percentile)
    with cohorts.open_home() as store:
        held = cohorts.members(store, request.cohort)
        kept = (cohorts.source_of(store, request.cohort, item) for item in held)
        return limits_of(kept, request.percentile)


def _take_in(store: Store, request: Request, tell: Callable[[str], object] | None) -> None:
    if request.name not in {cohort.name for cohort in store.cohorts()}:
        store.create_cohort(request.name)
    if request.paths and request.pseudonyms is None and additions.by_rows(store, request.name):
        _attach(store, request, tell)
    elif request.paths:
        cohorts.intake(
            store,
            request.name,
            request.paths,
            pseudonyms=request.pseudonyms,
            writing=request.writing,
            visits_in_names=request.linkage.visiting.in_names,
        )


def _attach(store: Store, request: Request, tell: Callable[[str], object] | None) -> None:
    """Give the rows of predictions made elsewhere their photographs."""
    brought = list(sources(request.paths))
    done = additions.attach(store, request.name, brought, additions.match_photographs(store, request.name, brought))
    if tell and done.left:
        message = (
            "{n:,} {n:photograph fits|photographs fit} no row of the cohort, {n:is|are} in it already or cannot be "
            "read: {names}."
        )
        tell(say(message, n=len(done.left), names=done.left[:_SHOWN]))


def on_this_machine(
    store: Store, submit: Callable[[], int], progress: Callable[[runs.Progress], None] | None
) -> runs.Progress:
    """Have this machine's worker do it; a ``LeasedError`` where somebody else works the store off."""
    if refusal := runs.held_by_another(store):
        raise refusal
    run = submit()
    while True:
        runs.ensure_worker(store)
        now = runs.progress(store, run)
        if progress:
            progress(now)
        if now.ended:
            return now
        time.sleep(_POLL_SECONDS)


def _finished(
    store: Store,
    request: Request,
    limits: Limits,
    work_off: WorkOff,
    progress: Callable[[runs.Progress], None] | None,
) -> runs.Progress:
    now = work_off(store, lambda: runs.submit(store, request.name, request.models, limits=limits), progress)
    if not now.finished:
        raise UsageError(
            "The run stopped: {note}; mend that and call the same command again.", note=now.note or now.state
        )
    return now


def _merged(store: Store, request: Request) -> Iterator[Reading]:
    """Join the readings of several models: each target from the first model that has it."""
    columns = [store.readings(request.name, model) for model in request.models]
    for several in zip(*columns, strict=True):
        first = next((one for one in several if one.status is Status.PREDICTED), several[0])
        predictions = {name: one for reading in reversed(several) for name, one in reading.predictions.items()}
        yield replace(
            first,
            model="+".join(reading.model for reading in several),
            weights_sha256="+".join(reading.weights_sha256 for reading in several),
            predictions=predictions,
        )


def _targets(cards: Sequence[Card]) -> list[str]:
    return [target for target in TARGETS if any(target in card.targets for card in cards)]


def _write_record(request: Request, cards: Sequence[Card], limits: Limits, finished: runs.Progress) -> None:
    record = {
        "code_version": __version__,
        "paths": [str(path) for path in request.paths] if request.pseudonyms is None else [],
        "cohort": request.cohort,
        "deidentified": request.pseudonyms is not None,
        "models": [
            {
                "id": card.id,
                "title": card.title,
                "weights_sha256": card.weights.sha256,
                "card_sha256": card.sha256,
                "trained_on_rendered_eyes": card.rendered,
                "citation": card.citation,
                "acknowledgement": card.acknowledgement,
                "terms": card.terms,
            }
            for card in cards
        ],
        "quality": {"percentile": request.percentile, "limits": asdict(limits)},
        "photographs": {
            "total": finished.total,
            "predicted": finished.predicted,
            "refused": finished.refused,
            "failed": finished.failed,
        },
        "note": notice(cards),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (request.out / "run.json").write_text(text + "\n", encoding="utf-8")
