"""Networks of the same names and shapes: what a checkpoint of torch cannot tell, and what its own classes settle."""

import re
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor, nn

from fundus_core.errors import say
from fundus_core.models import networks
from fundus_core.models.importing import architectures, beside
from fundus_core.models.importing.efficientnet import NATIVE_PX
from fundus_core.models.importing.imported import Found, Twin, Wanted
from fundus_core.models.weights import Opened

_FACTS = (
    "pool_type",
    "eps",
    "padding",
    "stride",
    "dilation",
    "groups",
    "kernel_size",
    "negative_slope",
    "normalized_shape",
)


def end_of(name: str, ending: str) -> bool:
    """Whether a dotted name ends in these parts."""
    return name == ending or name.endswith(f".{ending}")


def with_twins(found: Found, body: nn.Module, given: Mapping[str, Tensor], opened: Opened, wanted: Wanted) -> Found:
    """The network that was found, with the others that its tensors would fit as well."""
    number = re.fullmatch(r"(tf_)?efficientnet_b([0-7])", found.backbone)
    if any(end_of(key, "_conv_stem.weight") for key in given) and number:
        return _padded_at_home(found, int(number[2]), wanted)
    if any(end_of(key, "features.0.0.weight") for key in given):
        return found
    candidates = _candidates(found, opened)
    if opened.modules:
        candidates = [one for one in candidates if _agrees(one, opened)] or candidates
        settled = len(candidates) == 1 and _agrees(candidates[0], opened)
        if settled and candidates[0] is not found:
            note = say("The file's own classes tell that the network is '{backbone}'.", backbone=candidates[0].backbone)
            return replace(candidates[0], notes=(*found.notes, note))
        if settled:
            return found.noting(
                say(
                    "The file's own classes and numbers (padding, epsilon) are those of '{backbone}'.",
                    backbone=found.backbone,
                )
            )
    twins = [
        Twin("backbone", say("'{backbone}', of the same names and shapes", backbone=one.backbone), one)
        for one in candidates[1:]
    ]
    if not opened.modules and hasattr(body, "global_pool") and "global_pool" not in wanted.options:
        pooled = replace(found, options={**found.options, "global_pool": "max"})
        if not any(key in found.options for key in ("global_pool",)) and "vit" not in found.backbone:
            twins.append(Twin("backbone_options", "pooled by the maximum instead of the average", pooled))
    return replace(candidates[0], twins=tuple(twins))


def _candidates(found: Found, opened: Opened) -> list[Found]:
    """Networks of the same names and shapes; the one alone that the file names as its own."""
    candidates = [found, *(replace(found, backbone=name) for name in architectures.alike(found.backbone))]
    own = beside.named(opened.said, [one.backbone for one in candidates])
    if not own or opened.modules:
        return candidates
    note = say("The file itself names its network '{backbone}'.", backbone=own)
    return [replace(found, backbone=own, notes=(*found.notes, note))]


def _agrees(found: Found, opened: Opened) -> bool:
    """Whether a network of timm's has, module by module, the numbers that the file's own modules have."""
    options = {key: value for key, value in found.options.items() if key != "hidden"}
    body = networks.body(found.backbone, 1, options)
    there = {module.place: module for module in opened.modules}
    own = [(name, module) for name, module in body.named_modules() if name]
    first = own[0][0]
    prefixes = [place.removesuffix(first) for place in there if end_of(place, first)]
    return any(all(_same(name, module, prefix, there) for name, module in own) for prefix in prefixes)


def _same(name: str, module: nn.Module, prefix: str, there: Mapping[str, object]) -> bool:
    other = there.get(f"{prefix}{name}")
    if other is None:
        return not list(module.parameters(recurse=False)) or isinstance(module, nn.Linear)
    facts, kind = other.facts, other.kind.rsplit(".", 1)[-1]  # type: ignore[attr-defined]
    plain = type(module).__name__
    if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.LayerNorm) and plain != kind:
        return False
    for key in _FACTS:
        mine = getattr(module, key, None)
        if key in facts and mine is not None and _plain(mine) != _plain(facts[key]):
            return False
    return True


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else value


def _padded_at_home(found: Found, number: int, wanted: Wanted) -> Found:
    """``EfficientNet-PyTorch`` pads as at its native size, whatever it is fed; nothing tells which size that was."""
    native = NATIVE_PX[number]
    if wanted.size in (None, native) or "padded_at" in wanted.options:
        return found
    home = replace(found, options={**found.options, "padded_at": native})
    words = say(
        "padded anew at every size (its size is not {native} px, for which the library pads unless told)", native=native
    )
    return replace(home, twins=(Twin("backbone_options", words, found),))
