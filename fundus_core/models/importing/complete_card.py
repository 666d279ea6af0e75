"""A card and a file together: whether they fit, what the network is fed, and the complete card that is written."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fundus_core.errors import CardError, say
from fundus_core.models.importing.beside import target_of
from fundus_core.models.importing.imported import NOTHING, Affine, Found
from fundus_core.models.importing.partial_card import Draft

_TOP: Mapping[str, object] = {
    "title": "", "summary": "", "rendered": False, "backbone_options": {}, "training": "", "command": "", "seed": -1,
    "results": [], "measured": [], "licence": "", "terms": "", "citation": "", "acknowledgement": "",
}  # fmt: skip
"""What a card for import may leave out, and what stands for it."""

_INPUT: Mapping[str, object] = {"resample": "area", "margin": 0.0, "channels": "rgb"}

_OUTPUT: Mapping[str, object] = {"scale": 1.0, "offset": 0.0}

_FED = ("value_range", "mean", "std")

_OWN_ENDS = ("sigmoid", "exp", "softmax")


def check_fit(draft: Draft, found: Found) -> None:
    """Refuse a file that is not what the card says.

    Raises:
        CardError: Network, size, number of outputs or their order differ.
    """
    targets = [str(one["target"]) for one in draft.outputs]
    if found.outputs != len(targets):
        raise CardError(
            (
                "The file gives {outputs} {outputs:value|values} per photograph, {name} names {targets} "
                "({targets_2}); name every output, in the network's order."
            ),
            outputs=found.outputs,
            name=draft.name,
            targets=len(targets),
            targets_2=targets,
        )
    named = _named(draft, found)
    if any(there and there != wanted for there, wanted in zip(named, targets, strict=True)):
        raise CardError(
            "The file gives its outputs in the order {names}; name them so in the card.",
            names=[there or name for there, name in zip(named, found.names, strict=True)],
        )
    said = {
        "backbone": (draft.confirmed("backbone"), found.backbone),
        "input.size": (draft.confirmed("input.size"), found.size),
    }
    for key, (wanted, there) in said.items():
        if wanted and there and found.runtime == "timm" and wanted != there:
            raise CardError(
                "The card says {key} = {wanted}, the file holds {there}: it is another model, or correct it.",
                key=key,
                wanted=repr(wanted),
                there=repr(there),
            )


def _named(draft: Draft, found: Found) -> list[str]:
    """By output: the target of which its name in the file speaks; empty where it speaks of none."""
    names = found.names if len(found.names) == found.outputs else ("",) * found.outputs
    return [target_of(name, list(draft.known)) for name in names]


def must_be_complete(draft: Draft, found: Found) -> bool:
    """Whether something follows the file's last activation, so that it cannot become the card's link."""
    if found.runtime != "timm":
        return False
    return any(
        end in _OWN_ENDS and (draft.outputs[k].get("scale", 1) != 1 or draft.outputs[k].get("offset", 0) != 0)
        for k, end in enumerate(found.activations)
    )


@dataclass(frozen=True, slots=True)
class Fed:
    """What the file's own network is fed."""

    affine: Affine
    """From a crop's 0..255 to what the file wants, channels in its order."""
    bgr: bool
    """Whether the file wants blue, green, red."""


def input_spec(draft: Draft, found: Found) -> Fed:
    """Return how crops become what the file wants.

    Raises:
        CardError: Neither the file nor the card says.
    """
    value_range, mean, std = _outer(draft, found)
    low, high = value_range
    spread = np.array(std)
    affine = Affine((high - low) / 255 / spread, (low - np.array(mean)) / spread)
    if found.takes_bytes and not (np.allclose(affine.factor, 1) and np.allclose(affine.shift, 0)):
        raise CardError(
            "The file's input takes whole numbers of 0 to 255 (uint8); the card would feed it {low:g} to {high:g}. "
            "Leave value_range, mean and std out of the card: what is done to them lies inside the file.",
            low=float((low - np.array(mean)[0]) / spread[0]),
            high=float((high - np.array(mean)[0]) / spread[0]),
        )
    return Fed(affine, bgr=draft.get("input.channels") == "bgr")


