"""A model, its photographs, and what it says of them under every reading of its card that is tried."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fundus_core import confined, retina
from fundus_core.checking import fits, scoring
from fundus_core.checking.scoring import Sample
from fundus_core.errors import CardError, say
from fundus_core.inference import open_predictor
from fundus_core.models import card as cards
from fundus_core.models.card import Card
from fundus_core.models.importing import ambiguities, architectures
from fundus_core.records import Floats, Pixels, RetinaBounds

SIZES = (
    64, 96, 112, 128, 160, 192, 224, 240, 256, 260, 288, 299, 300, 320, 336, 380, 384, 448, 456, 512, 528, 600, 640,
)  # fmt: skip

_MARGINS = (0.0, 0.05, 0.1, 0.15, 0.2)

_RESAMPLING = ("area", "bilinear", "bicubic", "lanczos")

_UNSAID = ("activation", "eps", "global_pool", "num_heads", "output_stride")
"""Options of a network that its tensors do not tell."""

_LARGE = 320
"""Pixels of the input from which fewer other sizes are tried."""

_MOST, _FEW = 200, 80
"""Photographs of a half that are asked about while searching, and those that tell which readings are far off."""
_CLEARLY = 0.998
"""How sure it must be that a reading is worse than the best, to leave it."""
_AT_ONCE = 8
"""Photographs in a batch."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the input, and how it was decided."""

    key: str
    """Dotted key of the card."""
    words: str
    """What it would be."""
    card: Card
    """With it."""


@dataclass(slots=True)
class Trial:
    """A model, its photographs, and what it said under every reading so far."""

    masters: Pixels
    sample: Sample
    targets: tuple[str, ...]
    folder: Path
    planned: int = 0
    """Readings that are to be tried."""
    tried: int = 0
    """Of them, so far."""
    said: dict[tuple[str, int, bool], Floats] = field(default_factory=dict)
    network: tuple[str, Any] = ("", None)
    """The compiled network that was asked last, and what it is."""

    def raw(self, card: Card, half: int, *, few: bool = False) -> Floats:
        """Return what the network itself says of one half (photographs x outputs), before link, scale and offset."""
        bare = replace(
            card,
            outputs=tuple(replace(one, link="identity", scale=1.0, offset=0.0) for one in card.outputs),
            features="",
        )
        key = (_told(replace(bare, outputs=(), measured=(), unverified=())), half, few)
        if key not in self.said:
            self.said[key] = self._asked(bare, self._crops(card, self.rows(half, few=few)))
        return self.said[key]

    def _asked(self, bare: Card, crops: Pixels) -> Floats:
        """Ask a network; one that differs in what it is fed alone is compiled once."""
        if bare.runtime != "timm":
            with tempfile.TemporaryDirectory(dir=self.folder) as cache:
                values = open_predictor(bare, device="cpu", cache=Path(cache)).predict(crops).values
            return np.stack([values[target] for target in bare.targets], axis=1)
        plain = ambiguities.changed(bare, {**ambiguities.BYTES, "input.channels": "rgb"})
        key = _told(replace(plain, input=replace(plain.input, margin=0.0, resample="area")))
        if self.network[0] != key:
            from fundus_core.inference import conversion  # torch takes seconds

            self.network = (key, conversion.for_numbers(plain))
        given, (low, high) = bare.input, bare.input.value_range
        factor = np.float32((high - low) / 255) / np.array(given.std, np.float32)
        shift = ((low - np.array(given.mean)) / np.array(given.std)).astype(np.float32)
        answers = []
        for start in range(0, len(crops), _AT_ONCE):
            part = crops[start : start + _AT_ONCE]
            values = (part[..., ::-1] if given.channels == "bgr" else part) * factor + shift
            answers.append(np.array(self.network[1](np.ascontiguousarray(values, np.float32))[0], dtype=np.float64))
        return np.concatenate(answers)

    def rows(self, half: int, *, few: bool = False) -> Any:
        """Return which photographs are asked about."""
        rows = np.flatnonzero(self.sample.half(half))
        return rows[np.linspace(0, len(rows) - 1, min(len(rows), _FEW if few else _MOST)).astype(int)]

    def part(self, half: int, *, few: bool = False) -> tuple[Floats, Any, Floats]:
        """Return truth, people and resamplings of one half."""
        rows = self.rows(half, few=few)
        person = self.sample.person[rows]
        return self.sample.truth[rows], person, fits.draws(person)

    def _crops(self, card: Card, rows: Any) -> Pixels:
        side = self.masters.shape[1]
        whole = RetinaBounds(cx=side / 2, cy=side / 2, radius=side / 2, width=side, height=side)
        return np.stack([retina.crops(self.masters[row], whole, (card.rule,))[0].pixels for row in rows])

    def matrix(self, card: Card, half: int, *, few: bool = False) -> Floats:
        """Return correlations of outputs and truths in every resampling."""
        truth, _, weights = self.part(half, few=few)
        places = [card.targets.index(target) for target in self.targets]
        return scoring.correlations(self.raw(card, half, few=few)[:, places], truth, weights)

    def score(self, card: Card, half: int, *, few: bool = False) -> Floats:
        """Return how well a reading of the input agrees, whatever the order of outputs, in every resampling."""
        found = self.matrix(card, half, few=few)
        return scoring.agreement(found, scoring.best_order(found[0], self.sample.binary), self.sample.binary)

    def promising(self, card: Card, steps: Sequence[Step]) -> list[Step]:
        """Return the readings that a few photographs do not show to be worse than the best of them by more than chance.

        Those that the network cannot be run under are left out.
        """
        scored = []
        for step in steps:
            confined.tell(self.folder, done=self.tried, total=max(self.planned, self.tried), words=step.words)
            self.tried += 1
            try:
                scored.append((step, self.score(step.card, 0, few=True)))
            except CardError:
                continue
        people = len(np.unique(self.part(0, few=True)[1]))
        best = max((score for _, score in scored), key=lambda score: float(score[0]), default=None)
        now = self.score(card, 0, few=True)
        best = now if best is None or now[0] > best[0] else best
        return [step for step, score in scored if scoring.gain(score, best, people, _CLEARLY).high >= 0]


