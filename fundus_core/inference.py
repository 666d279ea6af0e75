"""Model + crops -> predictions: numpy in, numpy out, nothing kept between calls.

On a processor networks run through OpenVINO, on a GPU through torch. float32 unless the card says that reduced
precision was measured on photographs and found harmless; the precision used is recorded with the predictions.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.models import features, graphs
from fundus_core.models import weights as files
from fundus_core.models.card import Card
from fundus_core.records import Floats, Pixels

LARGE_PX = 320
"""From this side on a batch of one is fastest on a processor: larger activations leave its cache."""
SMALL_BATCH = 8
"""Photographs in a batch of a smaller network on a processor."""
GPU_BATCH = 32
"""Photographs in a batch on a GPU; halved until it fits."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says about n crops, in their order."""

    values: Mapping[str, Floats]
    """By target: n values in the target's unit."""
    low: Mapping[str, Floats]
    """By target: lower ends of the 90 % intervals; NaN where the card gives none."""
    high: Mapping[str, Floats]
    """By target: upper ends of the 90 % intervals; NaN where the card gives none."""
    distance: Floats
    """Distance from the training photographs, 1 at the limit; NaN where the card has no statistics."""
    precision: str
    """``float32`` or ``bf16``."""


class Engine(Protocol):
    """What runs a network."""

    def __call__(self, crops: Pixels) -> tuple[Floats, Floats | None]:
        """Return values (n x outputs) and features (n x F, or ``None``) of crops (n x S x S x 3)."""


class Predictor:
    """One model, ready to be asked; safe to share, since it keeps nothing of what it is asked."""

    def __init__(self, card: Card, engine: Engine, precision: str, device: str) -> None:
        """Join a card and the engine that runs its network."""
        self.card, self.precision, self.device = card, precision, device
        self._engine = engine
        self._statistics = features.read(card.folder / card.features) if card.features else None

    def predict(self, crops: Pixels) -> Predictions:
        """Predict every target of the card for every crop.

        Args:
            crops: n x S x S x 3, RGB, 0..255, S the card's input size, cut by the card's rule.

        Raises:
            UsageError: Shape or type do not fit the card.
        """
        side = self.card.input.size
        if crops.ndim != 4 or crops.shape[1:] != (side, side, 3) or crops.dtype != np.uint8:
            message = (
                f"'{self.card.id}' wants crops of n x {side} x {side} x 3 bytes (RGB); these are {crops.shape} "
                f"{crops.dtype}. Cut them by the card's rule."
            )
            raise UsageError(message)
        if len(crops) == 0:
            return self._named(np.zeros((0, len(self.card.outputs))), None)
        return self._named(*self._engine(crops))

    def _named(self, values: Floats, pooled: Floats | None) -> Predictions:
        known = self._statistics is not None and pooled is not None
        outputs = self.card.outputs
        columns = {output.target: np.ascontiguousarray(values[:, k]) for k, output in enumerate(outputs)}
        return Predictions(
            values=columns,
            low={o.target: columns[o.target] + o.interval[0] * o.widening(columns[o.target]) for o in outputs},
            high={o.target: columns[o.target] + o.interval[1] * o.widening(columns[o.target]) for o in outputs},
            distance=self._statistics.distance(pooled)  # type: ignore[union-attr, arg-type]
            if known
            else np.full(len(values), np.nan),
            precision=self.precision,
        )


def open_predictor(
    card: Card, *, device: str = "auto", precision: str = "auto", cache: Path | None = None
) -> Predictor:
    """Load a card's network for prediction.

    Args:
        card: Whose weights are there.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
        precision: ``auto`` (what the card allows and the machine has), ``float32`` or ``bf16``.
        cache: Folder of converted networks, so that torch is needed once only; ``compiled`` in the app's working
            folder where ``None``.

    Raises:
        CardError: The weights are missing, damaged or others than the card names.
        UsageError: A word is not allowed, or there is no such device.
    """
    for word, allowed in ((device, ("auto", "cpu", "cuda")), (precision, ("auto", "float32", "bf16"))):
        if word not in allowed:
            message = f"'{word}' is not allowed here; use one of {', '.join(allowed)}."
            raise UsageError(message)
    files.check(card)
    if device == "cuda" or (device == "auto" and card.runtime == "timm" and _gpu()):
        return _on_gpu(card, precision)
    core = ov.Core()
    if precision == "auto":
        can = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        precision = "bf16" if can and card.precision.allowed == "bf16" else "float32"
    return Predictor(card, _OpenVino(core, _graph(core, card, cache), card, precision), precision, "cpu")


def _gpu() -> bool:
    """Whether there is a GPU, asked without torch where the answer is plainly no."""
    if not Path("/proc/driver/nvidia").exists() and os.name == "posix":
        return False
    import torch

    return torch.cuda.is_available()


# On a processor -------------------------------------------------------------------------------------------------


