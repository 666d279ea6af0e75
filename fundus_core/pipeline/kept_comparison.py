"""The study of stored cohorts side by side, or of a cohort's models, and the job that computes it for the pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from fundus_core import owner_only
from fundus_core.analyses import (
    Analysis,
    Answers,
    Disk,
    Memory,
    Study,
    keep_drawn,
    make_ids_unique,
    side_by_side,
    unanswered,
)
from fundus_core.evaluation import Shared, as_text, from_text, select_rows, selected_rows
from fundus_core.jobs import DONE, Notice, keep
from fundus_core.pipeline.kept_study import COMPUTING, READING, stored_study
from fundus_core.records import CohortTable, Labels, Rule
from fundus_core.store import Cohort, Store

ASKED = "asked.json"
"""Beside a job: what stands side by side."""


@dataclass(frozen=True, slots=True)
class Member:
    """A cohort under one model, or a part of it, among those that stand side by side."""

    name: str
    """What tables call it; unique among them."""
    cohort: Cohort
    """As it is now."""
    model: str
    """Id of the card."""
    rule: Rule | None = None
    """What made the part; ``None`` for all of it."""


StudyOf = Callable[[Cohort, str], Study]
"""Gives the study of a whole cohort under a model."""


def answers_about(store: Store, members: Sequence[Member]) -> Answers:
    """Return what somebody has said of cohorts that have ids in common: whether those are the same people."""
    names = {one.cohort.key: one.cohort.name for one in members}
    kept = {one.cohort.name: store.documents(one.cohort.id, "same_people") for one in members}
    return {
        frozenset((name, names[one.name])): bool(one.content["same"])
        for name, documents in kept.items()
        for one in documents
        if one.name in names
    }


def studied_together(
    store: Store,
    members: Sequence[Member],
    shared: Mapping[str, Shared] = MappingProxyType({}),
    study_of: StudyOf | None = None,
) -> Study:
    """Return the study of cohorts side by side; equal ids of different people are made different.

    Results of large cohorts are kept beside the store, as ``stored_study`` does, and go with any of them.

    Args:
        store: Whose cohorts.
        members: What stands side by side.
        shared: What other sites shared, by their names.
        study_of: Gives a whole cohort's study where somebody has it already.
    """

    def load() -> Mapping[str, CohortTable]:
        if len({one.cohort.id for one in members}) == 1:  # parts, or models: of the same people
            read = {one.model: one for one in members}  # parts of a cohort are cut out of one table
            tables = {model: _whole(store, one, study_of) for model, one in read.items()}
            return {one.name: _of_part(one, tables[one.model], tables[one.model]) for one in members}
        wholes, hashes = _wholes(store, members, study_of)
        # cohorts, not parts: two parts of one share people without a photograph
        apart = make_ids_unique(wholes, hashes, answers_about(store, members))
        return {one.name: _of_part(one, wholes[one.cohort.name], apart[one.cohort.name]) for one in members}

    return Study(load, shared=shared, memory=Memory(_disk(store, members, shared)))


def open_questions(
    store: Store, members: Sequence[Member], study: Study, study_of: StudyOf | None = None
) -> Mapping[tuple[str, str], int]:
    """Return how many ids two cohorts have in common of which nobody has said whether they are the same people.

    ``study`` is theirs by ``studied_together``, which remembers the answer.
    """

    def asked() -> dict[tuple[str, str], int]:
        return unanswered(*_wholes(store, members, study_of), answers_about(store, members))

    return study.memory.kept("questions", dict, asked) if len({one.cohort.id for one in members}) > 1 else {}


def comparing_folder(
    store: Store,
    members: Sequence[Member],
    shared: Mapping[str, Shared] = MappingProxyType({}),
    level: str = "",
    target: str | None = "",
    margins: Mapping[str, float] = MappingProxyType({}),
) -> Path:
    """Return where the job of a comparison lives, with what it is asked laid down for it.

    Args:
        store: Whose cohorts.
        members: What stands side by side.
        shared: What other sites shared, by their names.
        level: Of observation; the usual one where it is empty.
        target: What a page shows of one; an empty one: all that the report holds; ``None``: what pages begin with.
        margins: Per target the largest difference that would not matter.
    """
    folder = _disk(store, members, shared).place(("job", level, target, sorted(margins.items())), "job")
    if not (folder / ASKED).exists():
        told = [
            {"name": one.name, "cohort": one.cohort.name, "model": one.model, "rule": one.rule and one.rule.as_json()}
            for one in members
        ]
        others = {name: as_text(one) for name, one in shared.items()}
        asked = {"members": told, "shared": others, "level": level, "target": target, "margins": dict(margins)}
        owner_only.replace(owner_only.folder(folder) / ASKED, json.dumps(asked).encode())
    return folder


def compute_together(store: Store, asked: Path, job: Path | None = None) -> int:
    """Compute and keep what pages show of cohorts side by side, or of a cohort's models; returns how many analyses.

    Args:
        store: Whose cohorts.
        asked: What ``comparing_folder`` laid down.
        job: The folder in which to say how far it is, and to look whether it shall stop.

    Raises:
        UsageError: Somebody asked it to stop; what was kept stays.
    """
    notice = Notice(job)
    notice.say(READING)
    told: dict[str, Any] = json.loads(asked.read_text(encoding="utf-8"))
    members = [
        Member(
            one["name"], store.cohort(one["cohort"]), one["model"], Rule.from_json(one["rule"]) if one["rule"] else None
        )
        for one in told["members"]
    ]
    shared = {name: from_text(text.encode(), name) for name, text in told["shared"].items()}
    several = len({one.cohort.id for one in members}) > 1
    study_of = cache(partial(stored_study, store)) if several else None  # each is read for two questions
    study = studied_together(store, members, shared, study_of).at(told["level"], told["margins"])
    models = len({(one.cohort.id, one.rule) for one in members}) == 1 < len(members)
    wanted = [(side_by_side.MODELS, told["target"])] if models else list(_wanted(study, told["target"]))
    with notice.heeded():
        if not models:
            _begin(store, members, study, study_of)
        for done, (analysis, about) in enumerate(wanted):
            notice.say(COMPUTING, done, len(wanted), words=analysis.title)
            study.rows(analysis, about)
        for target in () if models else dict.fromkeys(about for _analysis, about in wanted if about):
            keep_drawn(study, target)
    if job:
        keep(job, {"analyses": len(wanted)})
    notice.say(DONE, len(wanted), len(wanted))
    return len(wanted)


def known_together(members: Sequence[Member], study: Study) -> bool:
    """Return whether what pages of cohorts side by side begin with is kept; ``study`` is theirs."""
    several = len({one.cohort.id for one in members}) > 1
    return all(map(study.memory.has, ("usual_level", "outlines", *(["questions"] if several else []))))


def _begin(store: Store, members: Sequence[Member], study: Study, study_of: StudyOf | None) -> None:
    study.usual_level  # noqa: B018 - kept
    study.outlines  # noqa: B018 - kept
    open_questions(store, members, study, study_of)


def _wanted(study: Study, target: str | None) -> Iterator[tuple[Analysis[Any], str]]:
    """What a page shows of a target; of an empty one what the report holds, a target at a time where it can be."""
    if target is None:
        return
    if target:
        for each in side_by_side.SHOWN:
            if each is not side_by_side.MODELS:
                yield each, "" if each.asks == "cohort" and not each.at_level else target
        return
    for name in study.targets:
        yield side_by_side.COMPARISON, name
        yield side_by_side.RECALIBRATION, name
    for each in (side_by_side.COMPARISON, *side_by_side.TABLES):
        for name in study.of_interest(each):
            yield each, name


def comparison_key(store: Store, members: Sequence[Member], shared: Mapping[str, Shared]) -> tuple[Any, ...]:
    """Return what tells cohorts side by side from others: themselves, what is said of equal ids, others' results."""
    return (
        tuple((one.name, one.cohort.key, one.model, one.rule.as_json() if one.rule else "") for one in members),
        str(sorted((sorted(pair), yes) for pair, yes in answers_about(store, members).items())),
        tuple((name, as_text(one)) for name, one in shared.items()),
    )


