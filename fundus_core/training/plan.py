"""The plan of one training: every choice that changes the result, in one frozen value."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from fundus_core.errors import UsageError
from fundus_core.targets import METABOLIC, target


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained and how. The defaults are the published recipe: an EfficientNet-B7 at 600 px, five targets."""

    targets: tuple[str, ...] = METABOLIC
    """Ids of the targets, one output each."""
    backbone: str = "tf_efficientnet_b7"
    """A name that timm knows."""
    backbone_options: Mapping[str, object] = field(default_factory=dict)
    """Keywords for the network's constructor (``channels``, ``layers``, ...)."""
    size: int = 600
    """Side of the square crop in pixels."""
    truth_prefix: str = ""
    """A target T is read from the column prefix + T."""
    auxiliary: tuple[str, ...] = ()
    """Further columns that are learnt beside the targets and dropped when the weights are written."""
    seed: int = 1
    """Of the split, the order, the augmentation and the first weights."""
    epochs: int = 20
    """Times every training photograph is seen."""
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
    """``bf16`` or ``float32``."""
    checkpointing: bool = True
    """Recompute activations in the backward pass: less memory (a B7 at 600 px with a batch of 2 needs 3 GB), about a
    third more time."""
    copies: int = 1
    """Crops per photograph: the photograph itself, and further ones re-encoded as JPEG before they are read."""
    jpeg_quality: tuple[int, int] = (40, 95)
    """Range of the re-encoding."""
    augment: float = 1.0
    """Strength of the augmentation; 0 turns it off."""
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
        if self.precision not in ("bf16", "float32"):
            raise UsageError("The precision is '{precision}'; it may be bf16 or float32.", precision=self.precision)
        if sum(self.shares) >= 0.9 or min(self.shares) <= 0:
            raise UsageError(
                "The shares {shares} of validation, calibration and test must be positive and leave a tenth.",
                shares=self.shares,
            )
        if min(self.epochs, self.batch, self.accumulate, self.copies, self.size) < 1:
            raise UsageError("Epochs, batch, accumulate, copies and size must be at least 1.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Outputs of the network while it learns: the targets, then the auxiliary columns."""
        return self.targets + self.auxiliary

    def as_json(self) -> dict[str, object]:
        """Return the plan as plain values."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    def digest(self, *parts: object) -> str:
        """Return 16 hexadecimal digits that change with everything that changes the result."""
        plan = {key: value for key, value in self.as_json().items() if key != "checkpoint_seconds"}
        return hashlib.sha256(json.dumps([plan, *parts], sort_keys=True).encode()).hexdigest()[:16]


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
