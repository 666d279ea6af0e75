"""What each step of reading one photograph costs one core: processor time, so that a busy machine counts little."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image

from fundus_core import eye, images, quality, retina
from fundus_core.journey import WORKING_PX
from fundus_core.records import RetinaCrop
from fundus_core.retina import CropRule
from fundus_core.runs.looking import PICTURE, THUMBNAIL_PX

Some = TypeVar("Some")


def reading_steps(paths: Sequence[Path], rule: CropRule) -> dict[str, float]:
    """Return the median processor seconds of every step, in the order in which they are taken.

    ``resize`` is what the rule's crop costs beyond cutting at full size; ``pictures`` are the two JPEGs for the pages.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        clocks = [_one(path, rule) for path in paths]
    finally:
        cv2.setNumThreads(threads)
    return {step: float(np.median([clock[step] for clock in clocks])) for step in clocks[0]}


def _one(path: Path, rule: CropRule) -> dict[str, float]:
    clock = _Clock()
    data = clock.time("read", path.read_bytes)
    at_least = max(WORKING_PX, 2 * rule.size)
    photograph = clock.time("decode", lambda: images.decode(data, path.name, at_least=at_least))
    bounds = clock.time("find", lambda: retina.find(photograph.pixels))
    clock.time("quality", lambda: quality.assess(photograph, bounds))
    clock.time("eye", lambda: eye.from_disc(photograph.pixels, bounds))
    side = round(2 * bounds.radius)
    clock.time("crop", lambda: retina.crop(photograph.pixels, bounds, CropRule(side)))
    clock.time("resize", lambda: retina.crop(photograph.pixels, bounds, rule))
    clock.seconds["resize"] = max(clock.seconds["resize"] - clock.seconds["crop"], 0.0)
    shown = clock.time("pictures", lambda: retina.crop(photograph.pixels, bounds, PICTURE))
    clock.time("pictures", lambda: _jpegs(shown))
    return clock.seconds


def _jpegs(crop: RetinaCrop) -> None:
    image = Image.fromarray(crop.pixels)
    image.save(io.BytesIO(), "JPEG", quality=88)
    image.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX).save(io.BytesIO(), "JPEG", quality=88)


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, step: str, work: Callable[[], Some]) -> Some:
        since = time.thread_time()
        done = work()
        self.seconds[step] = self.seconds.get(step, 0.0) + time.thread_time() - since
        return done
