"""Keras files that hold weights and not the network: an EfficientNet is known by the names of its layers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import CardError, say
from fundus_core.models.importing import efficientnet, keras_classes
from fundus_core.models.importing.beside import target_of
from fundus_core.models.importing.efficientnet import Dense
from fundus_core.models.importing.formats import Format
from fundus_core.models.importing.imported import ANOTHER_ORDER, UNIT, Affine, Found, Twin
from fundus_core.targets import TARGETS

_IMAGENET_VARIANCE = (0.229, 0.224, 0.225)
"""What Keras keeps as variance of a network built for ImageNet; it rescales once more to mend that."""
_ORDER = {
    "kernel": 0, "depthwise_kernel": 0, "bias": 1, "gamma": 0, "beta": 1, "moving_mean": 2, "moving_variance": 3,
    "mean": 0, "variance": 1, "count": 2,
}  # fmt: skip
_SMALL = "fed 0 to 1, although it turns 0 to 255 into what it wants by itself"
REST = (
    "otherwise in what leaves no numbers in a file (activation, padding, pooling, arithmetic before the network or "
    "behind its features)"
)
"""What weights alone do not say."""
_NO_WEIGHTS = frozenset(("optimizer", "optimizer_weights", "seed_generator", "metrics"))
"""Groups of a training's or of a random layer's state."""


def read(path: Path, hidden: Sequence[str]) -> Found:
    """Read an EfficientNet whose layers carry Keras' own names.

    The file is HDF5, as ``save_weights`` of Keras 2 or 3 writes it. Such a file does not say the activations of
    ``hidden`` layers.

    Raises:
        CardError: It holds another network, or hidden layers that nobody explained.
    """
    layers = keras_classes.named(_arrays(path))
    number = efficientnet.number_of(layers)
    if number is None:
        raise CardError(
            "'{name}' holds weights without the network they belong to, and no EfficientNet B0 to B7 with "
            "Keras' own names of layers. What computes is not in it, and only who holds the code can use it: "
            "build the model, call load_weights with this file, and then model.save('model.keras').",
            name=path.name,
        )
    _check_all_used(path, layers)
    head, names = _plain_head(layers, layers["top_conv"][0].shape[-1], path, hidden)
    inside, before = _plain_inside(layers)
    found = Found(
        format=say("{hdf5}, weights alone", hdf5=Format.HDF5),
        runtime="timm",
        backbone=f"tf_efficientnet_b{number}",
        outputs=head[-1].kernel.shape[1],
        activations=("linear",) * head[-1].kernel.shape[1],
        options=efficientnet.hidden_options(head[:-1]),
        inside=inside,
        folded=inside is not None,
        names=names,
        tensors=efficientnet.tensors(layers, head),
        notes=("The file holds weights alone: that its outputs are linear and in this order is assumed.",),
    )
    pooled = replace(found, options={**found.options, "global_pool": "max"})
    twins = [Twin("backbone_options", "pooled by the maximum instead of the average", pooled)]
    if before is not None:
        words = "one of TensorFlow before 2.9, whose input was normalised without the last rescaling"
        twins.append(Twin("input.std", words, replace(found, inside=before)))
    apart = sum(arrays[0].ndim == 2 for arrays in layers.values()) > len(head)
    told = [target_of(name, list(TARGETS)) for name in names]
    twins += [ANOTHER_ORDER] if apart and not (names and all(told)) else []
    return fed_small(replace(found, twins=(*twins, Twin("backbone_options", REST))))


def fed_small(found: Found) -> Found:
    """Add the reading that a network which normalises its input itself was fed 0 to 1, as many a training does."""
    if found.inside is None:
        return found
    if not found.folded:
        return replace(found, twins=(*found.twins, Twin("input.value_range", _SMALL, None, UNIT)))
    small = replace(found, inside=Affine(found.inside.factor / 255, found.inside.shift), twins=())
    return replace(found, twins=(*found.twins, Twin("input.value_range", _SMALL, small)))


def _check_all_used(path: Path, layers: Mapping[str, Sequence[NDArray[np.float32]]]) -> None:
    """Refuse a file of which a part would be left out: what is left out of a network makes another network."""
    used = {there for there, _ in efficientnet.pairs(layers)}
    for name, arrays in layers.items():
        dense = arrays[0].ndim == 2 and len(arrays) <= 2
        normal = name.startswith("normalization") and arrays[0].size == 3
        if name not in used and not dense and not normal:
            raise CardError(
                "'{name}' holds weights alone, and of its layer '{name_2}' they do not say where it stands; "
                "build the model as it was trained, call load_weights with this file, and then "
                "model.save('model.keras').",
                name=path.name,
                name_2=name,
            )


def _arrays(path: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Arrays by layer, in the network's order where the file gives it.

    Keras 2 names every array, Keras 3 numbers a layer's.
    """
    found: dict[str, dict[int, NDArray[np.float32]]] = {}

    def keep(place: str, item: object) -> None:
        parts = place.split("/")
        if not isinstance(item, h5py.Dataset) or len(parts) < 2 or not _NO_WEIGHTS.isdisjoint(parts):
            return
        name = parts[-1].split(":")[0]
        if name == "StateVar":  # of a random layer
            return
        layer = str(item.parent.attrs.get("name", parts[-3] if len(parts) > 2 else "")) if parts[-2] == "vars" else ""
        order = int(name) if name.isdigit() else _ORDER.get(name, 9)
        layer = layer or parts[-2]
        found.setdefault(layer, {})[order] = np.asarray(item[()], dtype=np.float32)
        places.setdefault(layer, parts)

    places: dict[str, list[str]] = {}
    with h5py.File(path, "r") as file:
        file.visititems(keep)
        listed = [_text(name) for name in file.attrs.get("layer_names", ())]

    def order(layer: str) -> tuple[int, list[tuple[str, int]]]:
        first = places[layer][0]
        return (listed.index(first) if first in listed else len(listed)), [_numbered(part) for part in places[layer]]

    return {layer: [found[layer][k] for k in sorted(found[layer])] for layer in sorted(found, key=order)}


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _numbered(name: str) -> tuple[str, int]:
    """``dense`` before ``dense_1``, ``dense_2`` before ``dense_10``: Keras counts layers of a kind so."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if stem and number.isdigit() else (name, 0)


def _plain_head(
    layers: Mapping[str, Sequence[NDArray[np.float32]]], width: int, path: Path, hidden: Sequence[str]
) -> tuple[list[Dense], tuple[str, ...]]:
    """Hidden layers and the outputs side by side, and the outputs' names where each has a layer of its own."""
    named = {
        name: Dense(arrays[0], arrays[1] if len(arrays) > 1 else np.zeros(arrays[0].shape[1], np.float32), "linear")
        for name, arrays in layers.items()
        if arrays[0].ndim == 2
    }
    dense = list(named.values())
    if dense and all(one.kernel.shape[0] == width for one in dense):
        single = all(one.kernel.shape[1] == 1 for one in dense)
        return [efficientnet.side_by_side(dense)], tuple(named) if single else ()
    chain: list[Dense] = []
    waiting = list(dense)
    while places := [place for place, one in enumerate(waiting) if one.kernel.shape[0] == width]:
        chain.append(waiting.pop(places[0]))
        width = chain[-1].kernel.shape[1]
    if not chain or waiting:
        raise CardError(
            "The dense layers in '{name}' form no chain; export the whole model with model.save.", name=path.name
        )
    if len(hidden) != len(chain) - 1:
        layers_ = ", ".join(f'[{one.kernel.shape[1]}, "relu"]' for one in chain[:-1])
        raise CardError(
            "'{name}' holds weights alone, which do not say what follows its hidden layers; add it to "
            "the card, as in: backbone_options = {{ hidden = [{layers}] }}.",
            name=path.name,
            layers=layers_,
        )
    return [*(Dense(one.kernel, one.bias, name) for one, name in zip(chain, hidden, strict=False)), chain[-1]], ()


def _plain_inside(layers: Mapping[str, Sequence[NDArray[np.float32]]]) -> tuple[Affine | None, Affine | None]:
    """Keras' EfficientNet rescales by 1/255, normalises, and where built for ImageNet rescales once more.

    Returns:
        What it does from TensorFlow 2.9 on, and where that differs, what it did before; the weights are the same.
    """
    pairs = [a for name, a in layers.items() if name.startswith("normalization") and len(a) > 1 and a[0].size == 3]
    if not pairs:
        return None, None
    mean, variance = (np.ravel(array).astype(np.float64) for array in pairs[0][:2])
    spread = np.sqrt(np.maximum(variance, 1e-14))
    whole = Affine(np.full(3, 1 / 255), np.zeros(3)).then(1 / spread, -mean / spread)
    imagenet = np.allclose(variance, _IMAGENET_VARIANCE, atol=1e-3)
    return (whole.then(1 / np.sqrt(np.array(_IMAGENET_VARIANCE)), 0.0), whole) if imagenet else (whole, None)
