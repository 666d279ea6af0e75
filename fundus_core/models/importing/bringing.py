"""Import: a file of weights and a card become a model in the user's folder, compared with the original."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import openvino as ov
from safetensors.torch import save_file

from fundus_core.errors import CardError, UsageError
from fundus_core.models import card as cards
from fundus_core.models import custody, registry
from fundus_core.models.card import Card
from fundus_core.models.importing import drafts, graphs_in, keras_files, proof, torch_files
from fundus_core.models.importing.drafts import Draft
from fundus_core.models.importing.formats import Format, detect
from fundus_core.models.importing.found import Found
from fundus_core.records import Floats

_KERAS = (Format.KERAS, Format.HDF5)
_GOLDEN, _TIMM, _GRAPH = "golden.png", "weights.safetensors", "graph.xml"


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

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)


def import_model(
    file: Path, card: str | Path, *, folder: Path | None = None, replace: bool = False
) -> tuple[Card, ImportReport]:
    """Read weights from a file, keep them with a complete card, and compare the outcome with the original.

    Args:
        file: In any of the formats of ``formats.ALLOWED``.
        card: A TOML file, which may leave out what the file says, or the id of a known card.
        folder: Of the user's models; ``registry.home()`` where ``None``.
        replace: Whether a model that was imported before may be replaced.

    Raises:
        UsageError: There is no such file or card, or the model is there already.
        CardError: The file is damaged, would execute code, is not what the card says, or was not reproduced.
    """
    draft = drafts.open_draft(card)
    home = folder or registry.home()
    place = home / _id(draft)
    if place.exists() and not replace:
        message = f"There is an imported model '{place.name}' already; replace it on purpose, or choose another id."
        raise UsageError(message)
    kind = detect(file)
    found = read(file, kind, draft)
    (home / ".importing").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home / ".importing") as staging:
        found, gap = _made(file, kind, draft, found, Path(staging))
        _put(Path(staging), place)
    kept = cards.read(place / "card.toml")
    return kept, _report(kept, found, gap)


def _id(draft: Draft) -> str:
    name = draft.content.get("id")
    if (
        not isinstance(name, str)
        or not name
        or name.startswith(".")
        or not all(c.isalnum() or c in "-_." for c in name)
    ):
        message = f"{draft.name} has the id {name!r}; it must be of letters, digits, '-', '_' and '.'."
        raise CardError(message)
    return name


def read(file: Path, kind: Format, draft: Draft, *, whole: bool = False) -> Found:
    """Read a file of weights as its format demands.

    Raises:
        CardError: As the readers say.
    """
    if kind in _KERAS:
        return keras_files.read(file, kind, size=draft.size, hidden=draft.hidden, whole=whole)
    if kind is Format.TORCHSCRIPT:
        return torch_files.read_script(file, size=draft.size)
    if kind in (Format.STATE_DICT, Format.SAFETENSORS):
        options = draft.get("backbone_options")
        backbone = str(draft.get("backbone") or "")
        given = options if isinstance(options, Mapping) else {}
        return torch_files.read_tensors(file, kind, backbone=backbone, options=given)
    return graphs_in.read(file, kind, size=draft.size)


def _made(file: Path, kind: Format, draft: Draft, found: Found, staging: Path) -> tuple[Found, float | None]:
    """Write weights and card; where a mapped network does not prove itself, keep the file's network whole."""
    drafts.check_fit(draft, found)
    if drafts.must_stay_whole(draft, found) and kind in _KERAS:
        found = read(file, kind, draft, whole=True)
    gap = _write(draft, found, staging)
    if gap is None or gap <= proof.TOLERANCE:
        return found, gap
    restless = proof.restlessness(draft, found, found.size or draft.size or 0)
    if found.runtime == "timm" and gap > restless:
        _empty(staging)
        found = read(file, kind, draft, whole=True)
        gap = _write(draft, found, staging)
    if gap is not None and not gap <= max(10 * proof.TOLERANCE, restless):
        message = (
            f"The imported network differs from the original by {gap:.1e} of its largest value, and was not kept; "
            "export it in another format, best ONNX, and report this file."
        )
        raise CardError(message)
    note = (
        f"The network amplifies rounding: its own answers move by {restless:.1e} when its input moves by a millionth, "
        "as they do where weights are not the trained ones."
    )
    return (found.noting(note) if restless > proof.TOLERANCE else found), gap


def _write(draft: Draft, found: Found, folder: Path) -> float | None:
    """Write everything into a folder and return how far the outcome is from the original."""
    name = _write_weights(found, folder)
    weights = {"file": name, "sha256": custody.sha256(folder / name)}
    size = found.size or draft.size
    if size is None:
        message = "The file does not say the size of its input; add 'input.size' (pixels) to the card."
        raise CardError(message)
    crops = proof.example(size)
    digest = proof.write_golden(crops[0], folder / _GOLDEN)
    golden: dict[str, object] = {"file": _GOLDEN, "sha256": digest, "outputs": {}, "tolerance": 1e-3}
    card = cards.parse(drafts.complete(draft, found, weights, golden), folder, draft.name)
    imported = proof.said(card, crops)
    original = proof.expected(draft, found, crops)
    golden["outputs"] = _named(card, imported if original is None else original)
    cards.write(cards.parse(drafts.complete(draft, found, weights, golden), folder, draft.name), folder / "card.toml")
    return None if original is None else proof.difference(original, imported)


def _write_weights(found: Found, folder: Path) -> str:
    if found.tensors is not None:
        save_file({name: tensor.contiguous() for name, tensor in found.tensors.items()}, folder / _TIMM)
        return _TIMM
    ov.save_model(found.graph, folder / _GRAPH, compress_to_fp16=False)
    return _GRAPH


def _named(card: Card, values: Floats) -> dict[str, float]:
    return {target: float(f"{values[0, k]:.7g}") for k, target in enumerate(card.targets)}


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _put(staging: Path, place: Path) -> None:
    """Move a finished folder into its place in one step."""
    if place.exists():
        shutil.rmtree(place)
    made = staging.with_name(staging.name + "-made")
    shutil.copytree(staging, made)
    made.rename(place)


def _report(card: Card, found: Found, gap: float | None) -> ImportReport:
    return ImportReport(
        id=card.id,
        folder=str(card.folder),
        format=found.format,
        backbone=card.backbone,
        runtime=card.runtime,
        size=card.input.size,
        targets=card.targets,
        names=found.names,
        sha256=card.weights.sha256,
        compared_with=found.by if gap is not None else "",
        difference=gap,
        unverified=card.unverified,
        notes=found.notes,
    )
