"""Does a prediction say anything that columns known without it do not, whatever function of them it is?

Post-double-selection (Belloni, Chernozhukov & Hansen 2014, doi:10.1093/restud/rdt044). Steps, bends, bumps and waves
along each known column are chosen forwards, as in multivariate adaptive regression (Friedman 1991,
doi:10.1214/aos/1176347963), once for the prediction and once for the truth; both are freed of all that were chosen. A
prediction that is a function of the known columns leaves nothing then, and what a curve of the truth misses has nothing
to go with. The statistic is the sum of products of what is left over its own standard error, whose degrees of freedom
are few where few people carry it: a step that falls between two people is no evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core.evaluation.intervals.bootstrap import matmul
from fundus_core.evaluation.intervals.estimate import reach
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import Floats

FEWEST_FALL = 8.0
"""Residual variances by which a chosen column makes the sum of squares smaller: that of noise alone seldom does."""

MOST_CHOSEN = 24
"""Columns that are chosen at most for the prediction; half as many for the truth, and one for 12 people at most."""

MOST_SEARCHED = 2_000
"""People among whom columns are sought at most; of more, evenly many are taken."""

MOST_TESTED = 20_000
"""People with whom the test is made at most."""

BUMPS = (4, 8, 16, 32, 64)
"""Neighbours along a column that a bump is as wide as."""

FEWEST_FALL_OF_WAVE = 12.0
"""The same of a wave, which is two columns, a sine and a cosine, and is sought at many frequencies."""

MOST_WAVES = 160
"""Frequencies of waves at most, a quarter turn over all people apart; the fastest is seen by four people a turn."""

FEWEST_SEEN = 8
"""Different values of a column below which no wave along it is sought."""

_STEPS = 20
"""Reweighted least squares fits of the median regression."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whether a prediction goes with what known columns leave of the truth."""

    squared: int
    """With the residuals of its mean, what makes a squared error smaller: 1, or -1 where it goes the other way; 0: not
    told from chance."""
    absolute: int
    """The same with the signs about its median, what makes an absolute error smaller."""
    own: float
    """Share of the prediction's variance that the known columns leave."""


@dataclass(frozen=True, slots=True)
class Path:
    """A known column along which functions may break."""

    value: Floats
    """n values."""
    within: NDArray[np.bool_]
    """Whose: n; a function of age has breaks of its own for each sex."""


