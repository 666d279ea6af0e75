"""The graph of an exported program of torch, held against the network that its weights were fitted into.

The graph is JSON and is compared, never run. Where it does what that network does, step by step, nothing of the network
is left to guess; where it does anything else, weights alone would make another network.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from fundus_core.errors import CardError, say
from fundus_core.models import networks
from fundus_core.models.importing.imported import Found

_LARGEST = 64 * 2**20
_SHAPING = ("view", "reshape", "expand", "unflatten", "repeat", "slice", "select", "zeros", "arange")
"""Operators whose numbers depend on how many photographs were shown."""
_NEITHER = ("sym_", "_assert", "_guards", "dropout", "clone", "contiguous", "alias", "detach", "_to_copy", "identity")
"""What changes nothing when a network answers."""
_OF_HEADS = {
    "linear", "batch_norm", "relu", "relu_", "silu", "silu_", "gelu", "elu", "selu", "tanh", "sigmoid", "flatten",
    "cat", "softmax", "addmm", "t", "permute",
}  # fmt: skip
"""What heads are made of, each of which ``heads`` reads."""
_ACTS = {"relu", "silu", "gelu", "elu", "selu", "tanh", "sigmoid", "softmax"}
_OF_NETWORKS, _MOST = ("backbone", "backbone_options"), 12
"""Keys of the readings that a graph settles, and how many of them are held against it."""
_PROVED = "The file's own graph does what '{backbone}' does, step by step."

_Step = tuple[str, str]
"""An operator, and its numbers."""


def proved(path: Path, found: Found, size: int | None) -> Found:
    """Return the network, or the one of its other readings, that does what the file's graph does; they are ruled out.

    Raises:
        CardError: The graph does other than any of them and a head behind it, or is damaged.
    """
    if size is None:
        return found
    there = list(_steps(path))
    others = [twin.found for twin in found.twins if twin.found and twin.key in _OF_NETWORKS]
    first: _Step | None = None
    for one in (found, *others[:_MOST]):
        try:
            gap = _first_gap(there, _own(one, size), _acts(one))
        except CardError:
            continue  # no such network can be built
        if gap is None:
            kept = tuple(twin for twin in found.twins if twin.key not in _OF_NETWORKS)
            return replace(one, notes=found.notes, twins=kept).noting(say(_PROVED, backbone=one.backbone))
        first = first or gap
    raise CardError(
        "The graph in '{name}' does '{step}' where '{backbone}' and a head of dense layers do not, and weights alone "
        "would make another network. Export the file as ONNX: torch.onnx.export(torch.export.load('{name}')"
        ".module(), ...).",
        name=path.name,
        step=" ".join(first or ("nothing", ""))[:100],
        backbone=found.backbone,
    )


def _acts(found: Found) -> set[str]:
    """Activations of a head."""
    hidden = found.options.get("hidden")
    listed = [str(one[-1]) for one in hidden] if isinstance(hidden, list | tuple) else []
    return {*listed, *found.activations} - {"linear"}


def _first_gap(there: Sequence[_Step], here: Sequence[_Step], acts: set[str]) -> _Step | None:
    """The first step of the file's graph that is not the network's, or not its head's; ``None`` where all agree."""
    other = next((one for one, ours in zip(there, here, strict=False) if one != ours), None)
    if other or len(there) < len(here):
        return other or ("nothing", "")
    rest = [step for step in there[len(here) :] if step[0] not in _OF_HEADS]
    said = {name.removesuffix("_") for name, _ in there[len(here) :]} & _ACTS
    odd = [*rest, *((name, "") for name in said ^ acts)]
    return odd[0] if odd else None


def _own(found: Found, size: int) -> list[_Step]:
    """What the network that is known here does, before any head."""
    import torch

    body = networks.body(found.backbone, 0, {key: one for key, one in found.options.items() if key != "hidden"}).eval()
    kept = io.BytesIO()
    with torch.no_grad():
        torch.export.save(torch.export.export(body, (torch.zeros(1, 3, size, size),), strict=False), kept)
    kept.seek(0)
    return list(_steps(kept))


def _steps(file: Path | BinaryIO) -> Iterator[_Step]:
    try:
        with zipfile.ZipFile(file) as archive:
            name = next(one for one in archive.namelist() if "/models/" in one and one.endswith(".json"))
            if archive.getinfo(name).file_size > _LARGEST:
                raise ValueError(name)
            nodes = json.loads(archive.read(name))["graph_module"]["graph"]["nodes"]
        yield from filter(None, map(_step, nodes))
    except (
        zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration,
        RecursionError,
    ) as why:  # fmt: skip
        shown = file.name if isinstance(file, Path) else "-"
        raise CardError(
            "The exported program '{name}' is damaged ({why}); export it again.", name=shown, why=why
        ) from why


def _step(node: Mapping[str, Any]) -> _Step | None:
    name = str(node["target"]).removeprefix("torch.ops.aten.").split(".")[0]
    if name.startswith(_NEITHER) or "sym_" in name or "_assert" in name:
        return None
    said = [one["arg"] for one in node["inputs"] if not _is_tensor(one["arg"])]
    return name, "" if name in _SHAPING else json.dumps(said, sort_keys=True)


def _is_tensor(value: Mapping[str, Any]) -> bool:
    return any(key.startswith(("as_tensor", "as_optional_tensor", "as_none", "as_sym")) for key in value)