def _told(card: Card) -> str:
    return json.dumps(cards.as_plain(card), sort_keys=True, default=str)


def other_ranges(card: Card) -> Iterator[Step]:
    """Ranges of the field's habits, each in both orders of colours."""
    met = [card.input]
    for channels in ("rgb", "bgr"):
        for words, changes in [("fed as the card says", {}), *ambiguities.RANGES.items()]:
            other = ambiguities.changed(card, {**changes, "input.channels": channels})
            if other.input not in met:
                met.append(other.input)
                keys = "input.channels" if not changes else "input.value_range"
                yield Step(keys, say("{words}, colours {channels}", words=words, channels=channels), other)


def other_sizes(card: Card) -> Iterator[Step]:
    """Other sides of the input, not too far from the card's."""
    low, high = (0.45, 2.05) if card.input.size <= _LARGE else (0.7, 1.4)
    for size in SIZES if card.runtime == "timm" else ():
        if low * card.input.size <= size <= high * card.input.size and size != card.input.size:
            yield Step("input.size", say("{size} px", size=size), ambiguities.changed(card, {"input.size": size}))


def other_rims(card: Card) -> Iterator[Step]:
    """Other widths of black around the field."""
    for margin in _MARGINS:
        if abs(margin - card.input.margin) > 1e-9:
            yield Step(
                "input.margin",
                say("a rim of {margin:g}", margin=margin),
                ambiguities.changed(card, {"input.margin": margin}),
            )


def other_networks(card: Card) -> Iterator[Step]:
    """Networks of the same names and shapes, and what leaves no numbers in a file: activation, epsilon, pooling."""
    if card.runtime != "timm":
        return
    from fundus_core.models import networks  # torch takes seconds
    from fundus_core.models.importing import unsaid

    for name in architectures.alike(card.backbone)[:6]:
        yield Step("backbone", name, replace(card, backbone=name))
    plain = {key: value for key, value in card.backbone_options.items() if key not in _UNSAID}
    if plain != card.backbone_options:
        yield Step("backbone_options", "as timm builds it", replace(card, backbone_options=plain))
    body = networks.body(card.backbone, 1, {key: value for key, value in plain.items() if key != "hidden"})
    for words, options in unsaid.options_of(plain, body):
        if (other := {**plain, **options}) != card.backbone_options:
            yield Step("backbone_options", words, replace(card, backbone_options=other))


def other_resampling(card: Card) -> Iterator[Step]:
    """Other ways of resampling."""
    for name in _RESAMPLING:
        if name != card.input.resample:
            yield Step("input.resample", name, ambiguities.changed(card, {"input.resample": name}))
