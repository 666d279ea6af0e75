"""The card of a model: everything that must be known to ask it, in one strict TOML file.

A key that is not known here, or one that is missing, is an error that names the key: a card that is wrong in
silence makes a model wrong in silence. What nobody has confirmed stands in ``unverified`` and is shown so.
"""

import hashlib
import json
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path

import numpy as np

from fundus_core.records import Floats
from fundus_core.retina import CropRule

RUNTIMES = ("timm", "openvino")
"""How weights may be run: a timm network, or a graph that OpenVINO reads (ONNX, a SavedModel, its own format)."""
LINKS = ("identity", "exp", "sigmoid")
"""What follows scale and offset."""


@dataclass(frozen=True, slots=True)
class Input:
    """What the network is fed."""

    size: int
    """Side of the square crop in pixels."""
    resample: str
    """Name of the resampling, one of ``retina``'s."""
    margin: float
    """Black around the field, as a share of its diameter."""
    channels: str
    """``rgb`` or ``bgr``."""
    layout: str
    """``nchw`` or ``nhwc``; how a graph of its own wants its input. A timm network is ``nchw``."""
    value_range: tuple[float, float]
    """What 0 and 255 become, before mean and spread."""
    mean: tuple[float, float, float]
    """Subtracted, per channel in the order of ``channels``, in the value range."""
    std: tuple[float, float, float]
    """Divided by, per channel in the order of ``channels``, in the value range."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the network: ``link(scale * raw + offset)`` is the value in the target's unit."""

    target: str
    """Id of the target."""
    unit: str
    """The target's unit, said again so that a card and this program cannot disagree unnoticed."""
    link: str
    """``identity``, ``exp`` or ``sigmoid``."""
    scale: float
    """Multiplied with the raw output."""
    offset: float
    """Added then."""
    interval: tuple[float, float]
    """What is added to a value for the ends of its 90 % interval (the first is negative); NaN where unknown."""
    growth: float
    """By how much of itself the interval widens for each unit that the value lies above ``offset``; 0 where every
    value errs alike."""

    def widening(self, values: Floats) -> Floats:
        """Return the factor of the interval at each value; never less than a fifth."""
        return np.maximum(1 + self.growth * (values - self.offset), 0.2)

    def other_class(self) -> typing.Self:
        """Return the output with 1 - p for p."""
        offset = -self.offset if self.link == "sigmoid" else 1 - self.offset
        return replace(self, scale=-self.scale, offset=offset + 0.0)


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """Where the weights are."""

    file: str
    """Path relative to the card."""
    sha256: str
    """Of the file; empty where the weights are not bundled and nobody has declared them."""
    page: str
    """Where they are obtained; empty where they come with the card."""


@dataclass(frozen=True, slots=True)
class Result:
    """One figure that was published or measured for the model."""

    target: str
    """Id of the target."""
    measure: str
    """What was measured, in words (``MAE``, ``accuracy``)."""
    value: float
    """In the target's unit."""
    on: str
    """On which photographs."""
    source: str
    """Where it is written."""


@dataclass(frozen=True, slots=True)
class Golden:
    """An example that the model must reproduce; empty file and no outputs where there is none."""

    file: str
    """A PNG of one crop, relative to the card."""
    sha256: str
    """Of the crop's S x S x 3 bytes (RGB, row by row), not of the file."""
    outputs: Mapping[str, float]
    """By target: the value in its unit, float32."""
    tolerance: float
    """Allowed difference relative to the larger of 1 and the value."""
    by: str = ""
    """Which other program computed the outputs from the original file; empty where none did, and the example proves
    only that nothing has changed since."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Lines of the card that were found by measuring, not told by its makers."""

    keys: tuple[str, ...]
    """Dotted keys."""
    on: str
    """On which photographs and how many people, as a sentence."""
    when: str
    """Day, as 2026-11-29."""
    before: str
    """Correlation and error by target under the old lines, on people who took no part in finding the new ones."""
    after: str
    """The same under the new lines."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a recalibration did to one target: ``intercept + slope x value``; of a yes/no target on the log odds."""

    target: str
    """Id of the target."""
    intercept: float
    """In the target's unit, or log odds."""
    intercept_interval: tuple[float, float]
    """Its 95 % interval; NaN where none covers."""
    slope: float
    """Above zero: below 1 the predictions were too spread out."""
    slope_interval: tuple[float, float]
    """Its 95 % interval; NaN where none covers."""
    people: int
    """With a measured and a predicted value."""


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """A recalibration that made this model out of another; scale, offset and intervals of the outputs hold it already.

    Salted hashes of the people and photographs that it was fitted to lie beside the card, for it is never tested on
    them.
    """

    model: str
    """Id of the model that was recalibrated."""
    card_sha256: str
    """Of that model's card."""
    cohort: str
    """What the cohort was called that it was fitted to."""
    when: str
    """Day, as 2026-11-29."""
    level: str
    """What one observation was."""
    people: int
    """Of the cohort, predicted and with a measured value of any of the targets."""
    lines: tuple[Line, ...]
    """By target; targets without one are as they were."""
    fitted: str
    """File of the hashes, relative to the card."""
    fitted_sha256: str
    """Of that file."""


