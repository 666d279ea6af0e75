"""Everybody in turn, several rounds: what is compared was measured within seconds of each other."""

import contextlib
import importlib.util
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from PIL import Image

from fundus_core.benchmark.plan import FULL, Plan, Trial, card_of, photographs
from fundus_core.benchmark.product_way import OnRay, Ours, Plain
from fundus_core.benchmark.result import OURS, PLAIN, RAY, Benchmark, Interval, Paper, Projection, Row
from fundus_core.benchmark.separate_processes import Host, contender
from fundus_core.benchmark.steps import PHOTOGRAPHS_PER_PERSON, Intervals, matrix_rate, multiply_adds, reading_steps
from fundus_core.models.card import Card
from fundus_core.targets import METABOLIC

COHORTS = (10_000, 130_000, 1_600_000)
"""Photographs of the cohorts whose hours are projected."""
GPUS = (1, 8)
"""For the scale on paper."""
_READ = 8
"""Photographs on which the steps of reading are timed."""
Tell = Callable[[str], None]


@dataclass
class _Way:
    """One contender and what its rounds took."""

    way: str
    device: str
    precision: str
    batch: int
    process: Host
    seconds: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    spent: dict[str, list[float]] = field(default_factory=dict)


def measure(plan: Plan = FULL, *, tell: Tell = lambda _: None) -> Benchmark:
    """Measure everything in one run; ``tell`` is called with a line whenever something begins.

    Raises:
        UsageError: A photograph was refused, or a process died.
    """
    rows: list[Row] = []
    steps, work = {}, {}
    notes = _notes(plan)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        tell("rendering photographs")
        paths = photographs(plan, folder)
        tell("multiplying matrices")
        rates = {precision: matrix_rate(precision, plan.matrix) for precision in _precisions()}
        for number, trial in enumerate(plan.trials):
            card = card_of(trial, folder / f"card{number}")
            if card is None:
                notes.append(f"{trial.name}: not measured, its weights are not here.")
                continue
            work[trial.name] = multiply_adds(card)
            rows += _trial(plan, trial, card, paths, work[trial.name], rates, folder, tell)
            tell(f"{trial.name}: the steps of reading")
            steps[trial.name] = reading_steps(paths[:_READ], card.rule)
        described = _described(paths)
    intervals = _intervals(plan, tell)
    return Benchmark(
        _machine(),
        described,
        work,
        rates,
        tuple(rows),
        steps,
        intervals,
        _projections(rows),
        tuple(_paper(plan, steps)),
        tuple(notes),
    )


def reading(plan: Plan = FULL, *, tell: Tell = lambda _: None) -> dict[str, dict[str, float]]:
    """Measure reading alone: processor seconds a photograph by network, then by step; no network is opened."""
    few = replace(plan, trials=tuple(replace(trial, count=_READ, ours=_READ) for trial in plan.trials))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        tell("rendering photographs")
        paths = photographs(few, folder)
        cards = {trial.name: card_of(trial, folder / f"card{at}") for at, trial in enumerate(plan.trials)}
        return {name: reading_steps(paths[:_READ], card.rule) for name, card in cards.items() if card is not None}


def _trial(
    plan: Plan,
    trial: Trial,
    card: Card,
    paths: Sequence[Path],
    multiply_adds: float,
    rates: dict[str, float],
    folder: Path,
    tell: Tell,
) -> list[Row]:
    tell(f"{trial.name}: opening")
    with contender(Ours, card.folder / "card.toml", "float32", "cpu", folder / "compiled", apart=plan.apart) as first:
        # Converts the network, so that the memory of those that are measured is that of a worker's second start.
        first.ask("alone", paths[0], 1)
    with contextlib.ExitStack() as stack:
        ways = list(_ways(plan, trial, card, folder, stack))
        for way in ways:
            _turn(way, paths[: max(2, way.batch)])
            _forget(way)
        for turn in range(plan.rounds):
            tell(f"{trial.name}: round {turn + 1} of {plan.rounds}")
            # Everybody begins once, so that none always follows the same one.
            for place in range(len(ways)):
                way = ways[(turn + place) % len(ways)]
                _turn(way, paths[: trial.count if way.way == PLAIN else trial.ours])
        peaks = [way.process.peak() if plan.apart and way.way != RAY else float("nan") for way in ways]
    best = np.min([way.seconds for way in ways if way.way == PLAIN], axis=0)
    return [_row(trial, way, best, multiply_adds, rates, peak) for way, peak in zip(ways, peaks, strict=True)]


def _ways(plan: Plan, trial: Trial, card: Card, folder: Path, stack: contextlib.ExitStack) -> Iterator[_Way]:
    file = card.folder / "card.toml"
    plain = stack.enter_context(contender(Plain, file, apart=plan.apart))
    for batch in trial.batches:
        yield _Way(PLAIN, "cpu", "float32", batch, plain)
    for device, precision in _engines():
        process = stack.enter_context(contender(Ours, file, precision, device, folder / "compiled", apart=plan.apart))
        yield _Way(OURS, device, precision, 0, process)
    if plan.apart and importlib.util.find_spec("ray"):
        process = stack.enter_context(contender(OnRay, file, "float32", "cpu", folder / "compiled"))
        yield _Way(RAY, "cpu", "float32", 0, process)


