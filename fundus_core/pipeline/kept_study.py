"""The study of a stored cohort, and the job that computes a large one's analyses before anybody looks at them.

What is computed is kept beside the store, under the cohort's revision and the formulas' own text, and goes with the
cohort (:mod:`fundus_core.analyses.result_cache`); pages and this job ask for it by the same names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fundus_core import evaluation, figures
from fundus_core.analyses import Analysis, Disk, Memory, Study, one_cohort, plan_results, result_cache, subgroups
from fundus_core.analyses.study import counted
from fundus_core.errors import UsageError
from fundus_core.evaluation import Split
from fundus_core.jobs import DONE, Notice, keep
from fundus_core.pipeline.fitted import table_to_test
from fundus_core.pipeline.plans import stated_plan
from fundus_core.pipeline.result_files import known_cards
from fundus_core.records import CohortTable, Floats
from fundus_core.store import Cohort, Ids, Store, queries
from fundus_core.targets import TARGETS

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]

READING, COMPUTING = "reading", "computing"
"""Stages of the job."""
_ROOM = 150_000_000
"""Bytes of results that the job holds. It comes back to a target only after all others, and one of 1,600,000
photographs has more: it is read again for each analysis, which takes .2 s."""


_LOWEST_FIRST = ("quality",)
_READ = 4
"""Rows read for a photograph: its own, what the model found of it, its predictions, its measured values."""


def stored_study(
    store: Store, cohort: Cohort, model: str, seen: Callable[[int], object] = int, room: int = result_cache.ROOM
) -> Study:
    """Return the study of a cohort as it is now, under a model, with its plan; results of a large one are kept.

    ``seen`` is told of rows as they are read, see ``Store.table``; of results so many bytes stay in RAM.
    """
    disk = Disk(store, (cohort,), model, has_job=True)

    def whole() -> CohortTable:
        return table_to_test(store, cohort.id, model, seen)

    def person(who: str) -> CohortTable:
        return store.table(cohort.id, [model] if model else None, patient_id=who)

    memory = Memory(disk, room=room)
    alone = memory.lasting and not any(card.recalibrated for card in known_cards(model))  # nobody is left out then
    made = Study(
        lambda: {cohort.name: disk.kept("table", CohortTable, whole)}, memory=memory, person=person if alone else None
    )
    stated = stated_plan(store, cohort.id)
    return plan_results.with_plan(made, stated) if stated else made


def job_folder(store: Store, cohort: Cohort, model: str, level: str) -> Path:
    """Return where the job of these analyses lives: with their results, so that a changed cohort has none."""
    return Disk(store, (cohort,), model).job(level)


def begun(study: Study) -> bool:
    """Return whether the job has kept what every page of a cohort begins with."""
    return all(study.memory.has(name) for name in _BEGINNING) and study.has(one_cohort.POINTS)


_BEGINNING = ("usual_level", "columns", "outlines")
"""Names in a study's memory, in the order in which they are kept."""


