"""Import: a file of weights and a card become a model in the user's folder, compared with the original."""

import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fundus_core import confined
from fundus_core.confined import Answer, Limits, StoppedError
from fundus_core.errors import CardError, UsageError, say
from fundus_core.models import card_files, registry
from fundus_core.models.card import Card
from fundus_core.models.importing import formats, imported_files, partial_card
from fundus_core.models.importing.partial_card import Draft
from fundus_core.targets import TARGETS

_BESIDE = (".onnx", ".xml")
"""Endings of files that may keep their numbers in another file beside them."""
_MOST_BESIDE = 200
_SHOWN = 4
"""Photographs of the sample on which it is shown how far other readings of a file would differ."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """One other reading of a file, which nothing in it rules out."""

    key: str
    """Key of the card that decides."""
    words: str
    """What would be otherwise."""
    differences: Mapping[str, float]
    """By target: by how much its values would differ at most, in its unit; empty where that was not computed."""
    on: int
    """On so many photographs of the sample."""

    @property
    def sentence(self) -> str:
        """For a person."""
        parts = [
            f"{TARGETS[t].short} {v:.3g} {TARGETS[t].unit}".strip() for t, v in self.differences.items() if t in TARGETS
        ]
        far = (
            say(" The answers would differ on {on} sample photographs by up to {parts}.", on=self.on, parts=parts)
            if parts
            else ""
        )
        return say("Nothing in the file rules out that the network is {words}.{far}", words=self.words, far=far)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was read, what was kept, and how it was proved."""

    id: str
    """Of the model."""
    folder: str
    """Where weights and card were put."""
    format: str
    """What the file was."""
    backbone: str
    """Name of the network."""
    runtime: str
    """How it is run."""
    size: int
    """Side of the input in pixels."""
    targets: tuple[str, ...]
    """In the network's order."""
    names: tuple[str, ...]
    """Of the outputs, as the file gives them."""
    sha256: str
    """Of the weights that were kept."""
    compared_with: str
    """Which program ran the original; empty where the file holds weights alone."""
    difference: float | None
    """Largest difference between original and imported, relative to the largest value of the target."""
    unverified: tuple[str, ...]
    """Keys of the card that nobody confirmed."""
    notes: tuple[str, ...]
    """What a person should know, as sentences."""
    twins: tuple[Remaining, ...]
    """Other readings of the file, which nothing in it rules out."""
    limits: tuple[str, ...]
    """What held while the file was open, and what this machine could not hold, as sentences."""

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self) | {"twins": [{**asdict(one), "sentence": one.sentence} for one in self.twins]}


def import_model(
    file: Path,
    card: str | Path | Draft,
    *,
    folder: Path | None = None,
    replace: bool = False,
    choice: str = "",
    without: Sequence[str] = (),
) -> tuple[Card, ImportReport]:
    """Read weights from a file, keep them with a complete card, and compare the outcome with the original.

    The file is opened in a confined process alone; here only what that process left is looked at.

    Args:
        file: In any of the formats of ``formats.ALLOWED``.
        card: A TOML file, which may leave out what the file says, the id of a known card, or what is known of a file
            without one (``partial_card.for_outputs``).
        folder: Of the user's models; ``registry.home()`` where ``None``.
        replace: Whether a model that was imported before may be replaced.
        choice: Which of several sets of weights in the file: its place, ``ema`` or ``plain``.
        without: Beginnings of names of tensors that are no part of the network.

    Raises:
        UsageError: There is no such file or card, or the model is there already.
        CardError: The file is damaged, would execute code, is not what the card says, or was not reproduced.
    """
    draft = card if isinstance(card, Draft) else partial_card.open_draft(card)
    home = folder or registry.home()
    place = home / _id(draft)
    if place.exists() and not replace:
        raise UsageError(
            "There is an imported model '{name}' already; replace it on purpose, or choose another id.", name=place.name
        )
    limits = limits_for(file)
    (home / ".importing").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home / ".importing") as staging:
        room, ours = Path(staging) / "room", Path(staging) / "kept"
        (room / "made").mkdir(parents=True)
        ours.mkdir()
        answer = _opened(file, draft, room, limits, {"choice": choice, "without": list(without)})
        card_made = imported_files.keep_imported(room / "made", ours, place.name, most=limits.disk)
        report = _report(card_made, place, answer, limits)
        (ours / "import.json").write_text(json.dumps(report.as_json(), indent=1), encoding="utf-8")
        _put(ours, place)
    return card_files.read(place / imported_files.CARD), report


