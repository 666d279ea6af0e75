"""How well a reading of a model agrees with the truth: correlations, errors and their differences, over people.

A reading is right if it agrees best, and by more than chance: every comparison resamples people (not photographs) and
is paired, since two readings of one model err alike.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core.checking.fits import bounded, regressions
from fundus_core.records import Floats

_MOST_ORDERED = 8
"""Outputs of which every order is tried."""
SURE, CONFIRMED = 0.995, 0.95
"""How sure a change must be on the half that finds it, and on the half that confirms it."""
FEWEST = 30
"""People of a half below which nothing is decided."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Photographs of known truth."""

    truth: Floats
    """n x k, a column for each output that has truth; NaN where unknown."""
    person: NDArray[np.int64]
    """n numbers, one for each person."""
    binary: tuple[bool, ...]
    """By column."""

    def half(self, which: int) -> NDArray[np.bool_]:
        """Return which photographs are of one half of the people (0 or 1), drawn once and for all."""
        people = np.unique(self.person)
        first = np.random.default_rng(20261129).permutation(people)[: (len(people) + 1) // 2]
        inside = np.isin(self.person, first)
        return inside if which == 0 else ~inside


def correlations(values: Floats, truth: Floats, weights: Floats) -> Floats:
    """Return Pearson's correlation of every output with every truth in every resampling (draws x outputs x truths).

    Values far out count in full: a wrong reading of the card makes more of them, which is half of what tells it.
    """
    found = np.zeros((len(weights), values.shape[1], truth.shape[1]))
    for column in range(truth.shape[1]):
        known = np.isfinite(truth[:, column]) & np.isfinite(values).all(axis=1)
        if known.sum() < FEWEST or np.ptp(truth[known, column]) == 0:
            continue
        w, x, y = weights[:, known], values[known], truth[known, column]
        x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)
        y = (y - y.mean()) / y.std()
        total = w.sum(axis=1)
        mx, my = (w @ x) / total[:, None], (w @ y) / total
        vx, vy = (w @ x**2) / total[:, None] - mx**2, (w @ y**2) / total - my**2
        both = (w @ (x * y[:, None])) / total[:, None] - mx * my[:, None]
        found[:, :, column] = both / np.sqrt(np.maximum(vx * vy[:, None], 1e-24))
    return found


def useful(matrix: Floats, binary: Sequence[bool]) -> Floats:
    """Return correlations as they count: of a yes/no target in either direction, of others only rising together."""
    return np.where(np.array(binary), np.abs(matrix), np.maximum(matrix, 0.0))


def best_order(matrix: Floats, binary: Sequence[bool]) -> tuple[int, ...]:
    """Return for each truth the output that fits it, so that all together fit best (largest likelihood)."""
    cost = 0.5 * np.log(1 - np.minimum(useful(matrix, binary), 0.999) ** 2)
    count = matrix.shape[1]
    if count > _MOST_ORDERED:
        return tuple(range(count))
    places = np.arange(count)
    return min(itertools.permutations(range(count)), key=lambda order: float(cost[list(order), places].sum()))


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much one reading agrees better than another."""

    value: float
    """Mean correlation over the outputs, the one less the other."""
    low: float
    """Lower end of its interval."""
    high: float
    """Upper end of its interval."""
    people: int
    """On so many."""

    @property
    def needed(self) -> int:
        """How many people would show a difference of this size (95 %, four times in five); 0 where it is nothing."""
        error = (self.high - self.low) / 2 / 1.96
        return 0 if abs(self.value) < 1e-4 else math.ceil(self.people * ((1.96 + 0.84) * error / abs(self.value)) ** 2)


def gain(one: Floats, other: Floats, people: int, sure: float = 0.95) -> Gain:
    """Return by how much scores (draws, the first of the sample itself) exceed others."""
    gap = one - other
    low, high = np.quantile(gap[1:], [(1 - sure) / 2, (1 + sure) / 2])
    return Gain(float(gap[0]), float(low), float(high), people)


def agreement(matrix: Floats, order: Sequence[int], binary: Sequence[bool]) -> Floats:
    """Return the mean useful correlation under an order of outputs, in every resampling."""
    found = np.stack([useful(matrix, binary)[:, output, k] for k, output in enumerate(order)], axis=1)
    return np.asarray(found.mean(axis=1))


# Lines of an output ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """What turns a raw output into the target's unit."""

    link: str
    """``identity``, ``exp`` or ``sigmoid``."""
    scale: float
    """Multiplied first."""
    offset: float
    """Added then."""
    why: str = ""
    """Where it comes from: ``card``, ``moved``, ``plain``, ``unit``, ``log``, ``logit``, ``class``, ``fitted``."""

    def __call__(self, raw: Floats) -> Floats:
        """Return the values."""
        linear = raw * self.scale + self.offset
        if self.link == "exp":
            return np.exp(np.clip(linear, -50, 50))
        return 1 / (1 + np.exp(-np.clip(linear, -50, 50))) if self.link == "sigmoid" else linear


def fitted(raw: Floats, truth: Floats) -> Line | None:
    """Return the line that fits best; ``None`` where the two do not rise together."""
    known = np.isfinite(raw) & np.isfinite(truth)
    if known.sum() < FEWEST or np.ptp(raw[known]) == 0:
        return None
    slope, offset = regressions(raw, truth, np.ones((1, len(raw))))[0]
    return Line("identity", float(slope), float(offset), "fitted") if slope > 0 else None


def errors(line: Line, raw: Floats, truth: Floats, weights: Floats, *, binary: bool) -> Floats:
    """Return the mean absolute error in every resampling; of a yes/no target the mean squared one (Brier)."""
    known = np.isfinite(raw) & np.isfinite(truth)
    gap = np.abs(line(raw[known]) - truth[known])
    w = weights[:, known]
    return np.asarray((w @ np.minimum(gap**2 if binary else gap, 1e9)) / w.sum(axis=1))


def strange(line: Line, raw: Floats, truth: Floats, *, binary: bool) -> bool:
    """Whether values lie so far from the truth that no difference between two populations explains it."""
    known = np.isfinite(raw) & np.isfinite(truth)
    said, true = line(bounded(raw[known])), truth[known]
    if binary:
        return bool(said.min() < -0.01 or said.max() > 1.01 or np.corrcoef(said, true)[0, 1] < -0.1)
    spread, width = max(float(true.std()), 1e-9), float(said.std())
    far = 0.5 if line.why in ("plain", "log") else 1.5  # a line that the card does not know must fit these people
    if abs(said.mean() - true.mean()) > far * spread or not 0 < width < 3 * spread:
        return True
    together = float(np.corrcoef(said, true)[0, 1])
    slope, error = together * spread / width, math.sqrt((1 - together**2) / len(said)) * spread / width
    return bool(slope - 2.6 * error > 3 or slope + 2.6 * error < 0.33)


def choose(lines: Sequence[Line], raw: Floats, truth: Floats, weights: Floats, *, binary: bool) -> Line:
    """Return the first line that no other beats by more than chance, the card's own before all.

    A line that was fitted stands only where every other one is strange: a shift between two populations is no fault
    of a card.
    """
    usable = [line for line in lines if line.why != "fitted"]
    kept = [line for line in usable if not strange(line, raw, truth, binary=binary)] or list(lines)
    scored = [(line, errors(line, raw, truth, weights, binary=binary)) for line in kept]
    best = min(scored, key=lambda one: float(one[1][0]))[1]
    return next(line for line, error in scored if float(np.quantile((error - best)[1:], 0.005)) <= 0)
