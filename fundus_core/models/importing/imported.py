"""What an importer finds in a file, before a card is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats

Original = Callable[[NDArray[np.float32]], Floats]
"""The file's own network: n x S x S x 3 values as it is fed (channels last) to n x outputs, its last activation
included."""


@dataclass(frozen=True, slots=True)
class Affine:
    """``factor * value + shift`` per channel: rescaling and normalisation that lie inside a file."""

    factor: Floats
    """3."""
    shift: Floats
    """3."""

    def then(self, factor: Floats | float, shift: Floats | float) -> Affine:
        """Return this one followed by another."""
        return Affine(self.factor * factor, self.shift * factor + shift)


NOTHING = Affine(np.ones(3), np.zeros(3))
"""Changes nothing."""


UNIT: Mapping[str, object] = {"input.value_range": [0.0, 1.0], "input.mean": [0.0] * 3, "input.std": [1.0] * 3}
"""Lines of a card under which a network is fed 0 to 1."""
IMAGENET: Mapping[str, object] = {
    "input.value_range": [0.0, 1.0],
    "input.mean": [0.485, 0.456, 0.406],
    "input.std": [0.229, 0.224, 0.225],
}
"""Those under which it is fed 0 to 1 with ImageNet's mean and spread."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user says of a network of which a file holds the weights alone."""

    backbone: str
    """timm's name; empty where the card does not say."""
    sure: bool
    """Whether the card says it without a doubt."""
    options: Mapping[str, object]
    """For the network's constructor."""
    targets: Sequence[str]
    """Of the card's outputs, in their order."""
    binary: Mapping[str, bool]
    """By every target that a file may name: whether it is yes or no."""
    size: int | None
    """Side of the input."""
    labels: Sequence[str] = ()
    """What a description beside the file calls the outputs, in the network's order."""
    choice: str = ""
    """Which set of weights."""
    without: Sequence[str] = ()
    """Beginnings of names that are no part of the network."""


@dataclass(frozen=True, slots=True)
class Twin:
    """Another reading of the same file, which nothing in it rules out."""

    key: str
    """Dotted key of the card that says which of the two it is."""
    words: str
    """What would be otherwise, for a person."""
    found: Found | None = None
    """The network read so; ``None`` where only the card would differ."""
    changes: Mapping[str, object] = field(default_factory=dict)
    """Dotted keys of the card, and what they would be."""


ANOTHER_ORDER = Twin("outputs", "one whose heads, which have no names, stand for the outputs in another order")
"""Of several heads that nothing names."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file's network, read but not yet kept."""

    format: str
    """For people."""
    runtime: str
    """``timm`` or ``openvino``."""
    backbone: str
    """Name of the network; empty where the file does not say."""
    outputs: int
    """Number of values per photograph."""
    activations: tuple[str, ...]
    """Per output what the file puts last: ``linear``, ``sigmoid``, ``exp``, ``softmax`` or another name."""
    size: int | None = None
    """Side of the input in pixels; ``None`` where the file takes any."""
    layout: str = "nchw"
    """Of the input."""
    options: Mapping[str, object] = field(default_factory=dict)
    """For the network's constructor."""
    inside: Affine | None = None
    """Input arithmetic found in the file, so that it wants 0..255; ``None`` where there is none."""
    takes_bytes: bool = False
    """Whether its input holds whole numbers of 0 to 255 and no others."""
    folded: bool = False
    """Whether that arithmetic was taken out of the weights and belongs into the card."""
    names: tuple[str, ...] = ()
    """Of the outputs, where the file gives them."""
    tensors: Mapping[str, Any] | None = None
    """State dict of a timm network, its last activations not in it."""
    graph: Any = None
    """OpenVINO graph, its last activations in it."""
    original: Original | None = None
    """The file's own network; ``None`` where the file holds weights alone."""
    by: str = ""
    """Which program runs ``original``."""
    notes: tuple[str, ...] = ()
    """What a person should know, as sentences."""
    twins: tuple[Twin, ...] = ()
    """Other readings that remain."""

    def noting(self, *sentences: str) -> Found:
        """Return this with more notes."""
        return replace(self, notes=(*self.notes, *sentences))
