"""Who is measured: our way on one machine and on Ray, a clock on each part, and the plain way of public tools."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from fundus_core import runs
from fundus_core.cluster import LOCAL, Driver, connected
from fundus_core.errors import UsageError
from fundus_core.images import source_at
from fundus_core.inference import Predictions, open_predictor
from fundus_core.journey import examine
from fundus_core.models import card_files
from fundus_core.models.card import Card
from fundus_core.models.networks import build
from fundus_core.records import Pixels
from fundus_core.runs.loop import Batch, Worker
from fundus_core.runs.model_loading import Model, version_of
from fundus_core.runs.seat import Seat
from fundus_core.runs.worker import threads
from fundus_core.store import NewPhotograph, Store, run_table
from fundus_core.store.endings import Ending, Turn


@dataclass(frozen=True, slots=True)
class Done:
    """How long a round took."""

    seconds: float
    """From the first photograph to the last stored prediction."""
    spent: Mapping[str, float] = field(default_factory=dict)
    """Seconds of the worker's own thread by part: ``waiting`` for photographs to be read, ``predict``, ``store``."""

    @classmethod
    def checked(cls, store: Store, run: int, seconds: float, spent: Mapping[str, float]) -> Done:
        """Return how long a run took; a ``UsageError`` where a photograph of it was not predicted."""
        now = runs.progress(store, run)
        if now.predicted != now.total:
            raise UsageError(
                "Only {predicted} of {paths} rendered photographs were predicted; nothing can be timed.",
                predicted=now.predicted,
                paths=now.total,
            )
        return cls(seconds, spent)


def submitted(store: Store, paths: Sequence[Path], card: Card) -> int:
    """Ask for a run of photographs by one model."""
    store.create_cohort("benchmark", rendered=True)
    store.add_photographs("benchmark", (NewPhotograph.of_source(source_at(str(path))) for path in paths))
    return run_table.submit(store, "benchmark", [version_of(card)])


class Ours:
    """One network behind the worker."""

    def __init__(self, card: Path, precision: str, device: str, cache: Path) -> None:
        """Open the network of a card file, in ``float32`` or ``bf16``, on ``cpu`` or ``cuda``."""
        self.card = card_files.read(card)
        self.predictor = open_predictor(self.card, precision=precision, device=device, cache=cache)
        self.seconds = 0.0

    def work(self, paths: Sequence[Path]) -> Done:
        """Predict photographs and store the predictions.

        Raises:
            UsageError: A photograph was refused, so that the time would say nothing.
        """
        with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
            run = submitted(store, paths, self.card)
            model = Model(version_of(self.card), self.card.rule, self._predict, at_once=self.predictor.at_once)
            with Seat(store) as me, ThreadPoolExecutor(threads(), "look") as pool:
                self.seconds = 0.0
                worker = _Timed(store, lambda _: model, me, pool)
                since = time.perf_counter()
                while worker.step():
                    pass
                seconds = time.perf_counter() - since
            spent = {"waiting": worker.waiting, "predict": self.seconds, "store": worker.writing}
            return Done.checked(store, run, seconds, spent)

    def alone(self, path: Path, count: int) -> float:
        """Run the network alone on one crop in memory; returns seconds a photograph."""
        crop = examine(source_at(str(path)), [self.card.rule]).crops[0].pixels
        crops = np.repeat(crop[None], count, axis=0)
        since = time.perf_counter()
        self.predictor.predict(crops)
        return (time.perf_counter() - since) / count

    def _predict(self, crops: Pixels) -> Predictions:
        since = time.perf_counter()
        found = self.predictor.predict(crops)
        self.seconds += time.perf_counter() - since
        return found


class _Timed(Worker):
    """The worker with a clock on what its own thread does besides predicting."""

    waiting = 0.0
    writing = 0.0

    def wait_for(self, batch: Batch) -> bool:
        since = time.perf_counter()
        wanted = super().wait_for(batch)
        self.waiting += time.perf_counter() - since
        return wanted

    def write(self, turn: Turn, ended: Sequence[Ending]) -> None:
        since = time.perf_counter()
        super().write(turn, ended)
        self.writing += time.perf_counter() - since


_DARK = 15
"""A pixel brighter than this belongs to the field: the usual rule."""


class Plain:
    """One network behind the plain way of reading photographs."""

    def __init__(self, card: Path) -> None:
        """Load the network of a card file."""
        self.card = card_files.read(card)
        self.network: Any = build(self.card).network.body

    def work(self, paths: Sequence[Path], batch: int) -> float:
        """Predict photographs in batches; returns seconds."""
        since = time.perf_counter()
        answers = []
        for start in range(0, len(paths), batch):
            crops = np.stack([self._prepare(path) for path in paths[start : start + batch]])
            with torch.no_grad():
                answers.append(self.network(torch.from_numpy(crops)).numpy())
        seconds = time.perf_counter() - since
        if not np.isfinite(np.concatenate(answers)).all():
            raise ArithmeticError("The plain way gave no numbers.")
        return seconds

    def alone(self, count: int, batch: int) -> float:
        """Run the network alone on crops in memory; returns seconds a photograph."""
        side = self.card.input.size
        crops = torch.from_numpy(np.random.default_rng(0).random((batch, 3, side, side), dtype=np.float32))
        since = time.perf_counter()
        turns = max(count // batch, 1)
        with torch.no_grad():
            for _ in range(turns):
                self.network(crops)
        return (time.perf_counter() - since) / (turns * batch)

    def _prepare(self, path: Path) -> NDArray[np.float32]:
        given = self.card.input
        pixels = np.asarray(Image.open(path).convert("RGB"))
        lit = pixels.max(axis=2) > _DARK
        rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
        cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        small = Image.fromarray(cut).resize((given.size, given.size), Image.Resampling.BILINEAR)
        values = (np.asarray(small) / 255 - np.array(given.mean)) / np.array(given.std)
        return np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32)


class OnRay(Ours):
    """One network behind actors, which stay from round to round: their start does not count."""

    def __init__(self, card: Path, precision: str, device: str, cache: Path) -> None:
        """Start the cluster, which ends with this process."""
        super().__init__(card, precision, device, cache)
        self.opening = partial(_open, card, precision, device, cache)
        self.stack = contextlib.ExitStack()  # the cluster ends when nobody knows of it any more
        self.ray = self.stack.enter_context(connected(LOCAL))
        self.driver: Driver | None = None

    def work(self, paths: Sequence[Path]) -> Done:
        """Predict photographs and store the predictions, as ``Ours.work`` does."""
        with (
            tempfile.TemporaryDirectory() as folder,
            Store.open(folder) as store,
            Seat(store, "cluster", LOCAL) as seat,
        ):
            run = submitted(store, paths, self.card)
            seat.hold()
            driver = Driver(self.ray, seat, run, self.opening, [self.card])
            driver.actors = self.driver.actors if self.driver else []
            since = time.perf_counter()
            while driver.step():
                pass
            seconds, self.driver = time.perf_counter() - since, driver
            return Done.checked(store, run, seconds, {})


def _open(card: Path, precision: str, device: str, cache: Path, _model: str) -> Model:
    found = card_files.read(card)
    predictor = open_predictor(found, precision=precision, device=device, cache=cache)
    return Model(version_of(found), found.rule, predictor.predict, at_once=predictor.at_once)
