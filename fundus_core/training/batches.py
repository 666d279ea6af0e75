"""Batches whose content depends on seed, epoch and place alone, so that training can stop and go on anywhere."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels
from fundus_core.training.augment import augment
from fundus_core.training.cache import Crops
from fundus_core.training.plan import Plan


@dataclass(frozen=True, slots=True)
class Batch:
    """What one forward pass sees."""

    crops: Pixels
    """n x S x S x 3, RGB, 0..255."""
    wanted: NDArray[np.float32]
    """n x columns, standardised, NaN where missing."""
    weight: Floats | None = None
    """n: how much each counts; alike where ``None``."""


@dataclass(frozen=True, slots=True)
class Deck:
    """The training photographs, dealt anew every epoch."""

    crops: Crops
    """All crops."""
    rows: NDArray[np.intp]
    """Those that are learnt from."""
    wanted: NDArray[np.float32]
    """All rows x columns, standardised."""
    plan: Plan
    """Seed of order and augmentation, photographs in a batch, strength of the augmentation, sides of the epochs."""

    @property
    def seed(self) -> int:
        """Of order and augmentation."""
        return self.plan.seed

    @property
    def batch(self) -> int:
        """Photographs in a batch."""
        return self.plan.batch

    def steps(self, passes: int) -> int:
        """Return steps per epoch when each takes that many batches (over all processes)."""
        return max(1, len(self.rows) // (self.batch * passes))

    def batches(self, epoch: int, first: int, *, passes: int, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """Yield one process's batches of an epoch (counted from 0) from a step on, prepared ahead in a thread.

        A step has ``passes`` batches over all processes; this one (number ``rank`` of ``world``) takes ``passes /
        world`` neighbours of them.
        """
        order = np.random.default_rng([self.seed, epoch, 1]).permutation(self.rows)
        order = np.resize(order, max(len(order), self.batch * passes))
        mine = passes // world
        places = [
            (step * passes + rank * mine + turn) * self.batch
            for step in range(first, self.steps(passes))
            for turn in range(mine)
        ]
        with ThreadPoolExecutor(1) as pool:
            ahead = deque(pool.submit(self._batch, epoch, order[p : p + self.batch]) for p in places[:3])
            for k in range(len(places)):
                batch = ahead.popleft().result()
                if k + 3 < len(places):
                    place = places[k + 3]
                    ahead.append(pool.submit(self._batch, epoch, order[place : place + self.batch]))
                yield batch

    def _batch(self, epoch: int, rows: NDArray[np.intp]) -> Batch:
        return Batch(np.stack([self._crop(epoch, int(row)) for row in rows]), self.wanted[rows])

    def _crop(self, epoch: int, row: int) -> Pixels:
        generator = np.random.default_rng([self.seed, epoch, 2, row])
        copy = int(generator.integers(len(self.crops.pixels)))
        side, crop = self.plan.side(epoch), self.crops.pixels[copy, row]
        if side < crop.shape[0]:
            crop = np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        return augment(crop, self.plan.augment, generator)