def _id(draft: Draft) -> str:
    name = draft.content.get("id")
    if (
        not isinstance(name, str)
        or not name
        or name.startswith(".")
        or not all(c.isalnum() or c in "-_." for c in name)
    ):
        raise CardError(
            "{name} has the id {name_2}; it must be of letters, digits, '-', '_' and '.'.",
            name=draft.name,
            name_2=repr(name),
        )
    return name


def limits_for(file: Path) -> Limits:
    """Return what opening a file or folder of weights may take, by its size; a ``UsageError`` where there is none."""
    try:
        size = sum(path.stat().st_size for path in _parts(file))
    except OSError as error:
        raise UsageError(
            "'{name}' cannot be opened ({strerror}); correct the path.", name=file.name, strerror=error
        ) from error
    return confined.of_weights(size)


def _parts(file: Path) -> list[Path]:
    """Plain files that make up what was named: one, those of a folder, or one with those beside it."""
    if file.is_dir():
        return [path for path in file.rglob("*") if path.is_file() and not path.is_symlink()]
    if file.exists() and not file.is_file():
        raise UsageError(
            "'{name}' is no plain file; name a file of weights or the folder of a SavedModel.", name=file.name
        )
    if file.suffix not in _BESIDE:
        return [file]
    near = sorted(path for path in file.parent.iterdir() if path.is_file() and not path.is_symlink())
    return [file, *(path for path in near[:_MOST_BESIDE] if path.stem.startswith(file.stem) and path.name != file.name)]


def _opened(file: Path, draft: Draft, room: Path, limits: Limits, more: Mapping[str, object]) -> Answer:
    """Let the confined process read the file and write into ``room / "made"``."""
    shown = sorted((registry.SAMPLE.parents[1] / "photographs").glob("*.*"))[:_SHOWN]
    arguments = {
        "file": str(file.resolve()),
        "content": json.loads(json.dumps(draft.content, default=str)),
        "name": draft.name,
        "folder": str(room / "made"),
        "photographs": [str(path) for path in shown],
        **more,
    }
    config = formats.config_beside(file)
    readable = [*([file] if file.is_dir() else _parts(file)), *([config] if config else []), *shown]
    try:
        return confined.run(
            "fundus_core.models.importing.importing_process:bring",
            arguments,
            folder=room,
            readable=readable,
            limits=limits,
        )
    except StoppedError as error:
        raise CardError(
            "'{name}' was not imported. {error} Export the network again, best as ONNX or safetensors.",
            name=file.name,
            error=error,
        ) from error


def _put(made: Path, place: Path) -> None:
    """Move a finished folder into its place in one step."""
    if place.exists():
        shutil.rmtree(place)
    made.rename(place)


def _report(card: Card, place: Path, answer: Answer, limits: Limits) -> ImportReport:
    """Join what was kept with what the confined process says of it."""
    said: Mapping[str, Any] = answer.value if isinstance(answer.value, dict) else {}
    gap = said.get("difference")
    return ImportReport(
        id=card.id,
        folder=str(place),
        format=confined.plain(said.get("format", "")),
        backbone=card.backbone,
        runtime=card.runtime,
        size=card.input.size,
        targets=card.targets,
        names=_lines(said.get("names")),
        sha256=card.weights.sha256,
        compared_with=confined.plain(said.get("compared_with", "")),
        difference=float(gap) if isinstance(gap, int | float) and math.isfinite(gap) else None,
        unverified=card.unverified,
        notes=_lines(said.get("notes")),
        twins=tuple(_remaining(said.get("twins"))),
        limits=confined.sentences(limits, answer.held),
    )


def _remaining(value: object) -> Iterator[Remaining]:
    for one in value[:50] if isinstance(value, list) else ():
        table = one if isinstance(one, dict) else {}
        said = table.get("differences")
        gaps = said.items() if isinstance(said, dict) else ()
        numbers = {str(t): float(v) for t, v in gaps if isinstance(v, int | float) and math.isfinite(v)}
        key, words, on = (table.get(name, "") for name in ("key", "words", "on"))
        yield Remaining(confined.plain(key), confined.plain(words), numbers, on if isinstance(on, int) else 0)


def _lines(value: object) -> tuple[str, ...]:
    return tuple(confined.plain(one) for one in value[:100]) if isinstance(value, list) else ()
