"""The head that was found, put where timm's network has its classifier, and the other heads of the same tensors."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from fundus_core.errors import CardError
from fundus_core.models.importing import heads
from fundus_core.models.importing.imported import ANOTHER_ORDER, Found, Twin

_TURNED = "one of torchvision's that turns what was normalised as for ImageNet into -1 to 1 by itself (transform_input)"
_LOST = "one whose head adds a bias, which the file has lost (it holds none, and none was added)"
_KERAS = "normalised in its head with an epsilon of 1e-3, as Keras has it, instead of torch's 1e-5"
_BEHIND = "one whose activation stands behind the normalisation of its head instead of before it"
_FASTAI = "pooled by maximum and average in this order, as fastai does, instead of average and maximum"


def places(body: nn.Module) -> tuple[str, ...]:
    """Return the names of a timm network's classifiers."""
    named = body.default_cfg["classifier"]  # type: ignore[index]
    return (named,) if isinstance(named, str) else tuple(named)


def tensors(body: nn.Module, head: heads.Head) -> dict[str, Tensor]:
    """Return a head's tensors by the names that a timm network gives them.

    Raises:
        CardError: The network has another head than one dense layer.
    """
    place = places(body)[0]
    if len(places(body)) > 1 or not isinstance(body.get_submodule(place), nn.Linear | nn.Conv2d):
        raise CardError("This network has another head than one dense layer; export it as ONNX.")
    conv = isinstance(body.get_submodule(place), nn.Conv2d)
    state = {}
    for k, layer in enumerate(head.layers):
        prefix = place if len(head.layers) == 1 else f"{place}.{2 * k}"
        state[f"{prefix}.weight"] = layer.weight[:, :, None, None] if conv else layer.weight
        state[f"{prefix}.bias"] = layer.bias
    return state


def twins(
    found: Found, body: nn.Module, head: heads.Head, left: Mapping[str, Tensor], keras: Mapping[str, Tensor]
) -> list[Twin]:
    """Return the readings of a head that its tensors do not rule out.

    ``left`` are its tensors where names and tensors are all that the file holds, and ``keras`` all of the network's
    with the other epsilon.
    """
    more = []
    if found.backbone == "inception_v3" and left:
        more.append(Twin("input.mean", _TURNED, None, {"input.mean": [0.5] * 3, "input.std": [0.5] * 3}))
    if found.options.get("global_pool") == "catavgmax" and found.tensors is not None:
        turned = _halves_exchanged(found.tensors, places(body)[0])
        more.append(Twin("backbone_options", _FASTAI, replace(found, tensors=turned)))
    dense = [key.rpartition(".")[0] for key, value in left.items() if key.endswith("weight") and value.ndim > 1]
    if any(f"{place}.bias".lstrip(".") not in left for place in dense):
        more.append(Twin("weights.file", _LOST))
    if any(key.endswith("running_var") for key in left):
        more.append(Twin("weights.file", _KERAS, replace(found, tensors=keras)))
    more += [Twin("backbone_options", _BEHIND)] if heads.BETWEEN in head.notes else []
    more += [ANOTHER_ORDER] if heads.ASSUMED in head.notes and not found.names else []
    return more


def _halves_exchanged(given: Mapping[str, Tensor], place: str) -> dict[str, Tensor]:
    """Return tensors whose first dense layer at a place finds the two halves of its features exchanged."""
    first = next(key for key in given if key.startswith(place) and key.endswith("weight"))
    return {**given, first: torch.cat(given[first].chunk(2, dim=1)[::-1], dim=1)}
