"""The plan of one training: every choice that changes the result, in one frozen value."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from fundus_core.errors import UsageError
from fundus_core.targets import METABOLIC, target


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained and how.

    The defaults are the published recipe, an EfficientNet-B7 at 600 px for five targets; where a training begins with
    weights (``--pretrained``), those of ``FINE_TUNING`` take their place.
    """

    targets: tuple[str, ...] = METABOLIC
    """Ids of the targets, one output each; comma-separated."""
    backbone: str = "tf_efficientnet_b7"
    """A name that timm knows; several, comma-separated, are compared. With --pretrained, the one that the file fits."""
    backbone_options: Mapping[str, object] = field(default_factory=dict)
    """Keywords for the network's constructor (``channels``, ``layers``, ...)."""
    size: int = 600
    """Side of the square crop in pixels; 0 for the largest that the minutes allow."""
    truth_prefix: str = ""
    """A target T is read from the column prefix + T."""
    auxiliary: tuple[str, ...] = ()
    """Further columns that are learnt beside the targets and dropped when the weights are written."""
    seed: int = 1
    """Of the split, the order, the augmentation and the first weights."""
    epochs: int = 20
    """Times every training photograph is seen; 0 for as many as the minutes allow."""
    minutes: float = 0.0
    """In which it ends, cutting and closing included; size and epochs of 0 are chosen for it at the speed found at the
    start. 0 for no end."""
    pretrained: str = ""
    """SHA-256 of the weights that it began with; empty where they were drawn by the seed."""
    frozen: int = 0
    """Layers of pretrained weights, from the stem on, that never change: what they see is the same in all pictures."""
    thaw: int = 0
    """Epochs in which the outputs alone are learnt, before the layers of pretrained weights follow."""
    layer_decay: float = 1.0
    """Learning rate of a layer of pretrained weights over that of the layer above it."""
    grow: float = 1.0
    """Share of the side with which the first epoch begins; it grows until half of the epochs are over."""
    gate: bool = True
    """Learn from photographs alone that pass the checks of quality; else from all that show a field of view. Those that
    judge pass them either way."""
    batch: int = 4
    """Photographs in one forward pass of one process."""
    accumulate: int = 8
    """Forward passes per step of the optimiser, in each process."""
    learning_rate: float = 1e-3
    """The highest of the cycle."""
    weight_decay: float = 0.02
    """Of AdamW, on weights of two and more dimensions."""
    warmup: float = 0.1
    """Share of all steps in which the rate rises; then it falls along a half cosine."""
    ema: float = 0.999
    """Decay per step of the averaged weights, which are the ones that are kept."""
    clip: float = 5.0
    """Largest norm of the gradient."""
    drop_rate: float = 0.0
    """Dropout before the outputs."""
    patience: int = 10
    """Epochs without a better validation loss before training stops."""
    precision: str = "bf16"
    """``bf16``, ``float32``, or ``auto``: bf16 where the machine computes in it."""
    checkpointing: bool = True
    """Recompute activations in the backward pass: less memory (a B7 at 600 px with a batch of 2 needs 3 GB), about a
    third more time."""
    copies: int = 1
    """Crops per photograph: the photograph itself, and further ones re-encoded as JPEG before they are read."""
    jpeg_quality: tuple[int, int] = (40, 95)
    """Range of the re-encoding."""
    augment: float = 1.0
    """Strength of the augmentation; 0 turns it off, above 1 illumination and cuts vary as well."""
    shares: tuple[float, float, float] = (0.1, 0.1, 0.1)
    """Of the patients: validation (chooses the epoch), calibration (intervals), test (the reported figures)."""
    checkpoint_seconds: float = 120.0
    """At least this long between two checkpoints within an epoch."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if not self.targets:
            raise UsageError("Nothing to learn: name at least one target.")
        for name in self.targets:
            target(name)
        if self.precision not in ("bf16", "float32", "auto"):
            raise UsageError(
                "The precision is '{precision}'; it may be bf16 or float32, or auto.", precision=self.precision
            )
        if sum(self.shares) >= 0.9 or min(self.shares) <= 0:
            raise UsageError(
                "The shares {shares} of validation, calibration and test must be positive and leave a tenth.",
                shares=self.shares,
            )
        least = 0 if self.minutes > 0 else 1
        if min(self.batch, self.accumulate, self.copies) < 1 or min(self.epochs, self.size) < least:
            raise UsageError(
                "Epochs, batch, accumulate, copies and size must be at least 1; epochs and size may be 0 with minutes."
            )
        if not (0 < self.grow <= 1 and 0 < self.layer_decay <= 1 and min(self.frozen, self.thaw, self.minutes) >= 0):
            raise UsageError("Grow and layer decay must lie in 0..1 and not be 0; frozen, thaw, minutes not below 0.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Outputs of the network while it learns: the targets, then the auxiliary columns."""
        return self.targets + self.auxiliary

    def side(self, epoch: int) -> int:
        """Return the side in pixels of what an epoch (counted from 0) learns from, a multiple of 16 or the whole.

        >>> plan = Plan(size=224, epochs=8, grow=0.6)
        >>> [plan.side(epoch) for epoch in range(8)]
        [128, 144, 176, 192, 224, 224, 224, 224]
        """
        share = min(1.0, self.grow + (1 - self.grow) * 2 * epoch / max(self.epochs, 1))
        return self.size if share >= 1 else max(min(self.size, 16), int(self.size * share) // 16 * 16)

    def as_json(self) -> dict[str, object]:
        """Return the plan as plain values."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    def digest(self, *parts: object) -> str:
        """Return 16 hexadecimal digits that change with everything that changes the result."""
        plan = {key: value for key, value in self.as_json().items() if key != "checkpoint_seconds"}
        return hashlib.sha256(json.dumps([plan, *parts], sort_keys=True).encode()).hexdigest()[:16]


FINE_TUNING: Mapping[str, object] = MappingProxyType({
    "backbone": "tf_efficientnet_lite0",
    "backbone_options": {"mirrored": True},
    "size": 0,
    "epochs": 0,
    "minutes": 60.0,
    "batch": 16,
    "accumulate": 1,
    "checkpointing": False,
    "learning_rate": 1.6e-3,
    "weight_decay": 0.05,
    "ema": 0.995,
    "drop_rate": 0.3,
    "precision": "auto",
    "frozen": 3,
    "thaw": 1,
    "layer_decay": 0.75,
    "grow": 0.6,
    "augment": 2.0,
    "gate": False,
    "shares": (0.06, 0.15, 0.07),
})  # fmt: skip
"""What a training that begins with weights does where nobody says otherwise: an hour on two cores. Few photographs are
learnt by heart at the rates that drawn weights need (validation worst again from the fifth epoch on), hence lower rates
below, dropout and more augmentation; the people of the calibration part are many, since what intervals cover scatters
with their number."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a card says about a model beyond its numbers."""

    id: str
    """Of the card."""
    title: str = ""
    """For people."""
    summary: str = ""
    """For people."""
    command: str = ""
    """That trained it."""
    rendered: bool = False
    """Whether the photographs are rendered."""
    licence: str = ""
    """Of the weights."""
    terms: str = "Research use only; not a medical device."
    """What the user agrees to."""


@dataclass(frozen=True, slots=True)
class Running:
    """How a training runs: what changes its duration and its folder, and not its result."""

    pretrained: Path | None = None
    """Weights to begin with."""
    workers: int = 1
    """Processes that cut the photographs."""
    progress: bool = True
    """Whether to show bars with the time left."""
    tidy: bool = False
    """Whether to remove crops and checkpoint at the end."""


AS_USUAL = Running()
"""Where nobody says otherwise."""
