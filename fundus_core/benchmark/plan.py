"""How much is measured: in earnest, or just enough to see that every part works."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Published:
    """How fast somebody else found a network on a GPU."""

    device: str
    """The GPU."""
    rate: float
    """Photographs a second, the network alone."""
    source: str
    """Where it is written, and how it was measured."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One network that is measured."""

    name: str
    """In the tables."""
    model: str = ""
    """Id of a card whose weights are there; empty for random weights."""
    backbone: str = ""
    """timm's name, for random weights."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Of the backbone."""
    size: int = 0
    """Side of its crops in pixels, for random weights."""
    batches: tuple[int, ...] = (1,)
    """Batch sizes that the plain way is tried with; the fastest one counts."""
    count: int = 8
    """Photographs that the plain way reads in a round."""
    ours: int = 16
    """Photographs that the worker reads in a round; more, since it is faster and its start counts, too."""
    published: Published | None = None
    """For the scale on paper, where no GPU can be measured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides how long a benchmark takes."""

    height: int
    """About the height of the photographs in pixels."""
    people: int
    """Rendered people whose eyes the photographs are made of."""
    trials: tuple[Trial, ...]
    """The networks."""
    rounds: int
    """How often everybody has a turn."""
    matrix: int
    """Side of the matrices whose product measures the machine."""
    patients: int
    """People of the cohort whose intervals are timed, each with two photographs or one."""
    draws: int
    """Of the bootstrap."""
    apart: bool
    """Whether each contender has a process of its own, so that none slows the others and memory can be told apart."""

    @property
    def photographs(self) -> int:
        """How many photographs there must be."""
        return max(max(trial.count, trial.ours) for trial in self.trials)


_RTX_4090 = Published(
    "RTX 4090",
    181.61,
    "timm's benchmark-infer-amp-nhwc-pt240-cu124-rtx4090.csv: tf_efficientnet_b7, 600 px, batch 192, float16 autocast",
)
_B7 = Trial("EfficientNet-B7, 600 px, random weights", "", "tf_efficientnet_b7", {}, 600, (1, 4), 8, 24, _RTX_4090)
_B0 = Trial("EfficientNet-B0, 224 px, random weights", "", "tf_efficientnet_b0", {}, 224, (1, 8), 24, 96)
_SAMPLE = Trial("sample model", "sample-rendered", batches=(1, 8), count=24, ours=160)
_TINY = Trial(
    "tiny network, 64 px, random weights",
    "",
    "resnet10t",
    {"channels": (8, 8, 16, 16), "stem_width": 8},
    64,
    (1, 2),
    4,
    4,
)

FULL = Plan(2848, 2, (_B7, _SAMPLE, _B0), rounds=3, matrix=2048, patients=52_000, draws=2000, apart=True)
"""In earnest: about ten minutes on two cores."""
QUICK = Plan(512, 1, (_TINY,), rounds=1, matrix=128, patients=200, draws=50, apart=False)
"""Every part once, on sizes that say nothing about speed."""
