"""Lines fitted to raw values and truth, over people: how sure they are, and how far others lie from them.

Photographs with defects make networks say anything: values far out are drawn in or weigh less everywhere here.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats

DRAWS = 400
NEAR = 0.25
"""Of a truth's spread: a line that was fitted is sure where values are known to so much."""
_FAR = 2.5
"""Spreads from the middle beyond which a raw value is far out."""
_TORN = 2.6
"""Standard errors by which lines fitted to the halves of the people differ beyond chance."""


def draws(person: NDArray[np.int64]) -> Floats:
    """Return how often each photograph counts in each resampling of people (draws x n); the first row is once each."""
    people, place = np.unique(person, return_inverse=True)
    generator = np.random.default_rng(1)
    counts = generator.multinomial(len(people), np.full(len(people), 1 / len(people)), size=DRAWS)
    return np.concatenate([np.ones((1, len(person))), counts[:, place].astype(float)])


def bounded(raw: Floats) -> Floats:
    """Return raw values (n, or n x k) with those far out drawn in: of a spoilt photograph a network says anything.

    One in a hundred that lies ten spreads out halves a slope and a correlation.
    """
    middle, spread = _middle(raw)
    return np.clip(raw, middle - _FAR * spread, middle + _FAR * spread)


def _middle(raw: Floats) -> tuple[Floats, Floats]:
    """Median and robust spread of each column; beyond all values where more than half of them are one."""
    middle = np.nanmedian(raw, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(raw - middle), axis=0)
    return middle, np.where(spread > 0, spread, 1e100)


def regressions(raw: Floats, truth: Floats, weights: Floats) -> Floats:
    """Return slope and offset of the line that fits truth (n) best from raw values (n) in every resampling (draws x 2).

    Values far out weigh less, as in Mallows' estimates (Simpson, Ruppert, Carroll 1992, doi
    10.1080/01621459.1992.10475224); the slope is 0 where raw values do not vary.
    """
    known = np.isfinite(raw) & np.isfinite(truth)
    x, y = raw[known], truth[known]
    w = weights[:, known] * leverage(x)
    total = np.maximum(w.sum(axis=1), 1e-12)
    mx, my = (w @ x) / total, (w @ y) / total
    spread = (w @ x**2) / total - mx**2
    slope = np.where(spread > 1e-12, ((w @ (x * y)) / total - mx * my) / np.maximum(spread, 1e-12), 0.0)
    return np.stack([slope, my - slope * mx], axis=1)


def leverage(raw: Floats) -> Floats:
    """Return how much each raw value (n) weighs: 1, or so much less the farther out it lies that it pulls no slope."""
    middle, spread = _middle(raw)
    return np.asarray((_FAR * spread / np.maximum(np.abs(raw - middle), _FAR * spread)) ** 4)


@dataclass(frozen=True, slots=True)
class Fit:
    """A line that was fitted, and how sure it is."""

    target: str
    """Id."""
    scale: tuple[float, float, float]
    """And the ends of its 95 % interval over people."""
    offset: tuple[float, float, float]
    """And the ends of its 95 % interval over people."""
    apart: float
    """By how much values may be wrong at the ends of what four in five photographs say: half the 95 % interval, or the
    difference between the halves of the people where that is more; in spreads of the truth."""
    people: int
    """On so many."""

    @property
    def sure(self) -> bool:
        """Whether values are known to a quarter of the spread."""
        return self.apart <= NEAR

    @property
    def needed(self) -> int:
        """People of whom a line fitted to them would be sure, about."""
        return math.ceil(self.people * (self.apart / NEAR) ** 2)


def fit(target: str, raw: Floats, truth: Floats, person: NDArray[np.int64], halves: NDArray[np.bool_]) -> Fit:
    """Return how sure a line is that is fitted to raw values and truth (n each) of people (n); ``halves`` is the first.

    The ends of four in five photographs are asked, since scale and offset err together, and what counts is the values.
    """
    found = regressions(raw, truth, draws(person))
    known = np.isfinite(raw) & np.isfinite(truth)
    ends = np.quantile(raw[known], [0.1, 0.9])
    spread = max(float(truth[known].std()), 1e-12)

    def at_ends(lines: Floats) -> Floats:
        return np.asarray(lines[:, :1] * ends + lines[:, 1:])

    low, high = np.quantile(at_ends(found[1:]), [0.025, 0.975], axis=0)
    parts = [regressions(raw[part], truth[part], draws(person[part])) for part in (halves, ~halves)]
    gap = np.abs(at_ends(parts[0][:1]) - at_ends(parts[1][:1]))[0]
    error = np.sqrt(sum(at_ends(part[1:]).var(axis=0) for part in parts))
    torn = np.where(gap > _TORN * error, gap, 0.0)

    def with_ends(column: int) -> tuple[float, float, float]:
        ends_of = np.quantile(found[1:, column], [0.025, 0.975])
        return float(found[0, column]), float(ends_of[0]), float(ends_of[1])

    apart = float(np.maximum((high - low) / 2, torn).max()) / spread
    return Fit(target, with_ends(0), with_ends(1), apart, len(np.unique(person)))


def misplaced(values: Floats, truth: Floats, weights: Floats) -> Floats:
    """Return how far values (n x k, in the truths' units) lie from the lines that fit truth (n x k) from them best.

    Root mean square over photographs, in spreads of the truth, the median over the k targets, in every resampling.
    Nearly 0 where a card's lines belong to what the network says, whatever the network reads well or badly.
    """
    found = []
    for k in range(truth.shape[1]):
        known = np.isfinite(truth[:, k]) & np.isfinite(values[:, k])
        x, w = values[known, k], weights[:, known]
        slope, offset = regressions(x, truth[known, k], w).T
        w = w * leverage(x)
        total = np.maximum(w.sum(axis=1), 1e-12)
        mean = (w @ x) / total
        spread = np.maximum((w @ x**2) / total - mean**2, 0.0)
        far = np.sqrt((slope * mean + offset - mean) ** 2 + (slope - 1) ** 2 * spread)
        found.append(far / max(float(truth[known, k].std()), 1e-12))
    return np.asarray(np.median(found, axis=0))
