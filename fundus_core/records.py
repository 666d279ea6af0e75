"""The frozen things that travel between the rooms.

A photograph travels one way: bytes, Photograph, RetinaBounds, QualityReport, RetinaCrop, Reading. Geometry is in
pixels of the photograph, x to the right, y down, the centre of the top left pixel at (0.5, 0.5).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Labels = NDArray[np.str_]
Rectangle = tuple[float, float, float, float]
"""Left, top, right and bottom edge, pixels."""
DAYS_APART = "days from measurement to photograph"
"""The covariate that says how far a photograph's date lies from that of its measured values, below zero where it was
taken before; there where any two dates differ."""
MOST_DAYS = 30
"""Days that may lie between a photograph and its measured values unless told otherwise."""


OVERRULED = "overruled"
"""Reason code of a photograph that was refused, and that a person accepted: it is predicted, and counts."""
WITHDRAWN = "withdrawn"
"""Reason code of a photograph that was predicted, and that a person withdrew: it is refused, and does not count."""


class Eye(StrEnum):
    """Which eye a photograph shows; empty where nobody knows."""

    LEFT = "left"
    RIGHT = "right"
    UNKNOWN = ""


class Status(StrEnum):
    """How a photograph's journey ended."""

    ACCEPTED = "accepted"
    """Read and gradable; no model was asked."""
    PREDICTED = "predicted"
    REFUSED = "refused"
    """Read, but not gradable, not a retina, or outside what the model may be asked."""
    FAILED = "failed"
    """The file could not be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a batch before it is opened."""

    name: str
    """Shown to the user: the path relative to what was given, with forward slashes."""
    read: Callable[[], bytes]
    """Returns the bytes; called once, in the process that decodes."""
    patient_id: str = ""
    """From a manifest; empty where none said so."""
    eye: Eye = Eye.UNKNOWN
    """From a manifest; unknown where none said so."""
    locator: str = ""
    """How another process finds the same bytes (``images.source_at``): an absolute path, for a member of an archive
    followed by ``::`` and the member's name; empty where the bytes live in memory only."""
    visit: str = ""
    """When it was taken, as year-month-day, or another word for the visit; empty where nobody said so."""
    sha256: str = ""
    """Of the bytes, where whoever has read them knows it already; empty otherwise."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """An upright colour photograph, its metadata already dropped."""

    name: str
    """Name of the source, for messages and tables."""
    sha256: str
    """Of the file's bytes, as 64 hexadecimal digits."""
    pixels: Pixels
    """Height x width x 3, RGB, 0..255."""
    notes: tuple[str, ...] = ()
    """What the reader had to do, as sentences (first of several pages, 16 bit reduced to 8)."""
    colour: bool = True
    """False where the file held a single channel, three equal ones or a red-free picture: another modality."""
    width: int = 0
    """Of the upright photograph in the file; more than the pixels' own where it was decoded at reduced scale."""
    height: int = 0
    """Of the upright photograph in the file; more than the pixels' own where it was decoded at reduced scale."""
    eye: Eye = Eye.UNKNOWN
    """As the DICOM says; unknown for other formats."""
    patient_id: str = ""
    """Pseudonym of the id in the DICOM; empty where it holds none or nobody said how to make pseudonyms."""
    age: float = float("nan")
    """Whole years at the examination, from the DICOM; NaN where it does not say."""
    visit: str = ""
    """Day of the examination as year-month-day, from the DICOM; empty where it does not say or under pseudonyms."""
    dropped: tuple[str, ...] = ()
    """Which kinds of metadata the file held that went no further, as words without their values."""


