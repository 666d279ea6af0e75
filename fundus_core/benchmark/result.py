"""What a benchmark found, as records; one JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

PLAIN = "plain"
OURS = "ours"
RAY = "ours on Ray"


@dataclass(frozen=True, slots=True)
class Row:
    """One way of predicting with one network, from JPEG on."""

    network: str
    """Name of the trial."""
    way: str
    """``plain``, ``ours`` or ``ours on Ray``."""
    device: str
    """``cpu`` or ``cuda``."""
    precision: str
    """``float32`` or ``bf16``."""
    batch: int
    """Photographs in a batch; 0 where the worker chooses."""
    seconds: float
    """A photograph, the median of the rounds."""
    ratio: float
    """How many times as fast as the plain way at its own fastest batch: the median of the rounds."""
    ratio_low: float
    """The smallest ratio of a round."""
    ratio_high: float
    """The largest ratio of a round."""
    network_seconds: float
    """A photograph, the network alone on crops in memory: the median of the rounds."""
    of_network: float
    """Share of the network's own speed that is reached from JPEGs, 0..1; reading holds back the rest."""
    of_ceiling: float
    """Share of the machine's matrix products that is reached, 0..1; NaN on a GPU."""
    spent: Mapping[str, float]
    """Share of the worker's own time by part: ``waiting`` for photographs, ``predict``, ``store``; empty for plain."""
    peak_bytes: float
    """Most memory of the process; NaN where it is shared or the system does not say."""


@dataclass(frozen=True, slots=True)
class Interval:
    """How long the intervals of a large cohort take."""

    photographs: int
    """Rows."""
    patients: int
    """People, who are drawn."""
    targets: int
    """Scored together."""
    draws: int
    """Of the bootstrap."""
    ranked: bool
    """Whether with the statistics that sort every draw."""
    seconds: float
    """In all."""
    peak_bytes: float
    """Most memory of the process, the cohort included."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Hours for a cohort, from the measured seconds a photograph."""

    network: str
    """Name of the trial."""
    way: str
    """``plain`` or ``ours``."""
    precision: str
    """``float32`` or ``bf16``."""
    device: str
    """``cpu`` or ``cuda``."""
    hours: Mapping[int, float]
    """By number of photographs."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What GPUs would take by a published speed of the network and the measured cost of reading; not measured."""

    network: str
    """Name of the trial."""
    device: str
    """The GPU."""
    gpus: int
    """How many share a cohort."""
    rate: float
    """Photographs a second."""
    cores: float
    """Processor cores that must read for the GPUs not to wait, at this machine's cost of reading."""
    hours: Mapping[int, float]
    """By number of photographs."""
    source: str
    """Of the network's speed."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Everything that was measured side by side in one run."""

    machine: Mapping[str, str]
    """Processor, cores, system and versions."""
    photograph: str
    """What was read."""
    multiply_adds: Mapping[str, float]
    """By network: for one photograph."""
    matrix_rate: Mapping[str, float]
    """By precision: multiply-adds a second in the product of two matrices."""
    rows: tuple[Row, ...]
    """Every way with every network."""
    steps: Mapping[str, Mapping[str, float]]
    """By network, then by step of reading: processor seconds a photograph."""
    intervals: tuple[Interval, ...]
    """The bootstrap."""
    projections: tuple[Projection, ...]
    """What the rows mean for cohorts."""
    paper: tuple[Paper, ...]
    """What GPUs would take, on paper."""
    notes: tuple[str, ...]
    """What was not measured, and how to read the numbers."""

    def as_json(self) -> dict[str, object]:
        """Return plain values; a number that is missing is null."""
        plain = _plain(asdict(self))
        return plain if isinstance(plain, dict) else {}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
