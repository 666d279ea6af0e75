"""What happens inside the confined process: a model is asked about its example and about photographs."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from fundus_core.checking import diagnose, probe
from fundus_core.checking.check_photographs import Preprocessed, handed_over
from fundus_core.checking.diagnose_output import FEWEST
from fundus_core.checking.probe import ALLOWED_CHANGE
from fundus_core.checking.report import CheckReport
from fundus_core.errors import say
from fundus_core.inference import open_predictor
from fundus_core.models import card as cards
from fundus_core.models import card_files


def check(*, card: Mapping[str, object], beside: str, given: str, folder: str) -> dict[str, object]:
    """Check a model by its card's plain values; return a ``CheckReport`` as plain values.

    ``beside`` is the card's folder, ``given`` that of what ``hand_over`` wrote (empty without photographs), and
    ``folder`` where to work. How many photographs were left out is the caller's to say.

    Raises:
        FundusError: Weights or example are missing, or others than the card names.
    """
    model = card_files.parse(card, Path(beside), str(card.get("id")))
    return asdict(_checked(model, handed_over(Path(given)) if given else None, Path(folder) / "compiled"))


def _checked(card: cards.Card, looked: Preprocessed | None, cache: Path) -> CheckReport:
    predictor = open_predictor(card, device="cpu", precision="float32", cache=cache)
    replayed = probe.golden(card, predictor)
    notes = [] if replayed else ["The card has no golden example to replay."]
    if replayed and not card.golden.by:
        notes.append(
            "No other program computed the golden example: it shows that nothing has changed since the import or "
            "training, not that the weights were read as their makers meant."
        )
    if looked is None:
        notes.append("No photographs were given: nothing is said of units, colours or precision.")
        return CheckReport(card.id, replayed, 0, 0, 0, (), {}, (), tuple(notes), card.unverified)
    if len(looked.crops) < FEWEST:
        notes.append(
            say(
                "{crops} {crops:photograph|photographs} can be used; {fewest} or more show symptoms.",
                crops=len(looked.crops),
                fewest=FEWEST,
            )
        )
    answers = probe.ask_variants(card, predictor, looked)
    found = diagnose.find(answers)
    tried = probe.input_range(card, looked) if len(looked.crops) >= FEWEST else None
    found = (*found, tried) if tried else found
    moved = probe.reduced(card, answers.values, looked.crops, cache) if len(looked.crops) >= FEWEST else {}
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
