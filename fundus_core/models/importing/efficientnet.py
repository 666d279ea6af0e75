"""Keras' EfficientNet B0 to B7 carried over, tensor by tensor, to timm's ``tf_efficientnet_b0`` to ``_b7``.

Both are the network of Tan and Le 2019 (arXiv 1905.11946) with TensorFlow's "same" padding and a batch norm epsilon
of 1e-3, so that the weights correspond one to one. Only the order of a kernel's axes differs.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fundus_core.errors import CardError

Layers = Mapping[str, Sequence[NDArray[np.float32]]]
"""By Keras layer name: its arrays in Keras' order (kernel, bias; gamma, beta, moving mean, moving variance)."""

_SHAPES = (
    (32, 16, 1280), (32, 23, 1280), (32, 23, 1408), (40, 26, 1536),
    (48, 32, 1792), (48, 39, 2048), (56, 45, 2304), (64, 55, 2560),
)  # fmt: skip
"""Channels of the stem, number of blocks and channels of the end, B0 to B7."""
_NORM = ("weight", "bias", "running_mean", "running_var")
_BLOCK = re.compile(r"block(\d)([a-z])_(dwconv|expand_conv)$")

NATIVE_PX = (224, 240, 260, 300, 380, 456, 528, 600)
"""Input sizes that the paper gives B0 to B7."""
DEEPER = (1.0, 1.1, 1.2, 1.4, 1.8, 2.2, 2.6, 3.1)
"""By how much deeper than B0 each of B0 to B7 is."""
LITE = ((16, 320), (21, 320), (21, 352), (24, 384), (30, 448))
"""Number of blocks, and channels behind the last of them, of the lite ones, 0 to 4."""
LITE_PX = (224, 240, 260, 280, 300)
"""Input sizes of the lite ones."""


@dataclass(frozen=True, slots=True)
class Dense:
    """One dense layer of the head."""

    kernel: NDArray[np.float32]
    """Inputs x units."""
    bias: NDArray[np.float32]
    """Units."""
    activation: str
    """As Keras names it."""


def number_of(layers: Layers) -> int | None:
    """Return which EfficientNet these layers are, 0 to 7; ``None`` where they are none."""
    if not {"stem_conv", "top_conv", "top_bn"} <= set(layers):
        return None
    stem, end = layers["stem_conv"][0].shape[-1], layers["top_conv"][0].shape[-1]
    blocks = sum(name.endswith("_dwconv") and bool(_BLOCK.match(name)) for name in layers)
    return number_from(stem, blocks, end)


def number_from(stem: int, blocks: int, end: int) -> int | None:
    """Return which EfficientNet has so many channels at its stem and its end, and so many blocks."""
    return next((k for k, shape in enumerate(_SHAPES) if shape == (stem, blocks, end)), None)


def stages(number: int) -> list[int]:
    """Return the number of blocks in each stage of B0 to B7."""
    return [math.ceil(count * DEEPER[number]) for count in (1, 2, 2, 3, 3, 4, 1)]


def tensors(layers: Layers, head: Sequence[Dense]) -> dict[str, Tensor]:
    """Return the state dict of timm's network; the head's dense layers in their order, the outputs last, in one.

    Raises:
        CardError: A layer is missing.
    """
    try:
        state = _trunk(layers)
    except (KeyError, IndexError) as error:
        raise CardError(
            "The file lacks the layer {error} of an EfficientNet; export the whole model again.", error=error
        ) from error
    for place, dense in enumerate(head):
        prefix = "classifier" if len(head) == 1 else f"classifier.{2 * place}"
        state[f"{prefix}.weight"] = _tensor(dense.kernel.T)
        state[f"{prefix}.bias"] = _tensor(dense.bias)
    return state


def _trunk(layers: Layers) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for keras, timm in pairs(layers):
        arrays = layers[keras]
        if keras.endswith("bn"):
            state |= {f"{timm}.{name}": _tensor(array) for name, array in zip(_NORM, arrays, strict=True)}
            state[f"{timm}.num_batches_tracked"] = torch.tensor(0)
            continue
        axes = (2, 3, 0, 1) if keras.endswith("dwconv") else (3, 2, 0, 1)
        state[f"{timm}.weight"] = _tensor(arrays[0].transpose(axes))
        if len(arrays) > 1:
            state[f"{timm}.bias"] = _tensor(arrays[1])
    return state


def pairs(layers: Layers) -> list[tuple[str, str]]:
    """Return the names of all layers before the head, there and here."""
    found = [("stem_conv", "conv_stem"), ("stem_bn", "bn1")]
    heads = sorted({match[0].rsplit("_", 1)[0].removesuffix("_expand") for match in map(_BLOCK.match, layers) if match})
    for block in heads:
        here = f"blocks.{int(block[5]) - 1}.{ord(block[6]) - ord('a')}"
        found += [(f"{block}_{there}", f"{here}.{name}") for there, name in _block(f"{block}_expand_conv" in layers)]
    return [*found, ("top_conv", "conv_head"), ("top_bn", "bn2")]


def _block(expands: bool) -> list[tuple[str, str]]:  # noqa: FBT001
    squeeze = [("se_reduce", "se.conv_reduce"), ("se_expand", "se.conv_expand")]
    if not expands:
        return [
            ("dwconv", "conv_dw"), ("bn", "bn1"), *squeeze, ("project_conv", "conv_pw"), ("project_bn", "bn2"),
        ]  # fmt: skip
    return [
        ("expand_conv", "conv_pw"), ("expand_bn", "bn1"), ("dwconv", "conv_dw"), ("bn", "bn2"), *squeeze,
        ("project_conv", "conv_pwl"), ("project_bn", "bn3"),
    ]  # fmt: skip


def _tensor(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))


def side_by_side(outputs: Sequence[Dense]) -> Dense:
    """Return one dense layer that gives all outputs."""
    kernel = np.concatenate([dense.kernel for dense in outputs], axis=1)
    return Dense(kernel, np.concatenate([dense.bias for dense in outputs]), outputs[0].activation)


def hidden_options(hidden: Sequence[Dense]) -> dict[str, object]:
    """Return the keywords under which a network is built with these hidden layers."""
    layers = [[dense.kernel.shape[1], dense.activation] for dense in hidden]
    return {"hidden": layers} if layers else {}
