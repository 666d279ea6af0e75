"""Which counts may leave a hospital: none of fewer than ten people, and none from which such a one could be got.

A count of 1 to 9 people is small; none (0) is not. Numbers in order (bins, tenths) are merged with a neighbour until no
cell is small; what has no order is pooled. A count that would give a small one by subtraction from another that is told
is rounded down to tens.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import Floats

FEWEST = 10
"""People behind every number and in every cell that is shared, unless there are none."""


def is_small(people: int, least: int = FEWEST) -> bool:
    """Return whether a count tells of so few people that it must not be told.

    >>> is_small(0), is_small(9), is_small(10)
    (False, True, False)
    """
    return 0 < people < least


def rounded_down(count: int, small: bool, least: int = FEWEST) -> int:  # noqa: FBT001
    """Return a count, in whole tens where the exact one would tell of a small one.

    >>> rounded_down(103, True), rounded_down(103, False)
    (100, 103)
    """
    return count // least * least if small else count


def odd_ones(sizes: Indices, least: int = FEWEST) -> bool:
    """Return whether people's numbers of photographs tell of a few who have another number than most.

    >>> odd_ones(np.array([2] * 40 + [1])), odd_ones(np.array([2] * 40 + [1] * 20))
    (True, False)
    """
    if not len(sizes):
        return False
    _, counts = np.unique(sizes, return_counts=True)
    return any(is_small(int(people), least) for people in counts)


def merged(cells: Sequence[Sequence[int]], least: int = FEWEST) -> list[slice]:
    """Merge neighbouring cells until none is small.

    Args:
        cells: Of each cell its counts of people, such as those with and those without an event.
        least: Fewest people.

    Returns:
        Which cells make one; none where even all together are small.

    >>> merged([[3], [12], [0], [40], [4]])
    [slice(0, 2, None), slice(2, 3, None), slice(3, 5, None)]
    """
    made: list[slice] = []
    start, total = 0, np.zeros(len(cells[0]) if cells else 0, dtype=np.int64)
    for at, counts in enumerate(cells):
        total = total + np.asarray(counts)
        if not any(is_small(int(n), least) for n in total):
            made.append(slice(start, at + 1))
            start, total = at + 1, np.zeros_like(total)
    if start < len(cells):
        return _with_rest(made, cells, least)
    return made


def _with_rest(made: list[slice], cells: Sequence[Sequence[int]], least: int) -> list[slice]:
    """Give what is left over at the end to the last cells that can hold it."""
    while made:
        last = made.pop()
        total = np.sum(np.asarray(cells)[last.start :], axis=0)
        if not any(is_small(int(n), least) for n in total):
            return [*made, slice(last.start, len(cells))]
    return []


def shares_told(within: Mapping[str, int], people: int, least: int = FEWEST) -> set[str]:
    """Return which of some nested counts may be told, so that no difference of two is small.

    Args:
        within: By name how many people are within a limit, rising.
        people: All of them.
        least: Fewest people.

    >>> sorted(shares_told({"within_5": 60, "within_10": 64, "within_15": 85}, 100))
    ['within_15', 'within_5']
    """
    told: set[str] = set()
    before = 0
    for name, n in within.items():
        if not is_small(n - before, least) and not is_small(people - n, least):
            told.add(name)
            before = n
    return told


def bins(
    values: Floats, width: float, owners: Indices, least: int = FEWEST
) -> list[tuple[float | None, float | None, int]]:
    """Count people in bins of a fixed width, merged until none is small; the outer ones are open.

    Args:
        values: n numbers.
        width: Of a bin; its edges are multiples of it, and depend on nobody.
        owners: Whose each number is, n.
        least: Fewest people.

    Returns:
        Lower and upper edge, ``None`` at the ends, and people.

    >>> bins(np.repeat([101.0, 112.0, 159.0], [12, 11, 2]), 10.0, np.arange(25))
    [(None, 110.0, 12), (110.0, None, 13)]
    """
    if not len(values):
        return []
    place = np.floor(values / width).astype(np.int64)
    first, last = int(place.min()), int(place.max())
    counts = [[len(np.unique(owners[place == at]))] for at in range(first, last + 1)]
    full = [each for each in merged(counts, least) if sum(n for (n,) in counts[each])]
    made: list[tuple[float | None, float | None, int]] = []
    for at, each in enumerate(full):
        inside = (place >= first + each.start) & (place < first + each.stop)
        low = None if at == 0 else (first + each.start) * width
        high = None if at == len(full) - 1 else (first + full[at + 1].start) * width
        made.append((low, high, len(np.unique(owners[inside]))))
    return made
