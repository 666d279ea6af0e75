"""Drawing people, not photographs.

Two photographs of one person are not two observations, so people are drawn with replacement and bring all
their photographs along (the cluster bootstrap; Davison & Hinkley 1997, doi:10.1017/CBO9780511802843, section
3.8). A draw is a row of counts, how often each person of the pool was drawn. The pool is everybody with a
prediction, so that every target, subgroup and model sees the same draws and differences between them are
paired. Whatever is a function of sums costs one matrix product per block of draws for all of them together,
and memory does not grow with the number of draws.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED
from fundus_core.evaluation.intervals.interval_choice import Rule
from fundus_core.evaluation.intervals.matmul import matmul
from fundus_core.evaluation.observations.sample import Indices
from fundus_core.records import Floats

BLOCK = 2_000_000
"""Counts held at a time, 16 MB."""

JACKKNIFE_BLOCKS = 400
"""Statistics of order leave out people in at most this many blocks when BCa asks how skewed they are."""

MOST_DRAWN = 20_000_000
"""Draws times people, beyond which there are fewer draws where hundreds of intervals are wanted, or one at once."""

FEWEST_DRAWS = 200
"""Draws of however large a cohort."""

Statistic = Callable[[Floats], Floats]
"""From counts or sums, a row per draw, to values, draws x statistics."""


@dataclass(frozen=True, slots=True)
class Draws:
    """How people are drawn; the same three numbers always give the same draws."""

    people: int
    """People to draw from; as many are drawn each time."""
    number: int = NUMBER_OF_DRAWS
    """Draws."""
    seed: int = SEED
    """Of numpy's default generator (PCG64)."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be drawn with."""
        if self.number < 1 or self.seed < 0:
            raise UsageError(
                (
                    "{number} {number:draw|draws} with seed {seed}: choose at least 1 draw (2000 is usual) and a "
                    "seed from 0."
                ),
                number=self.number,
                seed=self.seed,
            )

    def blocks(self) -> Iterator[Floats]:
        """Yield counts, draws x people, a block of draws at a time; each row sums to ``people``.

        >>> [block.sum(axis=1).tolist() for block in Draws(people=3, number=2, seed=1).blocks()]
        [[3.0, 3.0]]
        """
        yield from (_kept(self),) if self.number * self.people <= BLOCK else _blocks(self)


def _blocks(draws: Draws) -> Iterator[Floats]:
    generator = np.random.default_rng(draws.seed)
    step = max(1, BLOCK // max(draws.people, 1))
    for start in range(0, draws.number, step):
        block = np.empty((min(step, draws.number - start), draws.people))
        for row in block:
            drawn = generator.integers(0, draws.people, size=draws.people, dtype=np.int64)
            row[:] = np.bincount(drawn, minlength=draws.people)
        yield block


@lru_cache(maxsize=4)
def _kept(draws: Draws) -> Floats:
    """The one block of a small cohort: every estimate, group and model asks for the same draws, hundreds of times."""
    (block,) = _blocks(draws)
    block.flags.writeable = False
    return block


def draws_for(people: int) -> int:
    """Return how many draws a cohort gets where nobody asked for a number: fewer from 10,000 people on.

    The ends of a percentile interval from 400 draws scatter by 0.13 standard errors of the statistic (from 2,000 by
    0.06; asymptotic variance of a quantile, a (1 - a) / (draws x density²)), and with tens of thousands of people a
    standard error is narrow. Each interval's method says how many draws it had.

    >>> draws_for(700), draws_for(50_000)
    (2000, 400)
    """
    return min(NUMBER_OF_DRAWS, max(FEWEST_DRAWS, MOST_DRAWN // max(people, 1)))


@dataclass(frozen=True, slots=True)
class _Statistics:
    """Some statistics of the same people."""

    people: Indices
    """Where the panel's G people stand in the pool."""
    names: tuple[str, ...]
    """Of the statistics."""
    needs: tuple[str, ...]
    """Why each may be missing."""
    rules: tuple[Rule, ...] = field(default=(), kw_only=True)
    """How each interval is made; without any, Student's t on the statistic as it is."""
    skews: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    """The measured skew that rules ask about, by its name there."""
    ends: Mapping[str, Callable[[], tuple[float, float, str] | str]] = field(default_factory=dict, kw_only=True)
    """By statistic, an interval that is made in a way of its own, or why there is none."""


@dataclass(frozen=True, slots=True)
class SumStatistic(_Statistics):
    """Statistics that are functions of sums over people."""

    sums: Floats
    """What each person adds: G x columns."""
    finish: Statistic
    """From sums, draws x columns, to values, draws x names; NaN where there is none."""

    def point(self) -> Floats:
        """The statistics on the data."""
        return np.asarray(self.finish(self.sums.sum(axis=0)[None])[0])

    def without_each(self) -> Floats:
        """The statistics without each person: G x names."""
        return self.finish(self.sums.sum(axis=0) - self.sums)


@dataclass(frozen=True, slots=True)
class CountStatistic(_Statistics):
    """Statistics that have to see every unit on every draw (medians, ranks)."""

    compute: Statistic
    """From counts, draws x G, to values, draws x names; NaN where there is none."""

    def point(self) -> Floats:
        """The statistics on the data."""
        return np.asarray(self.compute(np.ones((1, len(self.people))))[0])

    def without_each(self) -> Floats:
        """The statistics without each person, or without each of 400 blocks of people: rows x names."""
        people = len(self.people)
        block = np.arange(people) * min(people, JACKKNIFE_BLOCKS) // people
        return self.compute((block[None, :] != np.unique(block)[:, None]).astype(np.float64))


Statistics = SumStatistic | CountStatistic
"""Some statistics that are computed together."""


def resample(draws: Draws, panels: Sequence[Statistics]) -> list[Floats]:
    """Compute several panels on the same draws.

    Returns:
        Per panel an array draws x its names; without rows where there are not two people to draw.
    """
    if draws.people < 2:
        return [np.empty((0, len(panel.names))) for panel in panels]
    stacked = _stack(draws.people, panels)
    sums = np.empty((draws.number, stacked.shape[1]))
    counted: list[list[Floats]] = [[] for _ in panels]
    start = 0
    for block in draws.blocks():
        sums[start : start + len(block)] = matmul(block, stacked)
        start += len(block)
        for panel, parts in zip(panels, counted, strict=True):
            if isinstance(panel, CountStatistic) and len(panel.people):
                parts.append(panel.compute(np.take(block, panel.people, axis=1)))
    return _finish(panels, sums, counted)


def _stack(people: int, panels: Sequence[Statistics]) -> Floats:
    """Every panel's sums side by side, a row per person of the pool."""
    parts = []
    for panel in panels:
        if isinstance(panel, SumStatistic):
            part = np.zeros((people, panel.sums.shape[1]))
            part[panel.people] = panel.sums
            parts.append(part)
    return np.concatenate(parts, axis=1) if parts else np.empty((people, 0))


def _finish(panels: Sequence[Statistics], sums: Floats, counted: Sequence[Sequence[Floats]]) -> list[Floats]:
    results, column = [], 0
    for panel, parts in zip(panels, counted, strict=True):
        if isinstance(panel, SumStatistic):
            results.append(panel.finish(sums[:, column : column + panel.sums.shape[1]]))
            column += panel.sums.shape[1]
        else:
            nothing = np.full((len(sums), len(panel.names)), np.nan)
            results.append(np.concatenate(parts) if parts else nothing)
    return results
