"""Photographs that may have killed a worker are tried in a process of their own.

When a worker dies, everything that it held is suspect, most of it innocent: a decoder crashed on one photograph,
or somebody pulled the plug. So each suspect is opened alone in a child process. If the child dies on it, the
photograph has killed twice and is marked failed; the worker lives on and nothing else is held up.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from fundus_core.quality import LIMITS, Limits
from fundus_core.retina import CropRule
from fundus_core.runs import looking
from fundus_core.runs.claims import Member
from fundus_core.runs.looking import Looked
from fundus_core.runs.opening import Model, OpenModel
from fundus_core.runs.predicting import Predicted, predict

PATIENCE_S = 180.0
"""A child that has not answered by then is taken for dead."""

KILLED = (
    "killed_worker",
    "The photograph made the program that reads it crash, twice; open it in an image editor, save it anew and "
    "hand it in again.",
)


@dataclass(frozen=True, slots=True)
class Task:
    """One photograph and what to do with it."""

    member: Member
    """The photograph."""
    rules: tuple[CropRule, ...]
    """One per crop."""
    versions: frozenset[int]
    """Those that want it."""
    models: dict[int, str]
    """Model ids by version id where the networks are suspect too; else empty."""
    limits: Limits = LIMITS
    """What the photograph must keep to be gradable."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    looked: Looked
    """With the fault ``KILLED`` where the child died."""
    predicted: dict[int, Predicted]
    """By version id, where the networks were asked."""


def each(tasks: Sequence[Task], open_model: OpenModel) -> Iterator[Answer]:
    """Do tasks one after the other, each without danger to this process."""
    child: _Child | None = None
    try:
        for task in tasks:
            child = child or _Child(open_model)
            answer = child.ask(task)
            if answer is None:
                child.end()
                child = None
                answer = Answer(Looked(task.member, "", frozenset(), None, KILLED), {})
            yield answer
    finally:
        if child is not None:
            child.end()


class _Child:
    def __init__(self, open_model: OpenModel) -> None:
        context = multiprocessing.get_context("spawn")
        self.ours, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, open_model), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, task: Task) -> Answer | None:
        """The child's answer, or ``None`` where it died or hangs."""
        try:
            self.ours.send(task)
            if not self.ours.poll(PATIENCE_S):
                return None
            answer: Answer = self.ours.recv()
        except (EOFError, OSError):
            return None
        return answer

    def end(self) -> None:
        self.ours.close()
        self.process.join(1.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def _serve(pipe: Connection[Any, Any], open_model: OpenModel) -> None:
    """The child: answers until the pipe is closed, by the worker or by its death."""
    models: dict[str, Model] = {}
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            task: Task = pipe.recv()
            models |= {name: open_model(name) for name in task.models.values() if name not in models}
            pipe.send(_do(task, models))


def _do(task: Task, models: Mapping[str, Model]) -> Answer:
    looked = looking.look(
        task.member, task.rules, versions=task.versions, known=lambda _: frozenset(), limits=task.limits
    )
    asked = {version: models[name] for version, name in task.models.items()}
    return Answer(looked, predict(asked, [looked], task.rules).get(looked.member.id, {}))