@dataclass(frozen=True, slots=True)
class Precision:
    """What ``models check`` measured when the arithmetic was reduced."""

    allowed: str
    """``float32``, or ``bf16`` where it changed every target by less than 1 % of its spread."""
    deviation: float
    """Root mean square change over the spread of the outputs, the worst target; NaN where not measured."""


@dataclass(frozen=True, slots=True)
class Card:
    """One model."""

    id: str
    """Stable name, in tables and on the command line."""
    title: str
    """For people."""
    summary: str
    """One or two sentences for people: what it is and what its numbers mean."""
    rendered: bool
    """Whether it was trained on rendered eyes, so that its output on real photographs means nothing."""
    runtime: str
    """One of ``RUNTIMES``."""
    backbone: str
    """Name of the network; for the runtime ``timm`` a name that timm knows."""
    backbone_options: Mapping[str, object]
    """Keywords for the network's constructor."""
    input: Input
    """What the network is fed."""
    outputs: tuple[Output, ...]
    """In the network's order."""
    weights: WeightsFile
    """The file."""
    features: str
    """File of the training photographs' feature statistics, relative to the card; empty where there is none."""
    precision: Precision
    """Which arithmetic was found harmless."""
    training: str
    """Data and method in words."""
    command: str
    """The command that trained it; empty where unknown."""
    seed: int
    """Of the training; -1 where unknown."""
    results: tuple[Result, ...]
    """What was published or measured."""
    licence: str
    """Of the weights."""
    terms: str
    """What the user agrees to."""
    citation: str
    """Required citation; empty where none is."""
    acknowledgement: str
    """Required acknowledgement; empty where none is."""
    unverified: tuple[str, ...]
    """Dotted keys of this card that nobody has confirmed; shown with the word "unverified"."""
    golden: Golden
    """The example."""
    folder: Path
    """Where the card lies; not written in the file."""
    measured: tuple[Measured, ...] = ()
    """Which lines were found by measuring, the latest last."""
    recalibrated: tuple[Recalibrated, ...] = ()
    """Recalibrations that it is made of, the latest last; not written where there is none."""
    brought: Mapping[str, object] = field(default_factory=dict)
    """Targets that it brings, by id as their files would say them; in the card under ``[targets.ID]``."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Ids of the targets in the network's order."""
        return tuple(output.target for output in self.outputs)

    @property
    def rule(self) -> CropRule:
        """How photographs are cut for this model."""
        return CropRule(self.input.size, self.input.resample, self.input.margin)

    @property
    def weights_path(self) -> Path:
        """Where the weights should be."""
        return self.folder / self.weights.file

    @property
    def ready(self) -> bool:
        """Whether the weights are there."""
        return bool(self.weights.file) and self.weights_path.is_file()

    @property
    def sha256(self) -> str:
        """Of the card's meaning: changes when anything in the card changes."""
        return hashlib.sha256(json.dumps(as_plain(self), sort_keys=True).encode()).hexdigest()


_NOT_WRITTEN = frozenset({"brought", "folder"})
"""Parts of a card that are no keys of its file."""


def as_plain(value: object) -> object:
    """Return a card, or a part of one, as plain values that a TOML or JSON writer takes."""
    if is_dataclass(value) and not isinstance(value, type):
        plain = {f.name: as_plain(getattr(value, f.name)) for f in fields(value) if f.name not in _NOT_WRITTEN}
        if isinstance(value, Card):
            plain |= {"targets": as_plain(value.brought)} if value.brought else {}
            plain = {key: item for key, item in plain.items() if key != "recalibrated" or item}  # older hashes stay
        return plain
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    return value
