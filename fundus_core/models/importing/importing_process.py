"""What happens inside the confined process: a file of weights becomes a card and weights of our own, proved equal.

What takes seconds to start (torch, Keras, OpenVINO) is imported where a form needs it, after the look through the file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fundus_core.errors import CardError, say
from fundus_core.models import card_files, registry
from fundus_core.models.card import Card
from fundus_core.models.importing import ambiguities, complete_card, harm_check, parity
from fundus_core.models.importing.formats import Format, detect, single
from fundus_core.models.importing.imported import Found
from fundus_core.models.importing.imported_files import GOLDEN, GRAPH, TENSORS
from fundus_core.models.importing.partial_card import Draft, with_config
from fundus_core.records import Floats

_KERAS = (Format.KERAS, Format.HDF5)


def bring(
    *,
    file: str,
    content: Mapping[str, object],
    name: str,
    folder: str,
    choice: str = "",
    without: Sequence[str] = (),
    photographs: Sequence[str] = (),
) -> dict[str, object]:
    """Read a file and write card, weights and golden example into a folder, which exists and is empty.

    Args:
        file: Path of the weights.
        content: Of the card that the user brings.
        name: Of that card, for messages.
        folder: Where to write.
        choice: Which of several sets of weights in it.
        without: Beginnings of names of tensors that are no part of the network.
        photographs: Of the sample, on which it is shown how far other readings of the file would differ.

    Returns:
        What the file was, and how it was proved, as plain values.
    """
    path = single(Path(file))
    draft = with_config(Draft(content, name, choice, tuple(without)), Path(file))
    kind = detect(path)
    found, gap = _made(path, kind, draft, read(path, kind, draft), Path(folder))
    return {
        "twins": ambiguities.measured(draft, found, Path(folder), [Path(one) for one in photographs]),
        "format": found.format,
        "names": list(found.names),
        "compared_with": found.by if gap is not None else "",
        "difference": gap,
        "notes": list(found.notes),
    }


def begin(*, file: str, folder: str) -> None:
    """Read a file's tensors and write them, by timm's names where they are known, as safetensors into an empty folder.

    Raises:
        FundusError: As the readers say, or the file keeps its tensors within a graph.
    """
    path = single(Path(file))
    kind = detect(path)
    if kind in (Format.STATE_DICT, Format.SAFETENSORS, Format.EXPORTED):
        harm_check.through(path, kind)
        from fundus_core.models import weights

        tensors: Mapping[str, Any] | None = weights.read(path, safetensors=kind is Format.SAFETENSORS)
    else:
        tensors = read(path, kind, Draft({}, path.name)).tensors
    if tensors is None:
        raise CardError(
            "'{name}' ({kind}) holds a graph, which cannot be trained further; begin with safetensors, a "
            "torch state dict or a Keras EfficientNet.",
            name=path.name,
            kind=say(kind),
        )
    _write_tensors(tensors, Path(folder))


def read(file: Path, kind: Format, draft: Draft, *, whole: bool = False) -> Found:
    """Look through a file of weights, and read it as its format demands."""
    harm_check.through(file, kind)
    if kind in _KERAS:
        from fundus_core.models.importing import keras_files

        return keras_files.read(file, kind, size=draft.size, hidden=draft.hidden, whole=whole)
    if kind in (Format.STATE_DICT, Format.SAFETENSORS, Format.EXPORTED):
        from fundus_core.models.importing import torch_files

        return torch_files.read(file, kind, draft.wanted())
    if kind is Format.TORCHSCRIPT:
        from fundus_core.models.importing import script_files

        return script_files.read(file, size=draft.size)
    from fundus_core.models.importing import import_graph

    return import_graph.read(file, kind, size=draft.size)


def _made(file: Path, kind: Format, draft: Draft, found: Found, staging: Path) -> tuple[Found, float | None]:
    """Write weights and card; where a mapped network does not prove itself, keep the file's network whole."""
    draft = draft.sized(_native(found))
    found = ambiguities.with_habits(draft, found)
    complete_card.check_fit(draft, found)
    if complete_card.must_be_complete(draft, found) and kind in _KERAS:
        found = read(file, kind, draft, whole=True)
    gap = _write(draft, found, staging)
    if gap is None or gap <= parity.TOLERANCE:
        return found, gap
    restless = parity.sensitivity_of(draft, found, found.size or draft.size or 0)
    if found.runtime == "timm" and gap > restless:
        _empty(staging)
        found = read(file, kind, draft, whole=True)
        gap = _write(draft, found, staging)
    if gap is not None and not gap <= max(10 * parity.TOLERANCE, restless):
        raise CardError(
            "The imported network differs from the original by {gap:.1e} of its largest value, and was "
            "not kept; export it in another format, best ONNX, and report this file.",
            gap=gap,
        )
    note = say(
        "The network amplifies rounding: its own answers move by {restless:.1e} when its input moves "
        "by a millionth, as they do where weights are not the trained ones.",
        restless=restless,
    )
    return (found.noting(note) if restless > parity.TOLERANCE else found), gap


def _native(found: Found) -> int | None:
    """Side in pixels that timm's network of that name is made for; ``None`` where it is none of timm's."""
    if found.runtime != "timm":
        return None
    import timm

    known = timm.get_pretrained_cfg(found.backbone, allow_unregistered=True)
    return None if known is None else int(known.input_size[-1])


def _write(draft: Draft, found: Found, folder: Path) -> float | None:
    """Write everything into a folder and return how far the outcome is from the original."""
    name = _write_weights(found, folder)
    weights = {"file": name, "sha256": registry.sha256(folder / name)}
    size = found.size or draft.size
    if size is None:
        raise CardError("The file does not say the size of its input; add 'input.size' (pixels) to the card.")
    crops = parity.example(size)
    digest = parity.write_golden(crops[0], folder / GOLDEN)
    golden: dict[str, object] = {"file": GOLDEN, "sha256": digest, "outputs": {}, "tolerance": 1e-3, "by": ""}
    card = card_files.parse(complete_card.complete(draft, found, weights, golden), folder, draft.name)
    imported = parity.imported_outputs(card, crops)
    original = parity.expected(draft, found, crops)
    if not np.isfinite(imported).all():
        raise CardError(
            "The network answers with no number (not a number, or infinite), as where its weights are damaged or were "
            "kept as whole numbers; obtain the file again, or save it with float32 weights."
        )
    golden |= {"outputs": _named(card, imported if original is None else original)}
    golden["by"] = "" if original is None else found.by
    plain = complete_card.complete(draft, found, weights, golden)
    card_files.write(card_files.parse(plain, folder, draft.name), folder / "card.toml")
    return None if original is None else parity.difference(original, imported)


def _write_weights(found: Found, folder: Path) -> str:
    if found.tensors is not None:
        return _write_tensors(found.tensors, folder)
    import openvino as ov

    ov.save_model(found.graph, folder / GRAPH, compress_to_fp16=False)
    return GRAPH


def _write_tensors(tensors: Mapping[str, Any], folder: Path) -> str:
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / TENSORS)
    return TENSORS


def _named(card: Card, values: Floats) -> dict[str, float]:
    return {target: float(f"{values[0, k]:.7g}") for k, target in enumerate(card.targets)}


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
