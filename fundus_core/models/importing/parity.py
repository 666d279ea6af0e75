"""Proof that a file was read right: its own network and the imported one, asked about the same photographs."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fundus_core.models.card import Card
from fundus_core.models.importing.complete_card import input_spec, link_of
from fundus_core.models.importing.imported import Found
from fundus_core.models.importing.partial_card import Draft
from fundus_core.records import Floats, Pixels

TOLERANCE = 1e-4
"""Largest difference, relative to the largest value of a target, that counts as the same network."""

_LINKS: Mapping[str, Callable[[Floats], Floats]] = {
    "identity": lambda x: x,
    "exp": np.exp,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def example(size: int) -> Pixels:
    """Return three crops (3 x S x S x 3): a drawn disc that serves as golden example, and two of noise."""
    generator = np.random.default_rng(20250512)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    radius = np.hypot(x, y)
    shade = np.clip(1.1 - 0.5 * radius, 0, 1)[..., None] * np.array([200.0, 95.0, 45.0])
    disc = 60 * np.exp(-((x - 0.45) ** 2 + y**2) / 0.02)[..., None]
    drawn = (shade + disc + generator.normal(0, 4, shade.shape)) * (radius < 0.98)[..., None]
    noise = generator.integers(0, 256, (2, size, size, 3))
    return np.concatenate([np.clip(drawn, 0, 255)[None], noise]).astype(np.uint8)


def write_golden(crop: Pixels, path: Path) -> str:
    """Write a crop as PNG and return the hash of its bytes."""
    Image.fromarray(crop).save(path, optimize=True)
    return hashlib.sha256(crop.tobytes()).hexdigest()


def expected(draft: Draft, found: Found, crops: Pixels, *, nudge: float = 0.0) -> Floats | None:
    """Return what the file's own network says of crops (n x S x S x 3): n x outputs, in units.

    ``None`` where it has none. Its input is made larger by the share ``nudge`` of itself.
    """
    if found.original is None:
        return None
    given = input_spec(draft, found)
    values = (crops[..., ::-1] if given.bgr else crops).astype(np.float32)
    values = ((values * given.affine.factor + given.affine.shift) * (1 + nudge)).astype(np.float32)
    raw = found.original(values)
    columns = [
        _LINKS[link_of(draft, found, k)](raw[:, k] * _number(one, "scale", 1.0) + _number(one, "offset", 0.0))
        for k, one in enumerate(draft.outputs)
    ]
    return np.asarray(np.stack(columns, axis=1))


def sensitivity_of(draft: Draft, found: Found, size: int) -> float:
    """Return how far the original's own answers move, relative, when its input moves by a millionth.

    A network that amplifies rounding (deep ones with random weights do) cannot be reproduced more closely than this.
    """
    crops = example(size)
    still, moved = (expected(draft, found, crops, nudge=nudge) for nudge in (0.0, 1e-6))
    return 0.0 if still is None or moved is None else difference(still, moved)


def _number(output: object, key: str, habit: float) -> float:
    value = output.get(key, habit) if isinstance(output, dict) else habit
    return float(value) if isinstance(value, int | float) else habit


def imported_outputs(card: Card, crops: Pixels) -> Floats:
    """Return what the imported network says, read again from the files that were kept (n x outputs, in units)."""
    if card.runtime == "timm":
        return _from_timm(card, crops)
    import openvino as ov

    from fundus_core.models import openvino_graph

    core = ov.Core()
    compiled = core.compile_model(openvino_graph.declared(core, card), "CPU", {"INFERENCE_PRECISION_HINT": ov.Type.f32})
    answers = [np.asarray(compiled(crops[k : k + 1])[0]) for k in range(len(crops))]
    return np.asarray(np.concatenate(answers), dtype=np.float64)


def _from_timm(card: Card, crops: Pixels) -> Floats:
    import torch

    from fundus_core.models.networks import build

    with torch.no_grad():
        return np.asarray(build(card)(torch.from_numpy(crops))[0].numpy(), dtype=np.float64)


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the largest difference of any target, relative to that target's largest value."""
    size = np.maximum(np.abs(one).max(axis=0), np.finfo(np.float32).tiny)
    return float((np.abs(one - other).max(axis=0) / size).max())
