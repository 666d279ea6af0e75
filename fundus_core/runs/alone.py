"""Photographs that may have killed a worker are tried in a process of their own.

When a worker dies, everything that it held is suspect, most of it innocent: a decoder crashed on one photograph,
or somebody pulled the plug. So each suspect is opened alone in a child process. If the child dies on it, the
photograph has killed twice and is marked failed; the worker lives on and nothing else is held up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fundus_core.processes import Child, DiedError
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


class Apart:
    """Does tasks in a process of its own, which lives from the first until it dies on one or is ended."""

    def __init__(self, open_model: OpenModel) -> None:
        """Start nothing yet: most workers never meet a suspect."""
        self._open_model = open_model
        self._child: Child | None = None

    def each(self, tasks: Sequence[Task]) -> Iterator[Answer]:
        """Do tasks one after the other, each without danger to this process."""
        for task in tasks:
            self._child = self._child or Child(_Reader, self._open_model)
            try:
                answer: Answer = self._child.ask("do", task, patience_s=PATIENCE_S)
            except DiedError:
                self.end()
                answer = Answer(Looked(task.member, "", frozenset(), None, KILLED), {})
            yield answer

    def end(self) -> None:
        """End the process and give its memory back; the next task starts another."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Reader:
    """In the child: reads, and keeps the networks open between two photographs."""

    def __init__(self, open_model: OpenModel) -> None:
        self._open, self._models = open_model, dict[str, Model]()

    def do(self, task: Task) -> Answer:
        wanted = {name for name in task.models.values() if name not in self._models}
        self._models |= {name: self._open(name) for name in wanted}
        return _do(task, self._models)


def _do(task: Task, models: Mapping[str, Model]) -> Answer:
    looked = looking.look(
        task.member, task.rules, versions=task.versions, known=lambda _: frozenset(), limits=task.limits
    )
    asked = {version: models[name] for version, name in task.models.items()}
    return Answer(looked, predict(asked, [looked], task.rules).get(looked.member.id, {}))