class _OpenVino:
    """A compiled graph and as many requests in flight as the machine has streams."""

    def __init__(self, core: ov.Core, model: ov.Model, card: Card, precision: str) -> None:
        side = card.input.size
        own = model.input(0).get_partial_shape()[0]
        self.batch = own.get_length() if own.is_static else 1 if side >= LARGE_PX else SMALL_BATCH
        model.reshape([self.batch, side, side, 3])
        hint = {"float32": ov.Type.f32, "bf16": ov.Type.bf16}[precision]
        self.compiled = core.compile_model(
            model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": hint}
        )

    def __call__(self, crops: Pixels) -> tuple[Floats, Floats | None]:
        starts = range(0, len(crops), self.batch)
        # Requests of its own for each call, since a request holds what it was asked last; no callbacks, since
        # OpenVINO's threads and Python's lock can wait for each other when a queue with callbacks is dropped.
        count = min(len(starts), int(self.compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")))
        requests = [self.compiled.create_infer_request() for _ in range(count)]
        answers: list[tuple[NDArray[np.float32], ...]] = []
        for turn, start in enumerate(starts):
            request = requests[turn % count]
            if turn >= count:
                answers.append(_answer(request))
            request.start_async({0: self._full(crops[start : start + self.batch])}, share_inputs=False)
        answers += [_answer(requests[turn % count]) for turn in range(len(answers), len(starts))]
        joined = [np.concatenate(column)[: len(crops)].astype(np.float64) for column in zip(*answers, strict=True)]
        return joined[0], joined[1] if len(joined) > 1 else None

    def _full(self, crops: Pixels) -> Pixels:
        """Fill the last batch with black; what is said of black is cut off."""
        filled = np.zeros((self.batch, *crops.shape[1:]), np.uint8)
        filled[: len(crops)] = crops
        return filled


def _answer(request: ov.InferRequest) -> tuple[NDArray[np.float32], ...]:
    """Wait for a request and copy what it answered."""
    request.wait()
    return tuple(np.array(tensor.data) for tensor in request.output_tensors)


def _graph(core: ov.Core, card: Card, cache: Path | None) -> ov.Model:
    """Return the card's network as a graph from uint8 crops to values (and features)."""
    if card.runtime == "openvino":
        return graphs.declared(core, card)
    folder = cache or Path(os.environ.get("FUNDUS_LAB_HOME", "workspace")) / "compiled"
    name = hashlib.sha256(f"{card.sha256} {card.weights.sha256} {ov.__version__}".encode()).hexdigest()[:24]
    kept = folder / f"{name}.xml"
    if kept.is_file() and kept.with_suffix(".bin").is_file():
        return core.read_model(kept)
    model = _converted(card)
    _keep(model, kept)
    return model


def _converted(card: Card) -> ov.Model:
    import torch

    from fundus_core.models.networks import build

    example = torch.zeros((1, card.input.size, card.input.size, 3), dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings():
        # OpenVINO traces; torch says of tracing that it will go some day, which is OpenVINO's to mend.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        return ov.convert_model(build(card), example_input=example, input=[-1, *example.shape[1:]])


def _keep(model: ov.Model, path: Path) -> None:
    """Write the graph so that another process never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        ov.save_model(model, part, compress_to_fp16=False)
        part.with_suffix(".bin").replace(path.with_suffix(".bin"))
        part.replace(path)


# On a GPU -------------------------------------------------------------------------------------------------------


def _on_gpu(card: Card, precision: str) -> Predictor:
    import torch

    if not torch.cuda.is_available() or card.runtime != "timm":
        message = f"'{card.id}' cannot run on a GPU here; use the device 'cpu' or 'auto'."
        raise UsageError(message)
    if precision == "auto":
        precision = card.precision.allowed
    return Predictor(card, _Torch(card, precision), precision, "cuda")


class _Torch:
    """The torch module on a GPU; the batch is halved when it does not fit."""

    def __init__(self, card: Card, precision: str) -> None:
        import torch

        from fundus_core.models.networks import build

        self.reader: Any = build(card).cuda().to(memory_format=torch.channels_last)
        self.reduced = precision == "bf16"

    def __call__(self, crops: Pixels) -> tuple[Floats, Floats | None]:
        import torch

        batch, start, values, pooled = GPU_BATCH, 0, [], []
        while start < len(crops):
            try:
                answer = self._ask(crops[start : start + batch])
            except torch.cuda.OutOfMemoryError:
                if batch == 1:
                    raise
                batch //= 2
                torch.cuda.empty_cache()
                continue
            values.append(answer[0])
            pooled.append(answer[1])
            start += batch
        return np.concatenate(values), np.concatenate(pooled)

    def _ask(self, crops: Pixels) -> tuple[Floats, Floats]:
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(crops)).pin_memory().cuda(non_blocking=True)
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=self.reduced):
            values, pooled = self.reader(tensor)
        return values.double().cpu().numpy(), pooled.double().cpu().numpy()
