"""Networks on a processor, through OpenVINO: converted once by torch, and without torch from then on."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from fundus_core import processes
from fundus_core.home import home
from fundus_core.models import card_files, openvino_graph
from fundus_core.models.card import Card
from fundus_core.records import Floats, Pixels

LARGE_PX = 320
"""From this side on a batch of one is fastest: larger activations leave the processor's cache."""
SMALL_BATCH = 8
"""Photographs in a batch of a smaller network."""


def has_bf16() -> bool:
    """Whether the processor computes in bf16."""
    return "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVino:
    """A compiled graph and as many requests in flight as the machine has streams."""

    def __init__(self, model: ov.Model, side: int, precision: str) -> None:
        """Compile a graph for crops of side x side pixels."""
        own = model.input(0).get_partial_shape()[0]
        self.batch = own.get_length() if own.is_static else 1 if side >= LARGE_PX else SMALL_BATCH
        model.reshape([self.batch, side, side, 3])
        hint = {"float32": ov.Type.f32, "bf16": ov.Type.bf16}[precision]
        self.compiled = ov.Core().compile_model(
            model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": hint}
        )
        self.streams = int(self.compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self.at_once = self.batch * self.streams

    def __call__(self, crops: Pixels) -> tuple[Floats, Floats | None]:
        """Return values and features of crops, as many in flight as there are streams."""
        starts = range(0, len(crops), self.batch)
        # Requests of its own for each call, since a request holds what it was asked last; no callbacks, since
        # OpenVINO's threads and Python's lock can wait for each other when a queue with callbacks is dropped.
        count = min(len(starts), self.streams)
        requests = [self.compiled.create_infer_request() for _ in range(count)]
        answers: list[tuple[NDArray[np.float32], ...]] = []
        for turn, start in enumerate(starts):
            request = requests[turn % count]
            if turn >= count:
                answers.append(_answer(request))
            request.start_async({0: filled(crops[start : start + self.batch], self.batch)}, share_inputs=False)
        answers += [_answer(requests[turn % count]) for turn in range(len(answers), len(starts))]
        joined = [np.concatenate(column)[: len(crops)].astype(np.float64) for column in zip(*answers, strict=True)]
        return joined[0], joined[1] if len(joined) > 1 else None


def _answer(request: ov.InferRequest) -> tuple[NDArray[np.float32], ...]:
    """Wait for a request and copy what it answered."""
    request.wait()
    return tuple(np.array(tensor.data) for tensor in request.output_tensors)


def graph_of(card: Card, cache: Path | None) -> ov.Model:
    """Return a card's network as a graph from uint8 crops to values (and features).

    Converted networks are kept in the cache; in ``compiled`` in the app's working folder where ``None``.
    """
    core = ov.Core()
    if card.runtime == "openvino":
        return openvino_graph.declared(core, card)
    folder = cache or home() / "compiled"
    name = hashlib.sha256(f"{card.sha256} {card.weights.sha256} {ov.__version__}".encode()).hexdigest()[:24]
    kept = folder / f"{name}.xml"
    if not _there(kept):
        _convert(card, kept)
    return core.read_model(kept)


def _there(kept: Path) -> bool:
    return kept.is_file() and kept.with_suffix(".bin").is_file()


def _convert(card: Card, kept: Path) -> None:
    """Convert here where torch is loaded already, else in another process: torch and its copies of a B7 take 2 GB."""
    file = card.folder / "card.toml"
    if "torch" not in sys.modules and file.is_file() and card_files.read(file).sha256 == card.sha256:
        words = processes.command("fundus_core.inference.conversion", file, kept)
        # What goes wrong there goes wrong here, too, and is told here.
        subprocess.run(words, env=processes.environment(), check=False, capture_output=True)  # noqa: S603 (our own interpreter and module)
    if not _there(kept):
        from fundus_core.inference.conversion import convert

        convert(card, kept)


def filled(crops: Pixels, batch: int) -> Pixels:
    """Fill up to a batch with black, for networks that know one size; what is said of black is the caller's to cut off.

    Crops are n x S x S x 3, n at most the batch; a full batch is returned as it is, in one piece of memory.
    """
    if len(crops) == batch:
        return np.ascontiguousarray(crops)
    whole = np.zeros((batch, *crops.shape[1:]), np.uint8)
    whole[: len(crops)] = crops
    return whole
