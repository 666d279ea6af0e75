"""The head of a state dict: what is left of its tensors when the backbone has taken its own, put into one chain.

One layer, hidden layers, a layer for each target, a chain for each target, two logits for yes and no: whatever it is
becomes hidden layers and one layer of outputs, in the targets' order where the layers are named after them. Anything
that is left over is refused by its name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from fundus_core.errors import CardError, say
from fundus_core.models.checkpoints import Module
from fundus_core.models.importing.beside import target_of
from fundus_core.models.importing.dense_chains import (
    EPSILON,
    NORM,
    TOLD,
    Layer,
    Part,
    acted,
    chain,
    difference,
    joined,
    refuse,
    two_logits,
)
from fundus_core.models.importing.imported import Wanted

METRIC = re.compile(
    r"(?i)(^|_)(metrics?|loss(es|_fn)?|criterion|mae|mse|rmse|r2|auc|auroc|acc|accuracy|f1|pearson)(_|$)"
)
"""Parts of a training's module that judge its outputs and take no part in them."""

ASSUMED = "The file holds a head for each output without its name: that they come in the card's order is assumed."
"""Note of heads that nothing names."""


BETWEEN = (
    "Between a dense layer and the normalisation behind it the file counts one layer: it was taken for the activation."
)
"""Note of a head whose activation could stand behind the normalisation too."""


@dataclass(frozen=True, slots=True)
class Head:
    """What follows the pooled features."""

    layers: tuple[Layer, ...]
    """The outputs last."""
    ends: tuple[str, ...]
    """By output, what the file puts last."""
    names: tuple[str, ...]
    """Of the outputs, where they have names."""
    notes: tuple[str, ...]
    """As sentences."""

    @property
    def hidden(self) -> list[list[object]]:
        """Hidden layers as ``backbone_options.hidden`` gives them."""
        return [[layer.weight.shape[0], layer.act] for layer in self.layers[:-1]]


