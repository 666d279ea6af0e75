"""Which interval an estimate gets: the one that a simulation shows to cover, and none where none does.

The simulation is ``tests/evaluation/test_coverage.py`` (``pytest -m slow``), its table in ``evaluation/README.md``.
Percentile and BCa intervals, which the bootstrap gives for everything, cover 86 to 94 % where they should cover 95 %.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, logit

from fundus_core.records import Floats

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
