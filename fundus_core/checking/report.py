"""What a check found."""

import math
from dataclasses import asdict, dataclass

from fundus_core.checking.diagnose_output import Symptom


@dataclass(frozen=True, slots=True)
class GoldenLine:
    """One target of the golden example."""

    target: str
    """Its id."""
    expected: float
    """As the card says."""
    said: float
    """By the model now."""
    passed: bool
    """Whether the two agree within the card's tolerance."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found."""

    id: str
    """Of the model."""
    golden: tuple[GoldenLine, ...]
    """The replayed example; empty where the card has none."""
    photographs: int
    """That were looked at."""
    left_out: int
    """That were refused or could not be read."""
    with_truth: int
    """Targets for which truth was given."""
    symptoms: tuple[Symptom, ...]
    """What is wrong, or looks so."""
    reduced: dict[str, float]
    """By target: change by bf16 over the spread of the answers; empty where it was not measured."""
    lines: tuple[str, ...]
    """Lines of the card that would fix the symptoms or allow bf16."""
    notes: tuple[str, ...]
    """What could not be checked, as sentences."""
    unverified: tuple[str, ...]
    """Keys of the card that nobody confirmed."""

    @property
    def healthy(self) -> bool:
        """Whether the example was reproduced and no symptom was found."""
        return all(line.passed for line in self.golden) and not self.symptoms

    def as_json(self) -> dict[str, object]:
        """Return plain values; numbers that are none as ``None``."""
        plain = asdict(self) | {"healthy": self.healthy}
        plain["reduced"] = {key: value if math.isfinite(value) else None for key, value in self.reduced.items()}
        return plain