def without_judges(left: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Leave out the state of losses and metrics, by the names of the parts that keep it; say which."""
    out = sorted({name.split(".")[0] for name in left if any(METRIC.search(part) for part in name.split(".")[:-1])})
    kept = {k: v for k, v in left.items() if not any(METRIC.search(part) for part in k.split(".")[:-1])}
    note = say(
        "Of the training, {out} (a loss or metric) took no part in the outputs and was left out.",
        out=", ".join(out)[:200],
    )
    return kept, (note,) if out else ()


def read(
    left: Mapping[str, Tensor],
    width: int,
    wanted: Wanted,
    *,
    hidden: Sequence[str],
    modules: Sequence[Module],
    name: str,
    eps: float = EPSILON,
) -> Head:
    """Return the head that tensors, by name in the file's order, make behind ``width`` pooled features.

    ``hidden`` are activations as the card gives them, ``modules`` those of a network that was saved whole, ``eps`` is
    normalisation's where they do not say.

    Raises:
        CardError: A tensor has no place in it, or what follows a hidden layer is not known.
    """
    targets, yes_no = wanted.targets, wanted.binary
    parts = _parts(left, name)
    shared, rest = _shared(parts, width, targets)
    groups = _groups(rest, shared[-1].out if shared else width) if rest else {}
    order, names, note = _order(groups, wanted, name)
    for row, start in [(shared, width), *((groups[key], shared[-1].out if shared else width) for key in order)]:
        _check_row(row, start, name)
    chains = [chain(groups[key], modules, name, eps) for key in order]
    trunk = chain(shared, modules, name, eps) if shared else []
    if not chains:
        chains, trunk = [trunk], []
    binary = [yes_no[target] for target in targets]
    chains = [_of_one(chain, key, wanted) for chain, key in zip(chains, order or [""], strict=True)]
    layers = [*trunk, *joined(chains, name)]
    layers, ends, more = two_logits(layers, binary)
    acts = [layer.act for layer in layers[:-1]]
    if "" in acts or TOLD in acts:
        layers = acted(layers, hidden, name)
    return Head(tuple(layers), ends, names, tuple(filter(None, [note, more, BETWEEN if TOLD in acts else ""])))


# Layers -----------------------------------------------------------------------------------------------------------


def _parts(left: Mapping[str, Tensor], name: str) -> list[Part]:
    found: dict[str, dict[str, Tensor]] = {}
    for key, tensor in left.items():
        place, _, kind = key.rpartition(".")
        found.setdefault(place, {})[kind] = tensor
    parts = []
    for place, tensors in found.items():
        weight = tensors.get("weight")
        flat = weight is not None and weight.ndim == 4 and tuple(weight.shape[2:]) == (1, 1)
        if weight is not None and flat:
            tensors["weight"] = weight = weight.flatten(1)
        dense = weight is not None and weight.ndim == 2 and set(tensors) <= {"weight", "bias"}
        normal = "running_mean" in tensors and set(tensors) <= NORM
        if not dense and not normal:
            refuse(name, [f"{place}.{kind}".lstrip(".") for kind in tensors])
        parts.append(Part(place, tensors))
    return parts


def _shared(parts: list[Part], width: int, targets: Sequence[str]) -> tuple[list[Part], list[Part]]:
    """Layers that every output goes through, and those that follow."""
    dense = [part for part in parts if part.dense]
    if sum(part.out for part in dense if part.into == width) == len(targets) and all(p.into == width for p in dense):
        return ([], parts) if len(dense) > 1 else (parts, [])
    shared: list[Part] = []
    rest = list(parts)
    while rest:
        fitting = [part for part in rest if part.dense and part.into == width]
        named = [part for part in fitting if target_of(part.place, targets)]
        if len(fitting) != 1 and not (len(fitting) > 1 and not named and _one_chain(rest, width)):
            break
        taken = rest.index(fitting[0])
        step = [part for k, part in enumerate(rest) if k <= taken or (_follows(rest, taken, k))]
        shared += step
        width = fitting[0].out
        rest = [part for part in rest if part not in step]
    return shared, rest


def _check_row(parts: Sequence[Part], width: int, name: str) -> None:
    """Refuse a layer that does not take what the one before it gives."""
    for part in parts:
        size = part.into if part.dense else len(part.tensors["running_mean"])
        if size != width:
            refuse(name, [f"{part.place}.{kind}" for kind in part.tensors])
        width = part.out if part.dense else width


def _follows(parts: Sequence[Part], taken: int, place: int) -> bool:
    """Whether normalisation stands directly behind a dense layer."""
    return place > taken and all(not part.dense for part in parts[taken + 1 : place + 1])


def _one_chain(parts: Sequence[Part], width: int) -> bool:
    """Whether layers of one width stand in a row."""
    for part in (one for one in parts if one.dense):
        if part.into != width:
            return False
        width = part.out
    return True


def _groups(parts: Sequence[Part], width: int) -> dict[str, list[Part]]:
    """Chains beside each other, by the part of the name in which they differ."""
    starts = [part.place for part in parts if part.dense and part.into == width]
    split = [place.split(".") for place in starts]
    depth = 0
    while split and all(len(one) > depth + 1 for one in split) and len({tuple(one[: depth + 1]) for one in split}) == 1:
        depth += 1
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(".".join(part.place.split(".")[: depth + 1]), []).append(part)
    return found


def _order(groups: Mapping[str, Sequence[Part]], wanted: Wanted, name: str) -> tuple[list[str], tuple[str, ...], str]:
    """Heads in the targets' order where they are named after them, else as the file has them."""
    targets = wanted.targets
    by = {target_of(key, targets): key for key in groups}
    if len(by) == len(groups) == len(targets) and "" in by and not target_of(by[""], list(wanted.binary)):
        last = next(target for target in targets if target not in by)
        words = "The head '{head}' is named after no target and was taken for {target}, after which no other is named."
        note = say(words, head=by[""][:60], target=last)
        return [by.get(target, by[""]) for target in targets], tuple(targets), note
    if groups and set(by) == set(targets) and len(by) == len(groups):
        return [by[target] for target in targets], tuple(targets), "Each head went to the target in its name."
    speaking = [key for key in groups if target_of(key, list(wanted.binary))]
    if speaking and len(groups) > 1:
        raise CardError(
            "'{name}' has the heads {groups}, the card names {targets}; name as outputs the targets of "
            "the heads, each once. A head of training alone is left out with --without.",
            name=name,
            groups=", ".join(groups)[:200],
            targets=targets,
        )
    return list(groups), (), ASSUMED if len(groups) > 1 else ""


def _of_one(chain: list[Layer], key: str, wanted: Wanted) -> list[Layer]:
    """A head of two logits for a yes/no target among others becomes one of one logit."""
    target = target_of(key, wanted.targets)
    last = chain[-1]
    if not target or len(last.bias) != 2 or not wanted.binary[target] or len(wanted.targets) == 1:
        return chain
    return [*chain[:-1], difference(last)]
