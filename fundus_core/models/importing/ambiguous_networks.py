"""Networks of the same names and shapes: what a checkpoint of torch cannot tell, and what its own classes settle."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from torch import Tensor, nn

from fundus_core.errors import CardError, say
from fundus_core.models import networks
from fundus_core.models.checkpoints import Module
from fundus_core.models.importing import architectures, beside, unsaid
from fundus_core.models.importing.efficientnet import LITE_PX, NATIVE_PX
from fundus_core.models.importing.imported import Found, Twin, Wanted
from fundus_core.models.weights import Opened

_FACTS = (
    "pool_type", "eps", "padding", "stride", "dilation", "groups", "kernel_size", "negative_slope", "normalized_shape",
    "num_heads", "approximate", "window_size", "shift_size", "output_size", "ceil_mode", "count_include_pad",
)  # fmt: skip
"""Attributes of a module without numbers of its own that decide what it computes."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The first module of a network that was saved whole which computes otherwise than the one that is known here."""

    place: str
    """Dotted name."""
    kind: str
    """Its class."""
    key: str
    """What differs: a number, ``class`` or ``module``."""
    there: object
    """In the file."""
    here: object
    """Here."""


def end_of(name: str, ending: str) -> bool:
    """Whether a dotted name ends in these parts."""
    return name == ending or name.endswith(f".{ending}")


def with_twins(
    found: Found, body: nn.Module, given: Mapping[str, Tensor], opened: Opened, wanted: Wanted, name: str
) -> Found:
    """The network that was found, with the others that its tensors would fit as well.

    Raises:
        CardError: The file's own modules have other numbers than any network of these tensors that is known.
    """
    first = next(place for place, _ in body.named_modules() if place)
    if any(end_of(module.place, first) for module in opened.modules):
        return _settled(found, opened, name)
    if gap := _gap_in_order(body, opened.modules):
        _refuse(gap, name)
    number = re.fullmatch(r"(tf_)?efficientnet_(b|lite)([0-7])", found.backbone)
    if any(end_of(key, "_conv_stem.weight") for key in given) and number:
        found = _padded(
            found, opened.modules, (LITE_PX if number[2] == "lite" else NATIVE_PX)[int(number[3])], wanted, name
        )
    elif not (any(end_of(key, "features.0.0.weight") for key in given) and number):
        nearest, *others = _candidates(found, opened)
        words = "'{backbone}', of the same names and shapes"
        twins = [Twin("backbone", say(words, backbone=one.backbone), one) for one in others]
        found = replace(nearest, twins=tuple(twins))
    more = unsaid.own_forward(opened.modules) if opened.modules else unsaid.readings(found, body, wanted.options)
    return replace(found, twins=(*found.twins, *more))


def _settled(found: Found, opened: Opened, name: str) -> Found:
    """The network whose modules have the numbers of those that were saved whole, one of its alternatives or itself."""
    refused: Disagreement | None = None
    for one in _candidates(found, opened):
        options = dict(one.options)
        for _ in range(_MOST_MENDED):
            other = _disagreement(replace(one, options=options), opened)
            if other is None:
                words = "The file's own classes and numbers (padding, epsilon) are those of '{backbone}'{with_}."
                told = ", ".join(f"{key} = {value}" for key, value in options.items() if key not in found.options)
                note = say(words, backbone=one.backbone, with_=say(" with {told}", told=told) if told else "")
                twins = tuple(unsaid.own_forward(opened.modules))
                return replace(one, options=options, notes=(*found.notes, note), twins=twins)
            refused = refused or other
            if other.key not in _MENDED or _MENDED[other.key] in options:
                break
            options[_MENDED[other.key]] = other.there
    if refused is None:
        return found
    _refuse(refused, name)


def _refuse(refused: Disagreement, name: str) -> NoReturn:
    raise CardError(
        "The network in '{name}' has '{place}' ({kind}) with {key} = {there}, where every network that is known here "
        "of its names and shapes has {here}, and was not imported, since that makes another network. Name the network "
        "as 'backbone' with its 'backbone_options', or load the file where it was written, and export it as ONNX.",
        name=name,
        place=refused.place[:80],
        kind=refused.kind[:60],
        key=refused.key,
        there=str(refused.there)[:60],
        here=str(refused.here)[:60],
    )


def _candidates(found: Found, opened: Opened) -> list[Found]:
    """Networks of the same names and shapes; the one alone that the file names as its own."""
    candidates = [found, *(replace(found, backbone=name) for name in architectures.alike(found.backbone))]
    own = beside.named(opened.said, [one.backbone for one in candidates])
    if not own or opened.modules:
        return candidates
    note = say("The file itself names its network '{backbone}'.", backbone=own)
    return [replace(found, backbone=own, notes=(*found.notes, note))]


_MENDED = {"eps": "eps", "num_heads": "num_heads"}
"""Options that give a network the file's number."""
_MOST_MENDED = 1 + len(_MENDED)


