"""Networks on a GPU, through torch: copies overlap with work, the batch is found by measuring, and long runs compile.

No GPU was at hand when this was written: its answers are tested on a processor, its speed is unmeasured.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fundus_core.inference.processor import filled
from fundus_core.models.card import Card
from fundus_core.models.networks import build
from fundus_core.records import Floats, Pixels

BATCHES = (8, 16, 32, 64, 128, 256)
"""Sizes that are tried, until one is no longer faster."""
FASTER = 0.95
"""A larger batch must take less than this share of the time a photograph, since it costs memory."""
COMPILE_AFTER = 1000
"""Photographs after which the network is compiled: that takes a minute, which a short run never earns back."""


class Torch:
    """A card's torch module on a device."""

    def __init__(self, card: Card, precision: str, device: str) -> None:
        """Load the network in ``float32`` or ``bf16`` and find its batch; ``cpu`` gives the same without streams."""
        self.device = torch.device(device)
        self.side = card.input.size
        self.reduced = precision == "bf16"
        self.reader: Any = build(card).to(self.device).to(memory_format=torch.channels_last)
        self.asked = 0
        self.compiled = False
        self.batch = 1
        self.batch = self.at_once = self._fastest()

    def __call__(self, crops: Pixels) -> tuple[Floats, Floats | None]:
        """Return values and features of crops; where they do not fit, in batches of half the size."""
        self._compile_if_worth_it(len(crops))
        while True:
            try:
                return self._all(crops)
            except torch.cuda.OutOfMemoryError:
                if self.batch == 1:
                    raise
                self.batch //= 2
                torch.cuda.empty_cache()

    def _all(self, crops: Pixels) -> tuple[Floats, Floats]:
        answers = [self._ask(batch) for batch in self._sent(crops)]
        values, pooled = (
            torch.cat(column)[: len(crops)].double().cpu().numpy() for column in zip(*answers, strict=True)
        )
        return values, pooled

    def _sent(self, crops: Pixels) -> Iterator[Tensor]:
        """Yield batches on the device; the next one is on its way while one is worked on."""
        starts = range(0, len(crops), self.batch)
        ahead = self._send(crops[: self.batch])
        for start in starts:
            batch, arrived = ahead
            following = crops[start + self.batch : start + 2 * self.batch]
            if len(following):
                ahead = self._send(following)
            if arrived is not None:
                now = torch.cuda.current_stream(self.device)
                now.wait_event(arrived)
                batch.record_stream(now)
            yield batch

    def _send(self, crops: Pixels) -> tuple[Tensor, torch.cuda.Event | None]:
        """Copy crops to the device, a whole batch for a compiled network; says also when they are there."""
        here = torch.from_numpy(filled(crops, self.batch if self.compiled else len(crops)))
        if self.device.type != "cuda":
            return here, None
        with torch.cuda.stream(self._copies()):
            there = here.pin_memory().to(self.device, non_blocking=True)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
        return there, event

    def _copies(self) -> torch.cuda.Stream:
        """The stream of copies of this call; streams are taken from a pool, so that this costs nothing."""
        return torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]

    def _ask(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.reduced):
            values, pooled = self.reader(batch)
        return values, pooled

    def _compile_if_worth_it(self, more: int) -> None:
        self.asked += more
        if self.compiled or self.asked < COMPILE_AFTER:
            return
        self.compiled = True
        eager = self.reader
        self.reader = torch.compile(eager, dynamic=False)
        try:
            self._ask(torch.zeros((self.batch, self.side, self.side, 3), dtype=torch.uint8, device=self.device))
        except (RuntimeError, ImportError, OSError):
            # No compiler on this machine, or a network that it does not know: slower, not wrong.
            self.reader = eager

    def _fastest(self) -> int:
        best, fastest = 1, float("inf")
        for size in BATCHES:
            with contextlib.suppress(torch.cuda.OutOfMemoryError):
                seconds = self._seconds(size) / size
                if seconds < FASTER * fastest:
                    best, fastest = size, seconds
                    continue
            break
        return best

    def _seconds(self, size: int) -> float:
        """Measure how long a batch takes, the second time."""
        self.batch = size
        crops = np.zeros((size, self.side, self.side, 3), np.uint8)
        self._all(crops)
        since = time.perf_counter()
        self._all(crops)
        return time.perf_counter() - since
