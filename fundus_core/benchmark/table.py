"""A benchmark as a page of text."""

import math
from collections.abc import Iterator, Sequence

from fundus_core.benchmark.result import PLAIN, Benchmark, Interval, Paper, Projection, Row


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
        steps = found.steps[network]
        total = sum(steps.values())
        yield "  reading, ms on one core: " + ", ".join(f"{step} {1e3 * s:.1f}" for step, s in steps.items())
        yield f"  together {1e3 * total:.1f}"
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
