"""The study of a stored cohort, and the job that computes a large one's analyses before anybody looks at them.

What is computed is kept beside the store, under the cohort's revision and the formulas' own text, and goes with the
cohort (:mod:`fundus_core.analyses.result_cache`); pages and this job ask for it by the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fundus_core.analyses import Analysis, Disk, Memory, Study, one_cohort, plan_results
from fundus_core.jobs import DONE, Notice, keep
from fundus_core.pipeline.fitted import table_to_test
from fundus_core.pipeline.plans import stated_plan
from fundus_core.records import CohortTable
from fundus_core.store import Cohort, Store

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]

READING, COMPUTING = "reading", "computing"
"""Stages of the job."""


_READ = 4
"""Rows read for a photograph: its own, what the model found of it, its predictions, its measured values."""


def stored_study(store: Store, cohort: Cohort, model: str, seen: Callable[[int], object] = int) -> Study:
    """Return the study of a cohort as it is now, under a model, with its plan; results of a large one are kept.

    ``seen`` is told of rows as they are read; see ``Store.table``.
    """
    disk = Disk(store, (cohort,), model)

    def whole() -> CohortTable:
        return table_to_test(store, cohort.id, model, seen)

    made = Study(lambda: {cohort.name: disk.kept("table", CohortTable, whole)}, memory=Memory(disk))
    stated = stated_plan(store, cohort.id)
    return plan_results.with_plan(made, stated) if stated else made


def job_folder(store: Store, cohort: Cohort, model: str, level: str) -> Path:
    """Return where the job of these analyses lives: with their results, so that a changed cohort has none."""
    return Disk(store, (cohort,), model).place(("job", level), "job")


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

    study = stored_study(store, cohort, model, seen).at(level)
    with notice.heeded():
        wanted = list(_wanted(study))
        for done, (analysis, target, by) in enumerate(wanted):
            notice.say(COMPUTING, done, len(wanted), words=analysis.title)
            study.get(analysis, target, by)
        for target in study.targets if len(study.table) == cohort.photographs else ():
            largest_errors(store, cohort, study, target)
    if job:
        keep(job, {"analyses": len(wanted)})
    notice.say(DONE, len(wanted), len(wanted))
    return len(wanted)


def largest_errors(store: Store, cohort: Cohort, study: Study, target: str, *, known: bool = False) -> Indices | None:
    """Return the ids of a cohort's photographs, those with the largest error of a target first, without any last.

    A database has to look at every photograph for that. ``known``: nothing, unless it was kept already.
    """
    name = ("largest_errors", target)

    def made() -> Indices:
        error = np.abs(study.table.predicted[target] - study.table.truth[target])
        order = np.argsort(-error, kind="stable")
        return np.asarray(store.ids(cohort.id)[order])

    return None if known and not study.memory.has(name) else study.memory.kept(name, np.ndarray, made)


def _wanted(study: Study) -> Iterator[tuple[Analysis[Any], str, str]]:
    """Whatever is worth keeping, the numbers that pages open with first."""
    first: list[Analysis[Any]] = [
        one_cohort.POINTS,
        one_cohort.QUICK_SCORES,
        one_cohort.SCORES,
        one_cohort.CRITERION,
    ]
    for analysis in (*first, *one_cohort.TABLES):
        if analysis.kind is not None:
            for about in study.of_interest(analysis):
                for by in study.columns if analysis.cut else ("",):
                    yield analysis, about, by
