"""What the store takes and gives: frozen, without a database behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Prediction, Reading, Source
from fundus_core.targets import target

QUEUED = "queued"
"""Status of a photograph that no run of the model has come to."""

OrderBy = Literal["added", "name", "quality", "distance", "truth", "predicted", "error", "absolute_error"]
"""What a gallery can be sorted by; the last four need a target."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """A named set of photographs with their truth."""

    id: int
    """Stays the same when the cohort is renamed."""
    name: str
    """Unique in the store."""
    rendered: bool
    """Whether its photographs are rendered, not taken."""
    note: str
    """Whatever the user wrote beside it."""
    selected_from: str
    """Name of the cohort that this one was selected from at the time; empty where it was not."""
    photographs: int
    """How many it holds."""
    revision: int
    """Grows with every change of its photographs, truth or outcomes; a key for caches."""
    created_at: float
    """Seconds since 1970-01-01 UTC."""
    files: int
    """How many of its photographs lie in a file; others are rows of a table of predictions made elsewhere."""
    owner: str = ""
    """Who made it, where several people share a server; empty on one's own machine."""

    @property
    def key(self) -> str:
        """Names it in links for ever: the ids of deleted cohorts are used again, a time is not."""
        return f"{self.id}-{round(self.created_at * 1e6):x}"


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that the store keeps under a name of its own."""

    sha256: str
    """Of the bytes."""
    locator: str
    """Path relative to the store's folder."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one photograph's bytes ended, under one model version or at the door; who and whose joins the store."""

    sha256: str
    """Of the bytes."""
    status: str
    """``predicted``, ``refused`` or ``failed``."""
    reason_code: str = ""
    """Stable word; empty where predicted."""
    reason: str = ""
    """One sentence; a warning where predicted."""
    quality: float = float("nan")
    """0..1; NaN where it could not be measured."""
    out_of_distribution: float = float("nan")
    """1 at the model's limit; NaN where it cannot tell."""
    precision: str = ""
    """Arithmetic that was used, such as ``float32``."""
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    """By target id; of a refused photograph those that count if a person accepts it."""
    kind: str = ""
    """What the picture is, as one stable word of ``quality.KINDS``; empty where nobody looked."""

    @classmethod
    def of(cls, reading: Reading, **other: Any) -> Finding:
        """Take what a reading says, but for ``other`` fields."""
        same = ("sha256", "reason_code", "reason", "quality", "out_of_distribution", "predictions")
        return cls(**{"status": reading.status.value, **{name: getattr(reading, name) for name in same}, **other})


@dataclass(frozen=True, slots=True)
class NewPhotograph:
    """A photograph on its way into a cohort."""

    name: str
    """Shown to the user; never used as a path."""
    locator: str
    """Where its bytes are: relative to the store's folder where kept, else as ``Source.locator``."""
    sha256: str = ""
    """Of the bytes; empty where nobody has read them yet (the worker fills it in)."""
    kept: bool = False
    """Whether the store keeps the bytes; they are deleted with the last cohort that holds them."""
    patient_id: str = ""
    """Whose eye; empty where nobody said so."""
    eye: Eye = Eye.UNKNOWN
    """Which eye."""
    eye_source: str = ""
    """Who said so: ``table``, ``dicom``, ``name``, ``disc``, or empty."""
    visit: str = ""
    """When it was taken, as year-month-day, or another word for the visit; empty where nobody said so."""
    door: Finding | None = None
    """Set where it was not let in: its bytes are not to be had, and every run ends it so."""

    @classmethod
    def of_kept(
        cls,
        name: str,
        kept: Kept,
        *,
        patient_id: str = "",
        eye: Eye = Eye.UNKNOWN,
        eye_source: str = "",
        visit: str = "",
    ) -> NewPhotograph:
        """Name bytes that ``Store.keep`` has put away."""
        return cls(
            name=name,
            locator=kept.locator,
            sha256=kept.sha256,
            kept=True,
            patient_id=patient_id,
            eye=eye,
            eye_source=eye_source,
            visit=visit,
        )

    @classmethod
    def of_source(cls, source: Source) -> NewPhotograph:
        """Refer to a photograph where it lies, which the store does not copy; bytes in memory alone are refused."""
        if not source.locator:
            raise UsageError("This photograph's bytes are in memory only; give them to Store.keep first.")
        return cls(
            name=source.name,
            locator=source.locator,
            patient_id=source.patient_id,
            eye=source.eye,
            eye_source="table" if source.eye else "",
            visit=source.visit,
        )


@dataclass(frozen=True, slots=True)
class Added:
    """What became of photographs given to a cohort; the three numbers add up to how many were given."""

    added: int
    """New in the cohort under their own names."""
    renamed: int
    """New in the cohort, under a name with a number, because another photograph had the name already."""
    present: int
    """In the cohort already, with the same bytes or from the same place."""


