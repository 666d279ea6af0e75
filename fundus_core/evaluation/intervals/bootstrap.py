"""Drawing people, not photographs.

Two photographs of one person are not two observations, so people are drawn with replacement and bring all
their photographs along (the cluster bootstrap; Davison & Hinkley 1997, doi:10.1017/CBO9780511802843, section
3.8). A draw is a row of counts, how often each person of the pool was drawn. The pool is everybody with a
prediction, so that every target, subgroup and model sees the same draws and differences between them are
paired. Whatever is a function of sums costs one matrix product per block of draws for all of them together,
and memory does not grow with the number of draws.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Rule
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import Floats

PIECE = 262_144
"""Multiplications per piece: OpenBLAS starts threads above this (interface/gemm.c). Its threads wait for one another by
spinning, which took ten times longer while another process (the worker that predicts) kept the cores busy."""

INNER = 64
"""Length of the inner dimension of a piece; measured fastest for counts of 100,000 people."""

LONG = 4_096
"""Inner dimension from which on a piece takes as much of it as fits: of few rows that is a quarter faster."""


def matmul(left: Floats, right: Floats) -> Floats:
    """Return left (n x k) @ right (k x m), computed in pieces on the calling thread.

    >>> matmul(np.ones((2, 3)), np.arange(3.0)[:, None]).tolist()
    [[3.0], [3.0]]
    """
    (n, k), m = left.shape, right.shape[1]
    out = np.zeros((n, m))
    inner = min(k, INNER) if k < LONG else max(INNER, min(PIECE // max(n * m, 1), LONG))
    rows = max(1, PIECE // max(inner * m, 1))
    for row in range(0, n, rows):
        part, above = out[row : row + rows], left[row : row + rows]
        for start in range(0, k, max(inner, 1)):
            part += above[:, start : start + inner] @ right[start : start + inner]
    return out


BLOCK = 4_000_000
"""Counts held at a time, 32 MB."""

JACKKNIFE_BLOCKS = 400
"""Statistics of order leave out people in at most this many blocks when BCa asks how skewed they are."""

MANY_PEOPLE = 5_000
"""People beyond whom groups of people are drawn and left out, and what needs an order is taken to first order."""

GROUPS = 2_000
"""Groups into which more people are dealt; the standard error from them scatters by 1 / sqrt(2 GROUPS) of itself."""

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

    @property
    def units(self) -> int:
        """What is drawn: people, or of more than :data:`MANY_PEOPLE` groups of them."""
        return self.people if self.people <= MANY_PEOPLE else GROUPS

    def unit(self) -> Indices:
        """Return the unit of each person, by the seed alone.

        >>> Draws(people=3).unit().tolist(), set(np.bincount(Draws(people=15_000).unit()).tolist())
        ([0, 1, 2], {8, 7})
        """
        if self.units == self.people:
            return np.arange(self.people)
        return np.asarray(np.random.default_rng(self.seed).permutation(self.people) % self.units)

    def blocks(self) -> Iterator[Floats]:
        """Yield counts, draws x units, a block of draws at a time; each row sums to the number of units.

        >>> [block.sum(axis=1).tolist() for block in Draws(people=3, number=2, seed=1).blocks()]
        [[3.0, 3.0]]
        """
        same = replace(self, people=self.units)
        yield from (_kept(same),) if self.number * self.units <= BLOCK else _blocks(same)


def _blocks(draws: Draws) -> Iterator[Floats]:
    generator = np.random.default_rng(draws.seed)
    units = draws.people
    step = max(1, BLOCK // max(units, 1))
    for start in range(0, draws.number, step):
        block = np.empty((min(step, draws.number - start), units))
        for row in block:
            row[:] = np.bincount(generator.integers(0, units, size=units, dtype=np.int64), minlength=units)
        yield block


@lru_cache(maxsize=2)
def _kept(draws: Draws) -> Floats:
    """The one block of a small cohort: every estimate, group and model asks for the same draws, hundreds of times."""
    (block,) = _blocks(draws)
    block.flags.writeable = False
    return block


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
    behind: Mapping[int, int] = field(default_factory=dict, kw_only=True)
    """Of groups of people: how many people have anything in a column that counts observations."""

    def point(self) -> Floats:
        """The statistics on the data."""
        return np.asarray(self.finish(self.sums.sum(axis=0)[None])[0])

    def without_each(self) -> Floats:
        """The statistics without each person: G x names."""
        return np.asarray(self.finish(self.sums.sum(axis=0) - self.sums))


@dataclass(frozen=True, slots=True)
class CountStatistic(_Statistics):
    """Statistics that have to see every unit on every draw (medians, ranks)."""

    compute: Statistic
    """From counts, draws x G, to values, draws x names; NaN where there is none."""
    effects: Callable[[], Floats] | None = field(default=None, kw_only=True)
    """To first order, what each person adds to the statistics, G x names: what many people are worked off by."""

    def point(self) -> Floats:
        """The statistics on the data."""
        return np.asarray(self.compute(np.ones((1, len(self.people))))[0])

    def without_each(self) -> Floats:
        """The statistics without each person, or without each of 400 blocks of people: rows x names."""
        people = len(self.people)
        if people > MANY_PEOPLE and self.effects is not None:
            return self.point() - self.effects()
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
    if draws.units < draws.people:
        panels = [_to_first_order(panel) for panel in panels]
    unit = draws.unit()
    stacked = _stack(unit, draws.units, panels)
    sums = np.empty((draws.number, stacked.shape[1]))
    counted: list[list[Floats]] = [[] for _ in panels]
    start = 0
    for block in draws.blocks():
        sums[start : start + len(block)] = matmul(block, stacked)
        start += len(block)
        for panel, parts in zip(panels, counted, strict=True):
            if isinstance(panel, CountStatistic) and len(panel.people):
                parts.append(panel.compute(np.take(block, unit[panel.people], axis=1)))
    return _finish(panels, sums, counted)


def dealt(panel: Statistics) -> Statistics:
    """Return the same statistics of groups of people where they are more than :data:`MANY_PEOPLE`.

    A group is left out as one; the groups are those of :class:`Draws`, by the usual seed.
    """
    panel = _to_first_order(panel) if len(panel.people) > MANY_PEOPLE else panel
    if len(panel.people) <= MANY_PEOPLE or not isinstance(panel, SumStatistic):
        return panel
    unit = _dealt(Draws(len(panel.people)))
    sums = np.column_stack([np.bincount(unit, column, GROUPS) for column in panel.sums.T]).astype(
        np.float64, copy=False
    )
    behind = {place: int(np.count_nonzero(panel.sums[:, place])) for place in {0, *(one.count for one in panel.rules)}}
    return replace(panel, people=np.arange(GROUPS), sums=sums, behind=behind)


@lru_cache(maxsize=4)
def _dealt(draws: Draws) -> Indices:
    return draws.unit()


def _to_first_order(panel: Statistics) -> Statistics:
    """Return what needs an order as sums of what each person adds to it, where that is known; one in the first."""
    if isinstance(panel, SumStatistic) or panel.effects is None or not len(panel.people):
        return panel
    point, added = panel.point(), panel.effects()
    sums = np.column_stack([np.ones(len(added)), added])
    made = SumStatistic(panel.people, panel.names, panel.needs, sums, lambda of: point + of[:, 1:])
    return replace(made, rules=panel.rules, skews=panel.skews, ends=panel.ends)


def _stack(unit: Indices, units: int, panels: Sequence[Statistics]) -> Floats:
    """Every panel's sums side by side, a row per unit of the pool."""
    parts = [np.empty((units, 0))]
    for panel in panels:
        if isinstance(panel, SumStatistic):
            of = unit[panel.people]
            parts.append(np.column_stack([np.bincount(of, column, minlength=units) for column in panel.sums.T]))
    return np.concatenate(parts, axis=1)


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