def _outer(draft: Draft, found: Found) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
    firm = [draft.confirmed(f"input.{key}") for key in _FED]
    if found.inside is not None and None in firm:
        return (0.0, 255.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    given = [draft.get(f"input.{key}") for key in _FED]
    if None in given:
        lacking = [
            say("'{name}'", name=f"input.{key}") for key, value in zip(_FED, given, strict=True) if value is None
        ]
        raise CardError(
            "The file does not say what its network is fed; add {lacking} to the card, as in value_range "
            "= [0.0, 1.0], mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225].",
            lacking=lacking,
        )
    return _numbers(given[0], 2, "value_range"), _numbers(given[1], 3, "mean"), _numbers(given[2], 3, "std")


def _numbers(value: object, count: int, key: str) -> Sequence[float]:
    right = isinstance(value, list | tuple) and len(value) == count and all(isinstance(v, int | float) for v in value)
    if not right or (key == "std" and min(value) <= 0):  # type: ignore[call-overload]
        raise CardError(
            "The card's 'input.{key}' is {value}; it must be a list of {count} numbers, a std above 0.",
            key=key,
            value=repr(value),
            count=count,
        )
    return [float(v) for v in value]  # type: ignore[attr-defined]


def complete(draft: Draft, found: Found, weights: Mapping[str, str], golden: Mapping[str, object]) -> dict[str, object]:
    """Return the plain values of a complete card, with ``file`` and ``sha256`` of the weights that were kept.

    Raises:
        CardError: A key that the file does not say is missing.
    """
    size = found.size or draft.size
    if size is None:
        raise CardError("The file does not say the size of its input; add 'input.size' (pixels) to the card.")
    doubts = dict.fromkeys(draft.unverified)  # keys that nobody confirmed, in the order in which they are met
    outputs = [_output(draft, found, k, doubts) for k in range(found.outputs)]
    page = draft.get("weights.page")
    card: dict[str, object] = {
        **_TOP,
        **{key: value for key, value in draft.content.items() if key not in ("input", "outputs", "weights")},
        "runtime": found.runtime,
        "backbone": found.backbone or str(draft.get("backbone") or found.format),
        "backbone_options": dict(found.options),
        "input": {**_input(draft, found, doubts), "size": size, "layout": found.layout},
        "outputs": outputs,
        "weights": {**weights, "page": page if isinstance(page, str) else ""},
        "features": "",
        "precision": {"allowed": "float32", "deviation": math.nan},
        "golden": golden,
    }
    card["title"] = card["title"] or card.get("id", "")
    known = {"runtime", "input.layout", "weights.file", "weights.sha256", "golden"}
    known |= {"outputs"} if found.outputs == 1 or all(_named(draft, found)) else set()
    known |= {"backbone"} if found.backbone else set()
    known |= {"outputs.link"} if all(end in _OWN_ENDS for end in found.activations) else set()
    known |= {"input.size"} if found.size else set()
    known |= {f"input.{key}" for key in _FED} if found.inside is not None else set()
    unsure = dict.fromkeys(twin.key for twin in found.twins)
    card["unverified"] = list(dict.fromkeys([*(key for key in doubts if key not in known), *unsure]))
    return card


def _input(draft: Draft, found: Found, doubts: dict[str, None]) -> dict[str, object]:
    given = draft.get("input")
    table = dict(given) if isinstance(given, Mapping) else {}
    for key, habit in _INPUT.items():
        if key not in table:
            table[key] = habit
            doubts[f"input.{key}"] = None
    value_range, mean, std = _outer(draft, found)
    if found.folded:
        whole = input_spec(draft, found).affine
        inside = found.inside or NOTHING
        factor, shift = 255 * inside.factor * whole.factor, inside.factor * whole.shift + inside.shift
        value_range, mean, std = (0.0, 1.0), (-shift / factor).tolist(), (1 / factor).tolist()
    return {**table, "value_range": list(value_range), "mean": list(mean), "std": list(std)}


def _output(draft: Draft, found: Found, place: int, doubts: dict[str, None]) -> dict[str, object]:
    given = dict(draft.outputs[place])
    name = str(given["target"])
    for key, habit in _OUTPUT.items():
        if key not in given:
            given[key] = habit
            doubts[f"outputs.{name}.{key}"] = None
    link = link_of(draft, found, place)
    end = found.activations[place]
    if end in _OWN_ENDS:
        doubts.pop(f"outputs.{name}.link", None)
    elif given.get("link") is None:
        doubts[f"outputs.{name}.link"] = None
    if found.runtime == "timm" and end in _OWN_ENDS:
        link = end if end != "softmax" else "sigmoid"
    return {"unit": draft.known[name].unit, "interval": [math.nan, math.nan], "growth": 0.0, **given, "link": link}


def link_of(draft: Draft, found: Found, place: int) -> str:
    """Return what follows the file's output, its own last activation left to it."""
    said, end = draft.outputs[place].get("link"), found.activations[place]
    if end in _OWN_ENDS:
        firm = draft.confirmed_output(place, "link")
        own = "sigmoid" if end == "softmax" else end
        return str(firm) if firm not in (None, own, "identity") else "identity"
    binary = draft.known[str(draft.outputs[place]["target"])].binary
    return str(said) if said is not None else ("sigmoid" if binary else "identity")