def _disk(store: Store, members: Sequence[Member], shared: Mapping[str, Shared]) -> Disk:
    cohorts = tuple({one.cohort.id: one.cohort for one in members}.values())
    return Disk(store, cohorts, comparison_key(store, members, shared))


def _whole(store: Store, member: Member, study_of: StudyOf | None) -> CohortTable:
    return (study_of or (lambda *of: stored_study(store, *of)))(member.cohort, member.model).table


def _wholes(
    store: Store, members: Sequence[Member], study_of: StudyOf | None
) -> tuple[dict[str, CohortTable], dict[str, Labels]]:
    """Return the tables of several cohorts, and the hashes of their photographs, to tell people apart in."""
    found = {one.cohort.id: one for one in members}
    tables = {one.cohort.name: _whole(store, one, study_of) for one in found.values()}
    return tables, {one.cohort.name: _hashes(store, one, tables[one.cohort.name]) for one in found.values()}


def _hashes(store: Store, member: Member, table: CohortTable) -> Labels:
    """Return the hash of each photograph of a table, from which people may have been left out."""
    hashes = store.hashes(member.cohort.id)
    some = len(hashes) > len(table)
    return hashes[np.isin(store.table(member.cohort.id).photograph, table.photograph)] if some else hashes


def _of_part(member: Member, whole: CohortTable, apart: CohortTable) -> CohortTable:
    """Return the part's rows, found by the ids that its rule knows."""
    return select_rows(apart, selected_rows(whole, member.rule)) if member.rule else apart