def compute(store: Store, cohort: Cohort, model: str, level: str = "", job: Path | None = None) -> int:
    """Compute and keep every analysis that pages show of a cohort; returns how many there are.

    Args:
        store: Whose cohort.
        cohort: As it is now.
        model: Id of the card.
        level: Of observation; the usual one where it is empty.
        job: The folder in which to say how far it is, and to look whether it shall stop.

    Raises:
        UsageError: Somebody asked it to stop; what was kept stays.
    """
    notice = Notice(job)
    notice.say(READING, 0, cohort.photographs)
    rows = 0

    def seen(more: int) -> None:
        nonlocal rows
        rows += more
        notice.say(READING, min(rows // _READ, cohort.photographs), cohort.photographs)

    study = stored_study(store, cohort, model, seen, _ROOM).at(level)
    with notice.heeded():
        study.usual_level  # noqa: B018 - kept, also where a plan says another
        study.outlines  # noqa: B018 - kept, as pages begin with it
        wanted = list(_wanted(study))
        for done, (analysis, target, by) in enumerate(wanted):
            notice.say(COMPUTING, done, len(wanted), words=analysis.title)
            study.get(analysis, target, by)
        _keep_gallery(store, cohort, study)
    if job:
        keep(job, {"analyses": len(wanted)})
    notice.say(DONE, len(wanted), len(wanted))
    return len(wanted)


def ranked(
    store: Store, cohort: Cohort, study: Study, order: str, target: str = "", *, known: bool = False
) -> Indices | None:
    """Return the ids of the photographs that come first in an order of the gallery, those without the value last.

    A database has to look at every photograph for that. ``known``: nothing, unless it was kept already.
    """
    name = ("ranked", order, target)

    def made() -> Indices:
        values = _values(study.table, order, target)
        first = np.argsort(values if order in _LOWEST_FIRST else -values, kind="stable")[: queries.FIRST]
        return np.asarray(study.memory.kept("ids", np.ndarray, lambda: store.ids(cohort.id))[first])

    return None if known and not study.memory.has(name) else study.memory.kept(name, np.ndarray, made)


def _values(table: CohortTable, order: str, target: str) -> Floats:
    if order in ("quality", "distance"):
        return table.quality if order == "quality" else table.out_of_distribution
    nothing = np.full(len(table), np.nan)
    truth, predicted = (columns.get(target, nothing) for columns in (table.truth, table.predicted))
    by: dict[str, Floats] = {"truth": truth, "predicted": predicted, "absolute_error": np.abs(predicted - truth)}
    return by[order]


def predicted_bars(study: Study, target: str, *, known: bool = False) -> tuple[Floats, Floats] | None:
    """Return how a cohort's predictions of a target are distributed, as ``figures.bars`` counts them."""
    name = ("predicted_bars", target)

    def made() -> tuple[Floats, Floats]:
        values = study.table.predicted.get(target, np.empty(0))
        return figures.bars(values[np.isfinite(values)])

    return None if known and not study.memory.has(name) else study.memory.kept(name, tuple, made)


def splits(study: Study) -> dict[str, Split]:
    """Return how a cohort can be split, by column: what its table brought first, then what every cohort has."""

    def made() -> Iterator[tuple[str, Split]]:
        for column in sorted(study.columns, key=lambda name: name not in study.outline.brought):
            with contextlib.suppress(UsageError):  # a part or two of enough people
                yield column, evaluation.split(study.table, column)

    return study.memory.kept("splits", dict, lambda: dict(made()))


def three_photographs(study: Study, target: str) -> list[str]:
    """Return the names of the photographs whose error is the smallest, the middle and the largest of a target."""

    def made() -> list[str]:
        table = study.ordered
        if not len(rows := np.flatnonzero(counted(table, TARGETS[target]))):
            return []
        order = rows[np.argsort(_values(table, "absolute_error", target)[rows], kind="stable")]
        return [str(table.photograph[at]) for at in dict.fromkeys(order[[0, len(order) // 2, -1]].tolist())]

    return study.memory.kept(("three_photographs", target), list, made)


def groups(study: Study, column: str) -> tuple[list[str], Indices]:
    """Return the words of a column that cuts the cohort, and of each photograph the number of its own."""

    def made() -> tuple[list[str], Indices]:
        words, numbers = np.unique(evaluation.grouping(study.table, column), return_inverse=True)
        return [str(word) for word in words], numbers.astype(np.uint8)

    return study.memory.kept(("groups", column), tuple, made)


def in_group(store: Store, cohort: Cohort, study: Study, column: str, word: str) -> Ids | None:
    """Return the ids of the photographs of one group of a column; none where some were left out of the study."""
    words, numbers = groups(study, column)
    if word not in words or len(numbers) != cohort.photographs:
        return None
    ids = study.memory.kept("ids", np.ndarray, lambda: store.ids(cohort.id))
    return Ids.of(ids[numbers == words.index(word)])


def _keep_gallery(store: Store, cohort: Cohort, study: Study) -> None:
    """Keep what figures draw, what stands beside one photograph, and what the gallery sorts and filters by.

    The last where nobody is left out.
    """
    _keep_observations(study)
    if len(study.table) != cohort.photographs:
        return
    for order in ("quality", "distance"):
        ranked(store, cohort, study, order)
    for target in TARGETS:
        for order in ("absolute_error", "truth", "predicted"):
            ranked(store, cohort, study, order, target)
    for column in study.columns:
        groups(study, column)


def _keep_observations(study: Study) -> None:
    study.choices  # noqa: B018 - kept
    splits(study)
    for target in study.targets:
        study.by_error(target)
        three_photographs(study, target)
        for column in study.columns:
            study.words(target, column)
    for target in study.table.predicted:
        predicted_bars(study, target)


def _wanted(study: Study) -> Iterable[tuple[Analysis[Any], str, str]]:
    """Whatever is worth keeping, in the order in which pages come to it; what is cut by columns takes longest."""
    wanted = [*_each(study, one_cohort.POINTS), *_each(study, one_cohort.QUICK_SCORES)]
    firsts: Sequence[Analysis[Any]] = (one_cohort.BASELINES, one_cohort.BEYOND, one_cohort.DECIDED)
    for analysis in firsts:
        wanted += list(_each(study, analysis))[:1]
    wanted += [*_each(study, one_cohort.BASELINES), *of_slides(study)]
    tables: Sequence[Analysis[Any]] = (one_cohort.SCORES, one_cohort.CRITERION, *one_cohort.TABLES)
    for analysis in sorted(tables, key=lambda one: one.cut):
        wanted += _each(study, analysis)
    wanted += _each(study, subgroups.NEIGHBOURS)
    return {(analysis.id, about, by): (analysis, about, by) for analysis, about, by in wanted}.values()


def of_slides(study: Study) -> Sequence[tuple[Analysis[Any], str, str]]:
    """Return what a cohort's slides need and the job keeps: analysis, target or criterion, and column."""
    wanted = [*_each(study, one_cohort.QUICK_SCORES), *_each(study, one_cohort.DRAWN)]
    wanted += list(_each(study, one_cohort.CRITERION))[:1]
    for analysis in one_cohort.SECTIONS:
        wanted += [] if analysis.cut else _each(study, analysis)
    return wanted


def _each(study: Study, analysis: Analysis[Any]) -> Iterator[tuple[Analysis[Any], str, str]]:
    """Yield an analysis with each target or criterion that it is for, and each column that it asks about."""
    if analysis.kind is not None:
        for about in study.of_interest(analysis):
            yield from ((analysis, about, by) for by in (study.columns if analysis.cut else ("",)))
