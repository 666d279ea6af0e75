"""Our way on a cluster of this machine alone: what Ray costs where it is not needed."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fundus_core.benchmark.product_way import Done, Ours, submitted
from fundus_core.cluster import LOCAL, Driver, connected
from fundus_core.inference import open_predictor
from fundus_core.models import card_files
from fundus_core.runs.model_loading import Model, version_of
from fundus_core.runs.seat import Seat
from fundus_core.store import Store


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