@dataclass(frozen=True, slots=True)
class RetinaBounds:
    """The field of view: a circle, and the straight lines that cut it."""

    cx: float
    """Centre, pixels from the left edge of the photograph."""
    cy: float
    """Centre, pixels from the top edge of the photograph."""
    radius: float
    """Radius in pixels, the horizontal one of a stretched field; the circle may reach beyond the photograph."""
    width: int
    """Width of the photograph in pixels."""
    height: int
    """Height of the photograph in pixels."""
    left: float = 0.0
    """The field lies to the right of this x (0 where the circle is not cut)."""
    top: float = 0.0
    """The field lies below this y."""
    right: float = float("inf")
    """The field lies to the left of this x."""
    bottom: float = float("inf")
    """The field lies above this y."""
    whole_frame: bool = False
    """True where no circle was found and the largest circle around the frame stands in."""
    aspect: float = 1.0
    """Vertical radius over the horizontal one: 1 but where the photograph was stretched or squeezed."""
    beside: tuple[Rectangle, ...] = ()
    """Bars, canvases and labels that lie beside the photograph within its frame."""

    @property
    def radius_y(self) -> float:
        """Vertical radius in pixels; ``radius`` is the horizontal one."""
        return self.radius * self.aspect

    @property
    def window(self) -> Rectangle:
        """The photograph without the bars beside it: left, top, right and bottom edge."""
        left, top, right, bottom = 0.0, 0.0, float(self.width), float(self.height)
        for x0, y0, x1, y1 in self.beside:
            whole = (x1 - x0 >= self.width - 1e-6, y1 - y0 >= self.height - 1e-6)
            if whole[0]:
                top, bottom = (max(top, y1), bottom) if y0 <= 0 else (top, min(bottom, y0))
            elif whole[1]:
                left, right = (max(left, x1), right) if x0 <= 0 else (left, min(right, x0))
        return left, top, right, bottom

    def in_copy(self, x: float, y: float, across: float, down: float, size: tuple[int, int]) -> RetinaBounds:
        """Return the same field in a copy that begins at x and y, scaled across and down, of a width and a height."""
        return RetinaBounds(
            cx=(self.cx - x) * across,
            cy=(self.cy - y) * down,
            radius=self.radius * across,
            width=size[0],
            height=size[1],
            left=(self.left - x) * across,
            top=(self.top - y) * down,
            right=(self.right - x) * across,
            bottom=(self.bottom - y) * down,
            whole_frame=self.whole_frame,
            aspect=self.aspect * down / across,
            beside=tuple(
                ((x0 - x) * across, (y0 - y) * down, (x1 - x) * across, (y1 - y) * down)
                for x0, y0, x1, y1 in self.beside
            ),
        )


@dataclass(frozen=True, slots=True)
class RetinaCrop:
    """A square cut around the field of view, black outside the retina, and the way back."""

    pixels: Pixels
    """Size x size x 3, RGB, 0..255."""
    bounds: RetinaBounds
    """Where the crop lies in the photograph."""
    scale: float
    """Crop pixels per photograph pixel."""
    origin_x: float
    """Photograph x of the crop's left edge (may be negative)."""
    origin_y: float
    """Photograph y of the crop's top edge (may be negative)."""
    squeeze: float = 1.0
    """Vertical scale over ``scale``: 1 but where a stretched field was cut out as the circle that it was."""

    def to_photograph(self, points: Floats) -> Floats:
        """Map points (n x 2, x and y, crop pixels) to photograph pixels."""
        return np.asarray(points / self._scales() + np.array([self.origin_x, self.origin_y]))

    def to_crop(self, points: Floats) -> Floats:
        """Map points (n x 2, x and y, photograph pixels) to crop pixels."""
        return np.asarray((points - np.array([self.origin_x, self.origin_y])) * self._scales())

    def _scales(self) -> Floats:
        return self.scale * np.array([1.0, self.squeeze])


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """One measured property of a photograph and the limit that it had to keep."""

    code: str
    """Stable word: ``focus``, ``illumination``, ``contrast``, ``glare``, ``field_cut``, ``too_small``, ..."""
    value: float
    """What was measured."""
    limit: float
    """What was required."""
    passed: bool
    """Whether the limit was kept."""
    message: str
    """One sentence for a person: found, allowed, what to do."""


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Every check of one photograph and a summary."""

    checks: tuple[QualityCheck, ...]
    """All checks that were measured, in a fixed order."""
    score: float
    """0 (worst) to 1 (best)."""
    kind: str = ""
    """What the picture is, as one stable word of ``quality.KINDS``."""

    @property
    def gradable(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def refusal(self) -> QualityCheck | None:
        """The first check that failed, the reason shown to the user."""
        return next((check for check in self.checks if not check.passed), None)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One target's value for one photograph."""

    value: float
    """In the target's unit; a probability for sex."""
    low: float
    """Lower end of the 90 % prediction interval; NaN where the model's card gives none."""
    high: float
    """Upper end of the 90 % prediction interval; NaN where the model's card gives none."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The end of one photograph's journey through one model: predictions, or why there are none."""

    photograph: str
    """Name of the source."""
    sha256: str
    """Of the file's bytes; of the empty string of bytes where the file could not be opened."""
    patient_id: str
    """Empty where nobody said whose eye it is."""
    eye: Eye
    """Which eye."""
    status: Status
    """How it ended."""
    reason_code: str
    """Stable word for a refusal or failure; empty where predicted, or ``overruled`` where a person accepted it."""
    reason: str
    """One sentence for a refusal or failure, or a warning on a prediction."""
    quality: float
    """Score 0..1; NaN where it could not be measured."""
    out_of_distribution: float
    """Distance from the model's training photographs, 1 at its limit; NaN where the model cannot tell."""
    model: str
    """Id of the model card."""
    weights_sha256: str
    """Of the weights file."""
    code_version: str
    """Version of this package."""
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    """By target id; empty unless predicted."""
    visit: str = ""
    """When it was taken, as year-month-day, or another word for the visit; empty where unknown."""