@dataclass(frozen=True, slots=True)
class TruthRow:
    """What is known of one photograph."""

    photograph: str
    """Its name in the cohort."""
    truth: Mapping[str, float] = field(default_factory=dict)
    """By target id, in the target's unit; a missing target or NaN is unknown."""
    covariates: Mapping[str, str] = field(default_factory=dict)
    """Any other column, as words."""
    patient_id: str = ""
    """Whose eye; empty leaves what is known."""
    eye: Eye = Eye.UNKNOWN
    """Which eye; unknown leaves what is known."""
    visit: str = ""
    """Which visit; empty leaves what is known."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """What decides a prediction besides the photograph's bytes."""

    model: str
    """Id of the card."""
    weights_sha256: str
    """Of the weights file."""
    card_sha256: str
    """Of the card."""
    origin: str = ""
    """Empty where predicted here; the file's mark where the readings came in with an imported cohort."""
    limits: str = ""
    """Of quality, as ``quality.Limits.as_text``; empty for the usual ones."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Photographs by their ids in the store, however many: a bit for each from the first to the last."""

    first: int
    bits: bytes

    @classmethod
    def of(cls, ids: Iterable[int]) -> Ids:
        """Take ids in any order, whether or not one comes twice."""
        listed = ids if isinstance(ids, np.ndarray) else np.fromiter(ids, dtype=np.int64)
        if not len(listed):
            return cls(0, b"")
        first = int(listed.min())
        marks = np.zeros(int(listed.max()) - first + 1, dtype=np.bool_)
        marks[listed - first] = True
        return cls(first, np.packbits(marks).tobytes())

    @property
    def marks(self) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """1 for each that is meant and 0 for the others, from the first on; up to seven more at the end."""
        return np.unpackbits(np.frombuffer(self.bits, dtype=np.uint8))

    def array(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The ids, in order."""
        return np.flatnonzero(self.marks) + self.first

    def __len__(self) -> int:
        return int(np.count_nonzero(self.marks))

    def hold(self, ids: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which of some ids are meant."""
        marks, place = self.marks, ids - self.first
        inside = (place >= 0) & (place < len(marks))
        inside[inside] = marks[place[inside]] == 1
        return inside

    def __and__(self, other: Ids) -> Ids:
        mine = self.array()
        return Ids.of(mine[other.hold(mine)])


@dataclass(frozen=True, slots=True)
class Where:
    """Which photographs of a cohort; every field that is set must hold."""

    statuses: tuple[str, ...] = ()
    """``predicted``, ``refused``, ``failed``, ``queued``; none means all."""
    reason_codes: tuple[str, ...] = ()
    """Stable words of refusals and failures; none means all."""
    kinds: tuple[str, ...] = ()
    """What the pictures are, as words of ``quality.KINDS``; none means all."""
    text: str = ""
    """Part of the name or of the patient's id, upper and lower case alike."""
    patient_id: str = ""
    """Exactly this patient."""
    eye: Eye | None = None
    """This eye (``Eye.UNKNOWN``: those whose eye nobody knows)."""
    names: tuple[str, ...] = ()
    """Exactly these photographs (a lasso)."""
    ids: Ids | None = None
    """Exactly these photographs, be there none."""
    quality: tuple[float, float] | None = None
    """Lowest and highest score, both included."""
    distance: tuple[float, float] | None = None
    """Smallest and largest distance from the training photographs, both included."""
    target: str = ""
    """The target that the next three speak of."""
    truth: tuple[float, float] | None = None
    """Smallest and largest measured value, both included."""
    predicted: tuple[float, float] | None = None
    """Smallest and largest prediction, both included."""
    absolute_error: tuple[float, float] | None = None
    """Smallest and largest distance between the two, both included."""

    def __post_init__(self) -> None:
        if self.target:
            target(self.target)
        elif self.truth or self.predicted or self.absolute_error:
            raise UsageError("A limit on truth, prediction or error needs a target; name one.")


@dataclass(frozen=True, slots=True)
class Item:
    """One photograph of a cohort as a gallery shows it."""

    id: int
    """Of the photograph in the store."""
    name: str
    """As the user gave it."""
    sha256: str
    """Of the bytes; empty until they were read."""
    patient_id: str
    """Empty where unknown."""
    eye: Eye
    """Which eye."""
    eye_source: str
    """Who said so."""
    status: str
    """``predicted``, ``refused``, ``failed`` or ``queued``."""
    reason_code: str
    """Stable word; empty where predicted."""
    reason: str
    """One sentence."""
    quality: float
    """0..1, or NaN."""
    out_of_distribution: float
    """1 at the model's limit, or NaN."""
    truth: Mapping[str, float]
    """By target id: what was measured; only what is known."""
    predictions: Mapping[str, Prediction]
    """By target id; empty unless predicted."""
    covariates: Mapping[str, str]
    """Other columns of the truth table."""
    visit: str
    """When it was taken, or another word for the visit; empty where unknown."""
    code_version: str
    """Version of this package that read it; empty where nothing was read."""
    kind: str = ""
    """What the picture is, as one stable word of ``quality.KINDS``; empty where it was not kept."""
    gate: str = ""
    """Stable word of why it was refused or failed before any person decided; empty where it was not."""

    @property
    def key(self) -> str:
        """Names it in links within its cohort, and says nothing of the name that it was given."""
        return f"{self.id}-{hashlib.sha256(self.name.encode(errors='surrogatepass')).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a gallery."""

    items: tuple[Item, ...]
    """In the order asked for."""
    total: int
    """How many photographs fit, on all pages."""