def adds_beyond(y: Floats, p: Floats, design: Floats, paths: Sequence[Path]) -> Told:
    """Test whether the prediction goes with the truth beyond everything that known columns say.

    Args:
        y: Truths of n people.
        p: Their predictions.
        design: n x k, smooth functions of the known columns, a constant among them.
        paths: Columns along which functions may break.

    >>> age, rest = np.arange(40.0), np.tile([1.0, -1, 2, -2], 10)
    >>> lines, path = np.column_stack([np.ones(40), age]), Path(age, np.ones(40, dtype=bool))
    >>> [adds_beyond(age + rest, p, lines, [path]).squared for p in (9.0 * (age > 20), age + rest)]
    [0, 1]
    """
    some = _evenly(len(y), MOST_TESTED)
    if len(some) < len(y):
        y, p, design = y[some], p[some], design[some]
        paths = [Path(path.value[some], path.within[some]) for path in paths]
    some = _evenly(len(y), MOST_SEARCHED)
    ways = [_way(path, some) for path in paths]
    most = min(MOST_CHOSEN, max(2, len(some) // 12))
    chosen = [
        chosen
        for values, number in ((p, most), (y, most // 2))
        for chosen in _chosen(design[some], values[some], ways, number)
    ]
    columns = [column for each in chosen for column in each.columns(paths[each.path].value, paths[each.path].within)]
    basis = _basis(np.column_stack([design, *columns]))
    left = _without(basis, p)
    own = float(left.var() / p.var()) if p.var() > 0 else 0.0
    leverage = np.minimum((basis**2).sum(axis=1), 0.9)
    mean = _without(basis, y) / np.sqrt(1 - leverage)
    free = len(y) / max(len(y) - basis.shape[1], 1)
    return Told(_goes_with(mean, left, 1.0), _goes_with(_signs(basis, y), left, free), own)


def _evenly(people: int, most: int) -> Indices:
    return np.arange(0, people, -(-people // most))


def _goes_with(rest: Floats, left: Floats, free: float) -> int:
    """Sign of the sum of products where it differs from zero; its variance is theirs (White 1980), times free."""
    products, square = rest * left, left**2
    error = np.sqrt(float((products**2).sum()) * free)
    if not error > 0:
        return 0
    freedom = max(float(square.sum() ** 2 / (square**2).sum()) / free - 1, 1.0)
    total = float(products.sum())
    return int(np.sign(total)) if abs(total) > error * reach(freedom) else 0


def _signs(basis: Floats, y: Floats) -> Floats:
    """Return on which side of a median regression on the basis each truth lies (Hunter & Lange 2000)."""
    fitted, spread = y - _without(basis, y), float(y.std())
    for step in range(_STEPS):
        weighted = basis / np.maximum(np.abs(y - fitted), max(0.5**step, 1e-6) * spread)[:, None]
        fitted = basis @ np.linalg.lstsq(matmul(weighted.T, basis), weighted.T @ y, rcond=1e-12)[0]
    return np.clip((y - fitted) / max(1e-3 * spread, 1e-300), -1, 1)


def _without(basis: Floats, values: Floats) -> Floats:
    return np.asarray(values - np.einsum("nk,k->n", basis, np.einsum("nk,n->k", basis, values)))


def _basis(design: Floats) -> Floats:
    """Orthonormal columns that say what the design's do; turned twice, for the first leaves rounding errors."""
    for _ in range(2):
        size, turn = np.linalg.eigh(matmul(design.T, design))
        told = size > 1e-10 * size[-1]
        design = matmul(design, turn[:, told] / np.sqrt(size[told]))
    return design


@dataclass(frozen=True, slots=True)
class _Way:
    """A path's people in order, where it can break (a cut lies before the position), and the waves along it.

    ``waves`` are cosine and sine, 2 x people x turns, ``square`` their products summed over people, 2 x 2 x turns.
    """

    path: Path
    order: Indices
    value: Floats
    cuts: Indices
    turns: Floats
    waves: Floats
    square: Floats


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What was chosen: a column of ones or distances from a value along its path, 0 elsewhere; or a wave's two."""

    fall: float
    path: int
    low: float
    high: float
    bend: bool = False
    turns: float = 0.0
    """Of a wave, per unit of its path; 0 where it is none."""

    def columns(self, value: Floats, within: NDArray[np.bool_]) -> list[Floats]:
        if self.turns:
            return [np.where(within, wave(2 * np.pi * self.turns * value), 0.0) for wave in (np.cos, np.sin)]
        inside = within & (value > self.low) & (value <= self.high)
        return [np.where(inside, value - self.low if self.bend else 1.0, 0.0)]

    @property
    def enough(self) -> float:
        return FEWEST_FALL_OF_WAVE if self.turns else FEWEST_FALL


def _way(path: Path, some: Indices) -> _Way:
    mine = np.flatnonzero(path.within[some])
    order = mine[np.argsort(path.value[some][mine], kind="stable")]
    value = path.value[some][order]
    cuts = np.flatnonzero(value[1:] != value[:-1]) + 1
    number = min(MOST_WAVES, len(cuts)) if len(cuts) >= FEWEST_SEEN else 0
    turns = np.arange(1, number + 1) / (4 * (value[-1] - value[0])) if number else np.empty(0)
    angle = 2 * np.pi * value[:, None] * turns
    waves = np.array([np.cos(angle), np.sin(angle)])
    square = np.einsum("ank,bnk->abk", waves, waves)
    return _Way(Path(path.value[some], path.within[some]), order, value, cuts, turns, waves, square)


def _chosen(design: Floats, values: Floats, ways: Sequence[_Way], most: int) -> list[_Chosen]:
    """Choose columns forwards until none makes the sum of squares much smaller."""
    found: list[_Chosen] = []
    basis, rest = _basis(design), values
    while len(found) < most:
        rest = _without(basis, _without(basis, rest))
        total, freedom = float((rest**2).sum()), max(len(values) - basis.shape[1] - 1, 1)
        if total <= 1e-12 * float(((values - values.mean()) ** 2).sum()):
            break
        options = [way_of(way, k, rest, basis) for k, way in enumerate(ways) for way_of in (_best, _wave)]
        best = max(options, key=lambda each: each.fall / each.enough)
        if best.fall <= best.enough * max(total - best.fall, 0.0) / freedom:
            break
        found.append(best)
        path = ways[best.path].path
        for column in best.columns(path.value, path.within):
            own = _without(basis, _without(basis, column))
            basis = np.column_stack([basis, own / np.sqrt((own**2).sum())])
    return found


def _wave(way: _Way, number: int, rest: Floats, basis: Floats) -> _Chosen:
    """The wave along one path after which the least is left."""
    if not len(way.turns):
        return _Chosen(0.0, number, 0.0, 0.0)
    gone = [wave.T @ rest[way.order] for wave in way.waves]
    told = [matmul(wave.T, basis[way.order]) for wave in way.waves]
    free = way.square - np.einsum("akc,bkc->abk", told, told)
    apart = free[0, 0] * free[1, 1] - free[0, 1] ** 2
    fall = free[1, 1] * gone[0] ** 2 - 2 * free[0, 1] * gone[0] * gone[1] + free[0, 0] * gone[1] ** 2
    possible = apart > 1e-3 * way.square[0, 0] * way.square[1, 1]
    fall = np.divide(fall, apart, out=np.zeros_like(fall), where=possible)
    best = int(np.argmax(fall))
    return _Chosen(float(fall[best]), number, 0.0, 0.0, turns=float(way.turns[best]))


def _best(way: _Way, number: int, rest: Floats, basis: Floats) -> _Chosen:
    """The step, bend or bump along one path after which the least is left, from sums over all people above each cut."""
    if not len(way.cuts):
        return _Chosen(0.0, number, 0.0, 0.0, bend=False)
    rows = np.column_stack([np.ones(len(way.order)), rest[way.order], basis[way.order]])
    above = _above(rows)
    moved, squares = _above(rows * way.value[:, None]), _above(way.value[:, None] ** 2)[:, 0]
    at = (way.value[way.cuts] + way.value[way.cuts - 1]) / 2
    step = above[way.cuts]
    bend = moved[way.cuts] - at[:, None] * step
    size = squares[way.cuts] - 2 * at * moved[way.cuts, 0] + at**2 * step[:, 0]
    found = [_greatest(step, step[:, 0]), _greatest(bend, size)]
    options = [(found[0], at, np.inf, False), (found[1], at, np.inf, True)]
    for width in BUMPS:
        ends = np.searchsorted(way.cuts, way.cuts + width)
        starts = np.flatnonzero(ends < len(way.cuts))
        if len(starts):
            bump = step[starts] - step[ends[starts]]
            (fall, place) = _greatest(bump, bump[:, 0])
            options.append(((fall, int(starts[place])), at, float(at[ends[starts[place]]]), False))
    (fall, place), at, high, bent = max(options, key=lambda each: each[0][0])
    return _Chosen(fall, number, float(at[place]), high, bend=bent)


def _above(rows: Floats) -> Floats:
    return np.asarray(np.cumsum(rows[::-1], axis=0)[::-1])


def _greatest(sums: Floats, size: Floats) -> tuple[float, int]:
    """Largest fall of the sum of squares, and of which candidate: sums of ones, residuals and basis columns over it."""
    free = size - (sums[:, 2:] ** 2).sum(axis=1)
    fall = np.divide(sums[:, 1] ** 2, free, out=np.zeros_like(free), where=free > 1e-6 * size)
    place = int(np.argmax(fall))
    return float(fall[place]), place
