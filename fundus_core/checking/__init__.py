"""``models check``: whether a model is read as its makers meant it. It names what is wrong and changes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fundus_core.checking import asking, symptoms
from fundus_core.checking.asking import ALLOWED_CHANGE, GoldenLine
from fundus_core.checking.symptoms import FEWEST, Symptom
from fundus_core.errors import UsageError
from fundus_core.inference import open_predictor
from fundus_core.models import registry

__all__ = ["CheckReport", "GoldenLine", "Symptom", "check_model"]


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


def check_model(
    model_id: str, *, photographs: Sequence[Path] = (), truth: Path | None = None, folder: Path | None = None
) -> CheckReport:
    """Check a model: replay its golden example, look for symptoms on photographs, measure what bf16 changes.

    Args:
        model_id: Of a card whose weights are there.
        photographs: Photographs, folders, archives or lists; best with people of both sexes and all ages.
        truth: Their measured values.
        folder: Of the user's models.

    Raises:
        UsageError: There is no such model or path, or truth without photographs.
        CardError: Weights or example are missing or others than the card names.
        TruthError: The table cannot be used.
    """
    card = registry.find(model_id, folder)
    if truth is not None and not photographs:
        message = "A truth table alone checks nothing; give the photographs too."
        raise UsageError(message)
    predictor = open_predictor(card, device="cpu", precision="float32")
    replayed = asking.golden(card, predictor)
    notes = [] if replayed else ["The card has no golden example to replay."]
    if not photographs:
        notes.append("No photographs were given: nothing is said of units, colours or precision.")
        return CheckReport(card.id, replayed, 0, 0, 0, (), {}, (), tuple(notes), card.unverified)
    looked = asking.look(card, photographs, truth)
    if len(looked.crops) < FEWEST:
        notes.append(f"{len(looked.crops)} photographs can be used; {FEWEST} or more show symptoms.")
    answers = asking.answers(card, predictor, looked)
    found = symptoms.find(answers)
    tried = asking.input_range(card, looked) if len(looked.crops) >= FEWEST else None
    found = (*found, tried) if tried else found
    moved = asking.reduced(card, answers.values, looked.crops) if len(looked.crops) >= FEWEST else {}
    lines = [line for symptom in found for line in symptom.lines] + _precision(moved)
    if not looked.truth:
        notes.append("Without truth, inverted outputs and wrong units that stay in range cannot be seen.")
    return CheckReport(
        id=card.id,
        golden=replayed,
        photographs=len(looked.crops),
        left_out=looked.left_out,
        with_truth=len(looked.truth),
        symptoms=found,
        reduced=moved,
        lines=tuple(lines),
        notes=tuple(notes),
        unverified=card.unverified,
    )


def _precision(moved: dict[str, float]) -> list[str]:
    worst = max(moved.values(), default=math.nan)
    if not moved or not worst < ALLOWED_CHANGE:
        return []
    return ["[precision]", 'allowed = "bf16"', f"deviation = {worst:.4g}"]