def _disagreement(found: Found, opened: Opened) -> Disagreement | None:
    """Where a network of timm's has, module by module, other numbers than the file's own modules; the nearest prefix.

    ``None`` where all agree.
    """
    body = networks.body(found.backbone, 1, {key: value for key, value in found.options.items() if key != "hidden"})
    there = {module.place: module for module in opened.modules}
    own = [(name, module) for name, module in body.named_modules() if name]
    first = own[0][0]
    prefixes = [place.removesuffix(first) for place in there if end_of(place, first)]
    gaps = [_first_gap(own, prefix, there) for prefix in prefixes]
    return None if None in gaps else max((gap for gap in gaps if gap), key=lambda gap: gap.key != "module")


def _gap_in_order(body: nn.Module, modules: Sequence[Module]) -> Disagreement | None:
    """Where convolutions and normalisations that carry another library's names have other numbers, in their order."""
    own = [("", one) for one in body.modules() if isinstance(one, nn.Conv2d | nn.BatchNorm2d | nn.LayerNorm)]
    theirs = [one for one in modules if {"eps", "stride"} & set(one.facts) and not one.kind.endswith("Pool2d")]
    if len(own) != len(theirs):
        return None
    gaps = (_differing(one.place, one.kind, one.facts, module) for (_, module), one in zip(own, theirs, strict=True))
    return next(filter(None, gaps), None)


def _differing(place: str, kind: str, facts: Mapping[str, object], module: nn.Module) -> Disagreement | None:
    odd = "Same" in kind or "Static" in kind or "Same" in type(module).__name__  # pads by itself
    for key in _FACTS:
        mine = getattr(module, key, None)
        if key in facts and mine is not None and not (odd and key == "padding") and _plain(mine) != _plain(facts[key]):
            return Disagreement(place, kind, key, facts[key], mine)
    return None


def _first_gap(own: Sequence[tuple[str, nn.Module]], prefix: str, there: Mapping[str, Module]) -> Disagreement | None:
    return next(filter(None, (_gap(f"{prefix}{name}", module, there) for name, module in own)), None)


def _gap(place: str, module: nn.Module, there: Mapping[str, Module]) -> Disagreement | None:
    other, plain = there.get(place), type(module).__name__
    if other is None:
        known = not list(module.parameters(recurse=False)) or isinstance(module, nn.Linear)
        return None if known else Disagreement(place, "nothing", "module", "nothing", plain)
    facts, kind = other.facts, other.kind.rsplit(".", 1)[-1]
    if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.LayerNorm) and plain != kind:
        return Disagreement(place, kind, "class", kind, plain)
    return _differing(place, kind, facts, module)


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else value


def _padded(found: Found, modules: Sequence[Module], native: int, wanted: Wanted, name: str) -> Found:
    """Pad as ``EfficientNet-PyTorch`` does; a network that was saved whole holds for which size it pads.

    Raises:
        CardError: What it holds is the padding of no size.
    """
    if any("DynamicSame" in module.kind for module in modules):
        return found
    pads = {module.place.rpartition(".")[0]: module.facts.get("padding") for module in modules if _PAD in module.place}
    steps = [
        (one.facts["kernel_size"], one.facts["stride"], pads.get(one.place)) for one in modules if one.place in pads
    ]
    if not steps or wanted.size is None or "padded_at" in wanted.options:
        return _padded_at_home(found, native, wanted)
    sides = (wanted.size, native, *range(32, 1025))
    side = next((side for side in sides if all(_pads_alike(side, steps))), None)
    if side is None:
        _refuse(Disagreement("_conv_stem.static_padding", "ZeroPad2d", "padding", steps[0][2], native), name)
    note = say("The file's own padding is the one for {side} px.", side=side)
    options = found.options if side == wanted.size else {**found.options, "padded_at": side}
    return replace(found, options=options, notes=(*found.notes, note))


_PAD = ".static_padding"


def _pads_alike(side: int, steps: Sequence[tuple[Any, Any, Any]]) -> Iterator[bool]:
    """Whether each convolution (kernel, stride, left, right, top and bottom) pads as TensorFlow does at a side."""
    for kernel, stride, there in steps:
        after = -(-side // stride[0])
        whole = max((after - 1) * stride[0] + kernel[0] - side, 0)
        yield tuple(there or (0,) * 4) == (whole // 2, whole - whole // 2) * 2
        side = after


def _padded_at_home(found: Found, native: int, wanted: Wanted) -> Found:
    """``EfficientNet-PyTorch`` pads as at its native size, whatever it is fed; nothing tells which size that was."""
    if wanted.size in (None, native) or "padded_at" in wanted.options:
        return found
    home = replace(found, options={**found.options, "padded_at": native})
    words = say(
        "padded anew at every size (its size is not {native} px, for which the library pads unless told)", native=native
    )
    return replace(home, twins=(Twin("backbone_options", words, found),))
