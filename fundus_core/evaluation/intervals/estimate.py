"""One number with its interval: which one it gets, and the reason why there is none."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from scipy import special
from scipy.special import expit, logit

from fundus_core.errors import say
from fundus_core.records import Floats

NUMBER_OF_DRAWS = 2000
"""Bootstrap draws unless told otherwise."""

SEED = 20250512
"""Seed of every draw unless told otherwise; shown beside every interval."""

CONFIDENCE = 0.95
"""Every interval is a 95 % interval."""


def reach(freedom: float = float("inf"), confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors a two-sided interval reaches: the quantile of Student's t, or of the normal.

    The number of ``scipy.stats.t.isf``, which takes 30 times as long: most of that goes into what it is for arrays.

    >>> round(reach(), 4), round(reach(9), 4)
    (1.96, 2.2622)
    """
    tail = (1 - confidence) / 2
    return float(-special.ndtri(tail) if freedom == float("inf") else -special.stdtrit(freedom, tail))


Method = Literal["own", "percentile", "bca"]
"""How an interval is made: each estimate's own way (see ``rules``), or two of the bootstrap, kept to compare with."""

Cell = str | int | float | bool | None
"""What one cell of an exported table may hold."""


def as_number(cell: Cell) -> float | None:
    """Return the number of a cell; ``None`` where a word or nothing stands in it."""
    return float(cell) if isinstance(cell, int | float) else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic, its 95 % interval, and how both were made."""

    value: float | None
    """In the target's unit where the statistic has one; ``None`` where it is not estimable."""
    low: float | None = None
    """Lower end of the interval; ``None`` where there is none."""
    high: float | None = None
    """Upper end of the interval; ``None`` where there is none."""
    method: str = ""
    """How the interval was made; empty where there is none."""
    note: str = ""
    """Why a value or an interval is missing, or what a reader has to know."""

    def as_json(self) -> dict[str, Cell]:
        """Return the estimate as ``metrics.json`` holds it.

        >>> Estimate(None, note="not estimable: one person").as_json()["value"] is None
        True
        """
        return {name: getattr(self, name) for name in ("value", "low", "high", "method", "note")}


def not_estimable(reason: str) -> Estimate:
    """Return the estimate that has no value, and why.

    >>> not_estimable("every prediction is the same").note
    'not estimable: every prediction is the same'
    """
    return Estimate(None, note=say("not estimable: {reason}", reason=say(reason)))


def rows(items: Iterable[Any]) -> list[dict[str, Cell]]:
    """Turn frozen dataclasses into table rows, an :class:`Estimate` spread over its own columns.

    The estimate in a field ``mae`` becomes ``mae``, ``mae_low``, ``mae_high``, ``mae_note``; fields that are no cells
    (arrays, mappings) are left out.

    >>> @dataclass(frozen=True)
    ... class Band:
    ...     name: str
    ...     mae: Estimate
    >>> rows([Band("40-49", Estimate(2.0, 1.0, 3.0))])
    [{'name': '40-49', 'mae': 2.0, 'mae_low': 1.0, 'mae_high': 3.0, 'mae_note': ''}]
    """
    return [_row(item) for item in items]


def _row(item: Any) -> dict[str, Cell]:
    row: dict[str, Cell] = {}
    for field in fields(item):
        value = getattr(item, field.name)
        if isinstance(value, Estimate):
            row |= {
                field.name: value.value,
                f"{field.name}_low": value.low,
                f"{field.name}_high": value.high,
                f"{field.name}_note": value.note,
            }
        elif value is None or isinstance(value, str | int | float | bool):
            row[field.name] = value
    return row


Scale = Literal["plain", "log", "z", "rest", "logit"]
"""On which an interval is made: as it is, the logarithm, Fisher's z, minus the logarithm of what is left to 1, or the
logarithm of the odds."""

Skewed = Literal["", "error", "truth", "prediction", "any"]
"""Of which numbers of people the skew is measured; ``any``: the largest of the three."""

FEWEST_PEOPLE = 10
"""Below this many people nothing has an interval."""

FEW_PEOPLE = 20
"""Below this many people an interval is shown with a warning: 20 is the fewest that the simulation tried."""

FEWEST_RELATED = 3
"""Below this many people there is no correlation, slope, ratio or share either."""

FEWEST_EVENTS = 5
"""People with and people without the event, below which there is no area under a curve."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How an estimate's interval is made."""

    way: Literal["t", "share", "limits"] = "t"
    """Student's t with the jackknife's standard error, a share's own, or a mean and a multiple of an SD together."""
    scale: Scale = "plain"
    """On which it is made."""
    skewed: Skewed = ""
    """Of what the skew, or tails as heavy as those of so skewed a gamma distribution, count."""
    per_skew: float = 0.0
    """People that it takes per squared skew."""
    least: int = FEWEST_PEOPLE
    """People that it takes in any case."""
    count: int = 0
    """Column of the sums that counts the observations behind it."""
    related: bool = False
    """Whether it says nothing of fewer than :data:`FEWEST_RELATED` people."""
    centre: str = ""
    """Of a limit: the mean that it is a multiple of an SD away from."""
    tails: bool = False
    """On the plain scale: whether the tails of the people's influences tell how sure the standard error is."""

    @property
    def by_tails(self) -> bool:
        """Whether the tails of the people's influences tell how sure the standard error is: of all but means."""
        return self.tails or self.scale != "plain"

    def people(self, skew: float) -> float:
        """Return how many people the interval takes where the skew is so large.

        >>> Rule(per_skew=50.0).people(2.0), Rule().people(9.0)
        (200.0, 10)
        """
        return max(self.least, self.per_skew * skew**2)


_FORWARD: dict[Scale, Callable[[Floats], Floats]] = {
    "plain": lambda x: x,
    "log": np.log,
    "z": np.arctanh,
    "rest": lambda x: -np.log(1 - x),
    "logit": logit,
}
_BACK: dict[Scale, Callable[[Floats], Floats]] = {
    "plain": lambda x: x,
    "log": np.exp,
    "z": np.tanh,
    "rest": lambda x: 1 - np.exp(-x),
    "logit": expit,
}


def onto(scale: Scale, values: Floats) -> Floats:
    """Bring values onto a scale; NaN where one has no place on it.

    >>> onto("log", np.array([1.0, 0.0])).tolist()
    [0.0, nan]
    """
    with np.errstate(all="ignore"):
        moved = _FORWARD[scale](np.asarray(values, dtype=np.float64))
    return np.where(np.isfinite(moved), moved, np.nan)


def back(scale: Scale, value: float) -> float:
    """Bring one value back from a scale."""
    return float(_BACK[scale](np.asarray(value)))
