"""Weights that Keras keeps by the class of a layer and its number (``conv2d_7``): put back under the layers' own names.

``save_weights("....weights.h5")`` of tf_keras and of Keras 3 before names were kept writes so. Within a class layers
are counted in the network's order, which is known of EfficientNet (``keras.applications.efficientnet``).
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fundus_core.models.importing.efficientnet import number_from, stages

_Layers = Mapping[str, Sequence[NDArray[np.float32]]]
_KINDS = ("conv2d", "depthwise_conv2d", "batch_normalization")


def named(layers: _Layers) -> _Layers:
    """Return layers under EfficientNet's own names where their classes and counts are its; others as they are."""
    by = {kind: _numbered(layers, kind) for kind in _KINDS}
    if not all(by.values()):
        return layers
    first, last = (layers[by["conv2d"][place]][0] for place in (0, -1))
    number = number_from(first.shape[-1], len(by["depthwise_conv2d"]), last.shape[-1])
    if number is None:
        return layers
    wanted: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for kind, name in _order(number):
        wanted[kind].append(name)
    if any(len(wanted[kind]) != len(by[kind]) for kind in _KINDS):
        return layers
    names = {old: new for kind in _KINDS for old, new in zip(by[kind], wanted[kind], strict=True)}
    return {names.get(name, name): arrays for name, arrays in layers.items()}


def _numbered(layers: _Layers, kind: str) -> list[str]:
    """Layers of a class in their order: the first one has no number."""
    found = {int(match[1] or 0): name for name in layers if (match := re.fullmatch(rf"{kind}(?:_(\d+))?", name))}
    return [found[place] for place in sorted(found)]


def _order(number: int) -> Iterator[tuple[str, str]]:
    """Class and name of every layer before the head."""
    yield from (("conv2d", "stem_conv"), ("batch_normalization", "stem_bn"))
    for stage, count in enumerate(stages(number), 1):
        for place in range(count):
            block = f"block{stage}{chr(ord('a') + place)}"
            if stage > 1:
                yield from (("conv2d", f"{block}_expand_conv"), ("batch_normalization", f"{block}_expand_bn"))
            yield from (("depthwise_conv2d", f"{block}_dwconv"), ("batch_normalization", f"{block}_bn"))
            yield from (("conv2d", f"{block}_{name}") for name in ("se_reduce", "se_expand", "project_conv"))
            yield "batch_normalization", f"{block}_project_bn"
    yield from (("conv2d", "top_conv"), ("batch_normalization", "top_bn"))
