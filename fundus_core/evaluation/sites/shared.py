"""What a site can tell of a model without telling of a person: aggregates of at least ten people each.

Besides small counts (see ``cells``), three ways from aggregates back to a person are closed. One unit only: every
number of a target is of the same observations, since a mean over 100 people and one over 99 of them give the last.
No order statistic: a median, a smallest or a largest value is one person's. And no more numbers about a target than it
has people, so that its 2n values do not follow from what is told of them: estimates come first, then calibration by
tenth, the distribution of measured values, and covariances, each only where it fits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fundus_core.errors import say
from fundus_core.evaluation.intervals.estimate import Cell
from fundus_core.evaluation.observations.sample import Level
from fundus_core.evaluation.sites.site_estimates import TargetAtSite

NO_OVERLAP = "a shared result holds no single values: no overlap"
"""Stands where an overlap of distributions would."""

Why = Literal["", "small", "numbers", "none"]
"""Why an estimate lacks something: fewer than ten people, more numbers than people, or the site itself has none."""


NAME = r"\w[\w .+\-]{0,39}"
"""What a site and a model may be called: letters of any script, digits, and few signs."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who tells, and of what."""

    name: str
    """Of the site, as it wants to be called."""
    model: str
    """Id of the model's card, or a hash of another model's name."""
    weights_sha256: str
    """Of the model's weights; empty where unknown."""
    rendered: bool
    """Whether the model was trained on rendered eyes."""
    software: str
    """Version of this program."""


@dataclass(frozen=True, slots=True)
class Tenth:
    """Observations of similar prediction."""

    n: int
    """Observations."""
    n_patients: int
    """People."""
    predicted: float
    """Mean prediction."""
    measured: float
    """Mean of measured values, or share of positives."""
    error: float | None
    """Standard error of ``measured``."""


@dataclass(frozen=True, slots=True)
class Count:
    """People between two values."""

    low: float | None
    """From; ``None``: as low as there is."""
    high: float | None
    """To, not included; ``None``: as high as there is."""
    n: int
    """People."""


@dataclass(frozen=True, slots=True)
class Covariances:
    """How estimates of one target vary together, on the scales on which they are pooled."""

    names: tuple[str, ...]
    """Of k estimates."""
    lower: tuple[float, ...]
    """Lower triangle of the k x k matrix, row by row, with the diagonal."""


@dataclass(frozen=True, slots=True)
class SharedTarget:
    """One target."""

    unit: str
    """Of its values."""
    measured: TargetAtSite
    """Every estimate."""
    why: Mapping[str, Why]
    """By estimate why something of it is missing; empty where nothing is."""
    calibration: tuple[Tenth, ...] = ()
    """From low to high prediction."""
    covariances: Covariances = field(default_factory=lambda: Covariances((), ()))
    """Of the estimates that are compared."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Who the people are: one measured number."""

    name: str
    """Id of a target, or ``quality``."""
    n: int
    """Observations, or people where no model predicts it; of quality, photographs."""
    mean: float | None
    """Mean, or share of positives; ``None`` where it would tell of few people."""
    sd: float | None
    """Standard deviation (1/(n-1))."""
    histogram: tuple[Count, ...] = ()
    """People by value."""


@dataclass(frozen=True, slots=True)
class SharedFlow:
    """What became of photographs and people; a count of fewer than ten people is ``None``."""

    people: int | None
    """All."""
    eyes: int | None
    """All whose side is known."""
    photographs: int | None
    """All."""
    predicted: int | None
    """Photographs with a prediction."""
    refused: int | None
    """Photographs refused."""
    failed: int | None
    """Photographs that failed."""
    without_truth: Mapping[str, int | None]
    """By target, people with a prediction and no measured value."""


@dataclass(frozen=True, slots=True)
class Shared:
    """One site's result, free of people."""

    identity: Identity
    """Who tells."""
    level: Level
    """What one observation is."""
    least: int
    """People behind every number."""
    flow: SharedFlow
    """What became of everybody."""
    case_mix: tuple[Variable, ...]
    """Who they are."""
    targets: Mapping[str, SharedTarget]
    """By target id."""
    withheld: tuple[str, ...]
    """Targets and variables of fewer than ten people."""

    @property
    def rows(self) -> list[dict[str, Cell]]:
        """Every estimate in it, a row each."""
        return [
            {
                "target": name,
                "n_patients": one.measured.n_patients,
                "estimate": score,
                "value": each.estimate.value,
                "low": each.estimate.low,
                "high": each.estimate.high,
                "note": each.estimate.note,
            }
            for name, one in self.targets.items()
            for score, each in one.measured.estimates.items()
        ]


def because(why: Why, least: int) -> str:
    """Say why something of an estimate is missing.

    Args:
        why: The reason.
        least: Fewest people behind a number.
    """
    if why == "small":
        return say("withheld by the site: it would tell of fewer than {least} people", least=least)
    if why == "numbers":
        return say("withheld by the site: it has too few people for so many numbers")
    return say("the site gives no interval of it") if why else ""
