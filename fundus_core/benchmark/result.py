"""What a benchmark found, as records, as one JSON, and as a page of text."""

import math
from collections.abc import Iterator, Mapping, Sequence
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


def text(found: Benchmark) -> str:
    """Return the tables as plain text."""
    return "\n".join(_lines(found))


def _lines(found: Benchmark) -> Iterator[str]:
    yield ", ".join(f"{key} {value}" for key, value in found.machine.items())
    yield found.photograph
    for network in dict.fromkeys(row.network for row in found.rows):
        yield ""
        yield f"{network}: {found.multiply_adds[network] / 1e9:.3g} billion multiply-adds a photograph"
        yield from _table(_WAYS, [_way(row) for row in found.rows if row.network == network])
        yield f"  {read(found.steps[network])}"
    yield ""
    rates = ", ".join(f"{precision} {rate / 1e9:.0f}" for precision, rate in found.matrix_rate.items())
    yield f"Matrix product, billion multiply-adds a second: {rates}"
    yield ""
    yield "Intervals (bootstrap over people)"
    yield from _table(_INTERVALS, [_interval(one) for one in found.intervals])
    yield ""
    yield "Hours for a cohort, projected from the times above"
    counts = [f"{count:,}" for count in found.projections[0].hours] if found.projections else []
    cost = "core seconds per 1,000"
    cores = int(found.machine["cores"])
    yield from _table(("network", "way", *counts, cost), [_hours(one, cores) for one in found.projections])
    yield ""
    if found.paper:
        yield "Hours on paper: a published speed of the network, and cores that read at this machine's cost"
        yield from _table(("network", "GPUs", "per second", *counts, "cores"), [_on_paper(one) for one in found.paper])
        yield from (f"  {source}" for source in dict.fromkeys(one.source for one in found.paper))
        yield ""
    yield from found.notes


def read(steps: Mapping[str, float]) -> str:
    """Return what reading a photograph costs, step by step and together, as a line."""
    parts = ", ".join(f"{step} {1e3 * seconds:.1f}" for step, seconds in steps.items())
    return f"reading, ms on one core: {parts}; together {1e3 * sum(steps.values()):.1f}"


_WAYS = (
    "way",
    "batch",
    "ms",
    "per second",
    "times plain (rounds)",
    "of network alone",
    "of ceiling",
    "waits/predicts/stores",
    "peak GB",
)
_INTERVALS = ("photographs", "people", "targets", "draws", "statistics", "seconds", "peak GB")


def _way(row: Row) -> tuple[str, ...]:
    return (
        _name(row.way, row.device, row.precision),
        str(row.batch) if row.batch else "own",
        f"{1e3 * row.seconds:.1f}",
        f"{1 / row.seconds:.2f}",
        f"{row.ratio:.2f} ({row.ratio_low:.2f}-{row.ratio_high:.2f})",
        _percent(row.of_network),
        _percent(row.of_ceiling),
        "/".join(_percent(share) for share in row.spent.values()) or "-",
        _gigabytes(row.peak_bytes),
    )


def _interval(one: Interval) -> tuple[str, ...]:
    return (
        f"{one.photographs:,}",
        f"{one.patients:,}",
        str(one.targets),
        f"{one.draws:,}",
        "all" if one.ranked else "without ranks",
        f"{one.seconds:.2f}",
        _gigabytes(one.peak_bytes),
    )


def _hours(one: Projection, cores: int) -> tuple[str, ...]:
    hours = [f"{hours:.2f}" for hours in one.hours.values()]
    count, whole = next(iter(one.hours.items()))
    return (one.network, _name(one.way, one.device, one.precision), *hours, f"{3.6e6 * cores * whole / count:.0f}")


def _on_paper(one: Paper) -> tuple[str, ...]:
    hours = [f"{hours:.2f}" for hours in one.hours.values()]
    return (one.network, f"{one.gpus} x {one.device}", f"{one.rate:.0f}", *hours, f"{one.cores:.0f}")


def _name(way: str, device: str, precision: str) -> str:
    engine = "OpenVINO" if way != PLAIN and device == "cpu" else "PyTorch"
    return f"{way}, {engine} {precision}" + (" on the GPU" if device == "cuda" else "")


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.0%}"


def _gigabytes(count: float) -> str:
    return "-" if math.isnan(count) else f"{count / 1e9:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for cells in (head, *rows):
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
