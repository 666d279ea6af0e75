"""What one photograph's steps and one cohort's intervals cost, and how fast the machine could be."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from fundus_core import evaluation, eye, images, quality, retina
from fundus_core.journey import CROP_RESERVE, WORKING_PX
from fundus_core.models.card import Card
from fundus_core.models.networks import build
from fundus_core.records import CohortTable
from fundus_core.retina import CropRule
from fundus_core.runs.preprocess import PICTURE, pictures
from fundus_core.targets import METABOLIC, TARGETS

Some = TypeVar("Some")


def reading_steps(paths: Sequence[Path], rule: CropRule, rounds: int = 3) -> dict[str, float]:
    """Return the processor seconds of every step, in the order in which they are taken.

    Of each photograph the least of several rounds, which what else runs disturbs least; the median over photographs.
    ``resize`` is what the rule's crop costs beyond cutting at full size; ``pictures`` are the two JPEGs for the pages,
    made from the same cut.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        turns = [[_one(path, rule) for path in paths] for _ in range(rounds)]
    finally:
        cv2.setNumThreads(threads)
    clocks = list(zip(*turns, strict=True))
    return {step: float(np.median([min(turn[step] for turn in clock) for clock in clocks])) for step in turns[0][0]}


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


_SECONDS = 1.0
DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


def multiply_adds(card: Card) -> float:
    """Return how many multiply-adds the card's network needs for one photograph; nothing is computed for it."""
    side = card.input.size
    body = build(card).network.body.to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        body(torch.zeros((1, 3, side, side), device="meta"))
    return float(counter.get_total_flops()) / 2


def matrix_rate(precision: str, side: int) -> float:
    """Return multiply-adds a second in the product of two square matrices, the best of a second's tries.

    The precision is ``float32`` or ``bf16``.
    """
    a, b = (torch.rand((side, side)).to(DTYPES[precision]) for _ in range(2))
    best, until = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < until or best == float("inf"):
        since = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - since)
    return float(side**3 / best)


PHOTOGRAPHS_PER_PERSON = 100 / 52


class Intervals:
    """Evaluates a drawn cohort."""

    def evaluate(self, patients: int, draws: int, ranked: bool) -> float:  # noqa: FBT001 (travels to a process)
        """Score five targets with intervals, 1.9 photographs a person; returns seconds.

        ``ranked`` is with the statistics that sort every draw.
        """
        table = cohort(patients)
        since = time.perf_counter()
        evaluation.evaluate(table, draws=draws, ranked=ranked)
        return time.perf_counter() - since


def cohort(patients: int) -> CohortTable:
    """Draw people with a truth and a prediction of the five targets."""
    random = np.random.default_rng(0)
    count = round(patients * PHOTOGRAPHS_PER_PERSON)
    person = np.sort(np.arange(count) % patients)
    words = np.full(count, "")
    truth, predicted = {}, {}
    for name in METABOLIC:
        target = TARGETS[name]
        middle, spread = (target.low + target.high) / 2, (target.high - target.low) / 12
        truth[name] = (middle + spread * random.standard_normal(patients))[person]
        predicted[name] = truth[name] + spread * random.standard_normal(count)
    return CohortTable(
        photograph=np.array([f"{number:07}.jpg" for number in range(count)]),
        patient_id=np.array([f"P{number:06}" for number in range(patients)])[person],
        eye=words,
        status=np.full(count, "predicted"),
        reason=words,
        quality=np.ones(count),
        out_of_distribution=np.zeros(count),
        truth=truth,
        predicted=predicted,
        low={name: values - 1 for name, values in predicted.items()},
        high={name: values + 1 for name, values in predicted.items()},
    )
