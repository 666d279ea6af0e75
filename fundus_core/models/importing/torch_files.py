"""State dicts: names and tensors, fitted into the network that the card names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from fundus_core.errors import CardError
from fundus_core.models import networks
from fundus_core.models import weights as files
from fundus_core.models.importing.efficientnet import number_from
from fundus_core.models.importing.formats import Format
from fundus_core.models.importing.found import Found

_COUNTED = "num_batches_tracked"


def read(path: Path, kind: Format, *, backbone: str, options: Mapping[str, object]) -> Found:
    """Read names and tensors and fit them into the timm network that the card names.

    Args:
        path: The file.
        kind: Whether torch's or safetensors.
        backbone: timm's name; empty where the card does not say.
        options: For the network's constructor.

    Raises:
        CardError: The file would execute code, the network is not named, or the tensors do not fit it.
    """
    given = _stripped(files.read(path, safetensors=kind is Format.SAFETENSORS))
    if not given:
        raise CardError("'{name}' holds no tensors; export the state dict.", name=path.name)
    backbone = backbone or _guess(given)
    if not backbone:
        raise CardError(
            (
                "'{name}' holds {given} {given:tensor|tensors} (first '{given_2}') and does not say of which "
                "network they are; add 'backbone' to the card, by timm's name (for example "
                "tf_efficientnet_b7)."
            ),
            name=path.name,
            given=len(given),
            given_2=next(iter(given)),
        )
    options = _as_torchvision(backbone, options, given, path.name)
    outputs = _outputs(networks.body(backbone, 1, options), given)
    body = networks.body(backbone, outputs, options)
    tensors, note = _fitted(body, given, path.name)
    return Found(
        format=str(kind),
        runtime="timm",
        backbone=backbone,
        outputs=outputs,
        activations=("linear",) * outputs,
        options=dict(options),
        tensors=tensors,
        notes=(note, "The file holds weights alone: there was no network of its own to compare with."),
    )


def _as_torchvision(
    backbone: str, options: Mapping[str, object], given: Mapping[str, Tensor], name: str
) -> Mapping[str, object]:
    """Options under which timm computes as torchvision, by whose names an EfficientNet's tensors are told.

    torchvision pads alike on all sides, and has a batch norm epsilon of 1e-3 from B5 on (``torchvision.models``).
    """
    number = re.search(r"efficientnet_b([0-7])", backbone)
    if number is None or "features.0.0.weight" not in given:
        return options
    if backbone.startswith("tf_"):
        raise CardError(
            "'{name}' carries torchvision's names, and '{backbone}' pads as TensorFlow does: the shapes "
            "agree, the answers do not. Name the backbone '{backbone_2}' in the card.",
            name=name,
            backbone=backbone,
            backbone_2=backbone.removeprefix("tf_"),
        )
    return {"bn_eps": 1e-3, **options} if int(number[1]) >= 5 else options


def _outputs(body: nn.Module, given: Mapping[str, Tensor]) -> int:
    """Number of outputs: rows of the network's last layer, by its name, else of the last tensor in the file."""
    last = [name for name, module in body.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)][-1]
    tensor = given.get(f"{last}.weight", list(given.values())[-1])
    return int(tensor.shape[0]) if tensor.ndim else 1


def _stripped(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without what all names begin with (``model.``, ``module.``, ``net.``)."""
    names = list(given)
    while names and "." in names[0] and all(name.startswith(names[0].split(".")[0] + ".") for name in names):
        names = [name.split(".", 1)[1] for name in names]
    return dict(zip(names, given.values(), strict=True))


def _guess(given: Mapping[str, Tensor]) -> str:
    """``EfficientNet-PyTorch`` keeps TensorFlow's padding and can be told from its names; others cannot."""
    if "_conv_stem.weight" not in given:
        return ""
    stem, end = given["_conv_stem.weight"].shape[0], given["_conv_head.weight"].shape[0]
    blocks = sum(name.endswith("_depthwise_conv.weight") for name in given)
    number = number_from(stem, blocks, end)
    return "" if number is None else f"tf_efficientnet_b{number}"


def _fitted(body: nn.Module, given: Mapping[str, Tensor], name: str) -> tuple[dict[str, Tensor], str]:
    """By name; where the names are another library's, by order, if every shape and kind agrees."""
    own = body.state_dict()
    complete = {key: value for key, value in own.items() if key.endswith(_COUNTED)} | dict(given)
    if set(complete) == set(own):
        files.load(body, complete, name)
        return complete, "Every tensor was taken by its name."
    here = [key for key in own if not key.endswith(_COUNTED)]
    there = [key for key in given if not key.endswith(_COUNTED)]
    same = len(here) == len(there) and all(
        own[a].shape == given[b].shape and a.rsplit(".", 1)[-1] == b.rsplit(".", 1)[-1]
        for a, b in zip(here, there, strict=False)
    )
    if not same:
        files.load(body, given, name)
    ordered = {a: given[b] for a, b in zip(here, there, strict=True)}
    counted = {key: value for key, value in own.items() if key.endswith(_COUNTED)}
    return counted | ordered, (
        "The tensors carry another library's names and were taken in their order, since every shape agrees; "
        "compare with the original on photographs."
    )
