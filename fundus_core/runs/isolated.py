"""Photographs that may have killed a worker are tried in a process of their own.

When a worker dies, everything that it held is suspect, most of it innocent: a decoder crashed on one photograph,
or somebody pulled the plug. So each suspect is opened alone in a child process. If the child dies on it, the
photograph has killed twice and is marked failed; the worker lives on and nothing else is held up.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from fundus_core.processes import Child, DiedError
from fundus_core.retina import CropRule
from fundus_core.runs import preprocess
from fundus_core.runs.batch_prediction import predict
from fundus_core.runs.model_loading import Model, OpenModel
from fundus_core.runs.preprocess import Carried, Fault, Preprocessed
from fundus_core.store import Finding
from fundus_core.store.endings import ClaimedPhotograph, Turn

PATIENCE_S = 180.0
"""A child that has not answered by then is taken for dead."""

KILLED = (
    "killed_worker",
    "The photograph made the program that reads it crash, twice; open it in an image editor, save it anew and "
    "hand it in again.",
)

Answer = tuple[Preprocessed, Mapping[int, Finding | Fault]]
"""What came of a photograph: with the fault ``KILLED`` where the child died; and what models said, by version id."""


class Apart:
    """Reads photographs in a process of its own, which lives from the first until it dies on one or is ended."""

    def __init__(self, open_model: OpenModel) -> None:
        """Start nothing yet: most workers never meet a suspect."""
        self._open_model = open_model
        self._child: Child | None = None

    def each(
        self,
        turn: Turn,
        rules: tuple[CropRule, ...],
        photographs: Sequence[ClaimedPhotograph],
        carried: Mapping[int, Carried] = MappingProxyType({}),
    ) -> Iterator[Answer]:
        """Read photographs one after the other, each without danger to this process; the rules are one per crop.

        The networks are asked there too about those that have killed before. Bytes may be ``carried``, by id.
        """
        for photograph in photographs:
            self._child = self._child or Child(_Reader, self._open_model)
            try:
                asked = (turn, rules, photograph, carried.get(photograph.id))
                answer: Answer = self._child.ask("read", *asked, patience_s=PATIENCE_S)
            except DiedError:
                self.end()
                answer = Preprocessed(photograph, "", frozenset(), None, KILLED), {}
            yield answer

    def end(self) -> None:
        """End the process and give its memory back; the next photograph starts another."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Reader:
    """In the child: reads, and keeps the networks open between two photographs."""

    def __init__(self, open_model: OpenModel) -> None:
        self._open, self._models = open_model, dict[str, Model]()

    def read(
        self, turn: Turn, rules: tuple[CropRule, ...], photograph: ClaimedPhotograph, carried: Carried | None
    ) -> Answer:
        suspect = {version: one.model for version, one in turn.versions.items() if photograph.deaths > 1}
        self._models |= {name: self._open(name) for name in suspect.values() if name not in self._models}
        looked = preprocess.preprocess(
            photograph,
            rules,
            versions=frozenset(turn.versions),
            known=lambda _: frozenset(),
            limits=turn.limits,
            carried=carried,
        )
        asked = {version: self._models[name] for version, name in suspect.items()}
        return looked, predict(asked, [looked], rules).get(photograph.id, {})