def _turn(way: _Way, paths: Sequence[Path]) -> None:
    count = len(paths)
    if way.way == PLAIN:
        way.seconds.append(way.process.ask("work", paths, way.batch) / count)
        way.alone.append(way.process.ask("alone", count, way.batch))
        return
    done: Any = way.process.ask("work", paths)
    way.seconds.append(done.seconds / count)
    way.alone.append(way.process.ask("alone", paths[0], count))
    for part, seconds in done.spent.items():
        way.spent.setdefault(part, []).append(seconds / done.seconds)


def _forget(way: _Way) -> None:
    """The first turn warms up and is not counted."""
    way.seconds.clear()
    way.alone.clear()
    way.spent.clear()


def _row(trial: Trial, way: _Way, best: Any, multiply_adds: float, rates: dict[str, float], peak: float) -> Row:
    ratios = best / np.array(way.seconds)
    seconds, alone = float(np.median(way.seconds)), float(np.median(way.alone))
    rate = rates[way.precision] if way.device == "cpu" else float("nan")
    return Row(
        network=trial.name,
        way=way.way,
        device=way.device,
        precision=way.precision,
        batch=way.batch,
        seconds=seconds,
        ratio=float(np.median(ratios)),
        ratio_low=float(ratios.min()),
        ratio_high=float(ratios.max()),
        network_seconds=alone,
        of_network=float(np.median(np.array(way.alone) / np.array(way.seconds))),
        of_ceiling=multiply_adds / seconds / rate,
        spent={part: float(np.median(shares)) for part, shares in way.spent.items()},
        peak_bytes=peak,
    )


def _precisions() -> tuple[str, ...]:
    """Those that the processor has."""
    can = "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("float32", "bf16") if can else ("float32",)


def _engines() -> list[tuple[str, str]]:
    """Device and precision of our ways."""
    gpu = [("cuda", "float32"), ("cuda", "bf16")] if torch.cuda.is_available() else []
    return [*(("cpu", precision) for precision in _precisions()), *gpu]


def _intervals(plan: Plan, tell: Tell) -> tuple[Interval, ...]:
    found = []
    for ranked in (False, True):
        tell(f"intervals{' with ranks' if ranked else ''}")
        with contender(Intervals, apart=plan.apart) as process:
            seconds = float(process.ask("evaluate", plan.patients, plan.draws, ranked))
            peak = process.peak() if plan.apart else float("nan")
        count = round(plan.patients * PHOTOGRAPHS_PER_PERSON)
        found.append(Interval(count, plan.patients, len(METABOLIC), plan.draws, ranked, seconds, peak))
    return tuple(found)


def _projections(rows: Sequence[Row]) -> tuple[Projection, ...]:
    """Hours by the measured seconds a photograph; of the plain way only its fastest batch."""
    fastest: dict[tuple[str, str, str, str], float] = {}
    for row in rows:
        key = (row.network, row.way, row.precision, row.device)
        fastest[key] = min(row.seconds, fastest.get(key, float("inf")))
    return tuple(
        Projection(*key, {count: count * seconds / 3600 for count in COHORTS}) for key, seconds in fastest.items()
    )


def _paper(plan: Plan, steps: Mapping[str, Mapping[str, float]]) -> Iterator[Paper]:
    """What one GPU and eight would take, each fed by as many cores as it wants; linear by their independence."""
    for trial in plan.trials:
        if trial.published is None or trial.name not in steps:
            continue
        told, reading = trial.published, sum(steps[trial.name].values())
        for gpus in GPUS:
            rate = gpus * told.rate
            hours = {count: count / rate / 3600 for count in COHORTS}
            yield Paper(trial.name, told.device, gpus, rate, rate * reading, hours, told.source)


def _machine() -> dict[str, str]:
    names = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "openvino": ov.__version__,
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _described(paths: Sequence[Path]) -> str:
    with Image.open(paths[0]) as image:
        width, height = image.size
    size = np.mean([path.stat().st_size for path in paths]) / 1e6
    return f"{len(paths)} rendered JPEGs of {width} x {height} pixels, {size:.1f} MB each"


def _notes(plan: Plan) -> list[str]:
    """What a reader has to know."""
    notes = [
        "Ratios compare ways within one round; times belong to this machine and to what else ran on it.",
        "From JPEG to prediction: the plain way keeps its predictions in memory, ours stores them, with two pictures "
        "for the pages and every quality check.",
        "bf16 is used for a model only where 'models check' has found it harmless; random weights cannot be checked.",
    ]
    if not importlib.util.find_spec("ray"):
        notes.append("Ray: unmeasured, it is not installed here (pip install -r requirements-cluster.txt).")
    elif plan.apart:
        notes.append(
            "'ours on Ray' is a cluster of this machine alone whose actors have started already: what handing "
            "photographs to other processes costs where one would do. Memory is not told apart over its processes."
        )
    if not torch.cuda.is_available():
        notes.append("GPU: unmeasured, there is none here; what stands on paper rests on a published speed.")
    if not plan.apart:
        notes.append("A quick run shows that every part works; its sizes say nothing about speed.")
    return notes