@dataclass(frozen=True, slots=True)
class CohortTable:
    """A cohort's readings and truth side by side, a row per photograph; what evaluation reads.

    All arrays have one length, n photographs; a missing number is NaN, a missing word is empty.
    """

    photograph: Labels
    """Names."""
    patient_id: Labels
    """Whose eye; where unknown, the photograph's own name, so that it counts as one person."""
    eye: Labels
    """``left``, ``right`` or empty."""
    status: Labels
    """``predicted``, ``refused`` or ``failed``; ``queued`` while a run has not come to it."""
    reason: Labels
    """Why there is no prediction."""
    quality: Floats
    """0..1."""
    out_of_distribution: Floats
    """1 at the model's limit."""
    truth: Mapping[str, Floats]
    """By target id: measured values."""
    predicted: Mapping[str, Floats]
    """By target id: predictions."""
    low: Mapping[str, Floats]
    """By target id: lower ends of prediction intervals."""
    high: Mapping[str, Floats]
    """By target id: upper ends of prediction intervals."""
    covariates: Mapping[str, Labels] = field(default_factory=dict)
    """Any other column of the truth table, as words."""
    visit: Labels = field(default_factory=lambda: np.array([], dtype=np.str_))
    """When it was taken, as year-month-day, or another word for the visit; empty where unknown."""
    kind: Labels = field(default_factory=lambda: np.array([], dtype=np.str_))
    """What the picture is, as one stable word of ``quality.KINDS``; empty where it was not kept."""
    decision: Labels = field(default_factory=lambda: np.array([], dtype=np.str_))
    """``overruled`` or ``withdrawn`` where a person's decision changed how it ended, else empty."""
    withdrawn: Mapping[str, Floats] = field(default_factory=dict)
    """By target id: predictions of withdrawn photographs, which do not count; NaN for all others."""

    def __post_init__(self) -> None:
        for name in ("visit", "kind", "decision"):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(len(self.photograph), "", dtype=np.str_))

    def __len__(self) -> int:
        return len(self.photograph)


@dataclass(frozen=True, slots=True)
class Rule:
    """What made a selection; every field that is set must hold. It says the same of a cohort that has changed since."""

    statuses: tuple[str, ...] = ()
    """``predicted``, ``refused``, ``failed``, ``queued``."""
    kinds: tuple[str, ...] = ()
    """What the pictures are, as words of ``quality.KINDS``."""
    eye: str = ""
    """``left`` or ``right``."""
    quality: float = 0.0
    """Lowest score, included; 0 for any, also where nobody measured it."""
    text: str = ""
    """Part of the photograph's name or of the person's id, upper and lower case alike."""
    column: str = ""
    """The column that the next field speaks of."""
    words: tuple[str, ...] = ()
    """These groups of the column: bars of a figure of subgroups, parts of a cohort."""
    level: str = ""
    """What the observations of the next field are."""
    names: tuple[str, ...] = ()
    """Exactly these observations, named as figures name them: a lasso, bars of a histogram, pictures."""
    rest: bool = False
    """Whether all others are meant."""

    def as_json(self) -> str:
        """Return the rule as text, the same for the same rule."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Rule:
        """Return the rule that ``as_json`` wrote.

        Raises:
            UsageError: It was written by something else, or by a later version.

        >>> Rule.from_json(Rule(column="site", words=("north",)).as_json())
        Rule(statuses=(), kinds=(), eye='', quality=0.0, text='', column='site', words=('north',), level='', names=(), \
rest=False)
        """
        try:
            return cls(**{name: _tuples(value) for name, value in json.loads(text).items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise UsageError("This selection was made by another version; make it again.") from error


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
