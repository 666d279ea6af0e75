"""What each step of reading one photograph costs one core: processor time, so that a busy machine counts little."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from fundus_core import eye, images, quality, retina
from fundus_core.journey import CROP_RESERVE, WORKING_PX
from fundus_core.retina import CropRule
from fundus_core.runs.preprocess import PICTURE, pictures

Some = TypeVar("Some")


def reading_steps(paths: Sequence[Path], rule: CropRule) -> dict[str, float]:
    """Return the median processor seconds of every step, in the order in which they are taken.

    ``resize`` is what the rule's crop costs beyond cutting at full size; ``pictures`` are the two JPEGs for the pages,
    made from the same cut.
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
    at_least = max(WORKING_PX, *(round(CROP_RESERVE * one.size) for one in (rule, PICTURE)))
    photograph = clock.time("decode", lambda: images.decode(data, path.name, at_least=at_least))
    bounds = clock.time("find", lambda: retina.find(photograph.pixels))
    clock.time("quality", lambda: quality.assess(photograph, bounds))
    clock.time("eye", lambda: eye.from_picture(photograph.pixels, bounds))
    side = round(2 * bounds.radius)
    clock.time("crop", lambda: retina.crop(photograph.pixels, bounds, CropRule(side)))
    whole = _Clock()
    whole.time("model", lambda: retina.crops(photograph.pixels, bounds, (rule,)))
    crops = whole.time("both", lambda: retina.crops(photograph.pixels, bounds, (rule, PICTURE)))
    clock.seconds["resize"] = max(whole.seconds["model"] - clock.seconds["crop"], 0.0)
    clock.seconds["pictures"] = max(whole.seconds["both"] - whole.seconds["model"], 0.0)
    clock.time("pictures", lambda: pictures(crops[-1]))
    return clock.seconds


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, step: str, work: Callable[[], Some]) -> Some:
        since = time.thread_time()
        done = work()
        self.seconds[step] = self.seconds.get(step, 0.0) + time.thread_time() - since
        return done
