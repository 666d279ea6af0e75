"""An explanation as files: one JSON, the crop, and per target the map and a picture for people."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.explain.saliency import Saliency
from fundus_core.records import Pixels

NAME = "explanation.json"
"""Holds every number; the pictures lie beside it."""
_STRONGEST = 0.75
"""Opacity of the map where it is 1."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a model looked in one photograph, or why it was not asked."""

    photograph: str
    """Name of the source."""
    sha256: str
    """Of the file's bytes."""
    status: str
    """``predicted``, ``refused`` or ``failed``."""
    reason: str
    """Why the model was not asked; empty where it was."""
    model: str
    """Id of the card."""
    weights_sha256: str
    """Of the weights file."""
    code_version: str
    """Version of this package."""
    note: str
    """Stands beside every number of this model."""
    scale: float = math.nan
    """Crop pixels per pixel of the full photograph."""
    origin_x: float = math.nan
    """Photograph x of the crop's left edge."""
    origin_y: float = math.nan
    """Photograph y of the crop's top edge."""
    maps: Mapping[str, Saliency] = field(default_factory=dict)
    """By target; none where the model was not asked."""
    crop: Pixels = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8))
    """S x S x 3, RGB, 0..255: what the model saw."""


def write(explanation: Explanation, folder: Path) -> None:
    """Write ``explanation.json``, ``crop.png``, and ``T_map.png`` and ``T_overlay.png`` per target T."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: _plain(getattr(explanation, name)) for name in _WORDS}
    plain["targets"] = {target: _numbers(one) for target, one in explanation.maps.items()}
    if explanation.crop.size:
        _write_picture(folder / "crop.png", explanation.crop)
    for target, one in explanation.maps.items():
        _write_picture(folder / f"{target}_map.png", np.rint(255 * one.map).astype(np.uint8))
        _write_picture(folder / f"{target}_overlay.png", overlay(explanation.crop, one.map))
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def overlay(crop: Pixels, map_: NDArray[np.float32]) -> Pixels:
    """Return a map laid over the crop: S x S x 3, RGB; the crop in grey, the map in a scale that all eyes can tell."""
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    heat = cv2.cvtColor(
        cv2.applyColorMap(np.rint(255 * map_).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    opacity = _STRONGEST * map_[..., None]
    return np.asarray(np.rint(grey * (1 - opacity) + heat * opacity), np.uint8)


_WORDS = (
    "photograph",
    "sha256",
    "status",
    "reason",
    "model",
    "weights_sha256",
    "code_version",
    "note",
    "scale",
    "origin_x",
    "origin_y",
)


def _numbers(one: Saliency) -> dict[str, object]:
    """Everything of a map but its pixels; a missing number becomes null."""
    plain = {name: _plain(value) for name, value in asdict(one).items() if name not in ("map", "deletion", "target")}
    test = one.deletion
    plain["deletion"] = {
        "fractions": test.fractions,
        "salient": test.salient,
        "contrast": test.contrast,
        "random": test.random,
        "ratio": _plain(test.ratio),
        "contrast_ratio": _plain(test.contrast_ratio),
        "beaten": test.beaten,
        "meaningful": test.meaningful,
    }
    return plain


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_picture(path: Path, pixels: Pixels) -> None:
    given = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    path.write_bytes(cv2.imencode(".png", given)[1].tobytes())
