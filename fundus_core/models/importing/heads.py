"""The head of a state dict: what is left of its tensors when the backbone has taken its own, put into one chain.

One layer, hidden layers, a layer for each target, a chain for each target, two logits for yes and no: whatever it is
becomes hidden layers and one layer of outputs, in the targets' order where the layers are named after them. Anything
that is left over is refused by its name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import torch
from torch import Tensor

from fundus_core.errors import CardError, say
from fundus_core.models.checkpoints import Module
from fundus_core.models.importing.found import Wanted

_ACTS: Mapping[str, str] = {
    "ReLU": "relu", "SiLU": "silu", "Swish": "silu", "MemoryEfficientSwish": "silu", "GELU": "gelu", "ELU": "elu",
    "SELU": "selu", "Tanh": "tanh", "Sigmoid": "sigmoid",
}  # fmt: skip
_NOTHING = ("Dropout", "Identity", "Flatten", "AlphaDropout", "Sequential", "ModuleList", "ModuleDict")
_METRIC = re.compile(
    r"(?i)(^|_)(metrics?|loss(es|_fn)?|criterion|mae|mse|rmse|r2|auc|auroc|acc|accuracy|f1|pearson)(_|$)"
)
"""Parts of a training's module that judge its outputs and take no part in them."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One dense layer, and what follows it."""

    weight: Tensor
    """Outputs x inputs."""
    bias: Tensor
    """Outputs."""
    act: str = ""
    """Activation behind it; empty where nobody said."""


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
    out = sorted({name.split(".")[0] for name in left if any(_METRIC.search(part) for part in name.split(".")[:-1])})
    kept = {k: v for k, v in left.items() if not any(_METRIC.search(part) for part in k.split(".")[:-1])}
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
) -> Head:
    """Return the head that tensors, by name in the file's order, make behind ``width`` pooled features.

    ``hidden`` are activations as the card gives them, ``modules`` those of a network that was saved whole.

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
    chains = [_chain(groups[key], modules, name) for key in order]
    trunk = _chain(shared, modules, name) if shared else []
    if not chains:
        chains, trunk = [trunk], []
    binary = [yes_no[target] for target in targets]
    chains = [_of_one(chain, key, wanted) for chain, key in zip(chains, order or [""], strict=True)]
    layers = [*trunk, *_joined(chains, name)]
    layers, ends, more = _two_logits(layers, binary)
    acts = [layer.act for layer in layers[:-1]]
    if "" in acts:
        layers = _acted(layers, hidden, name)
    return Head(tuple(layers), ends, names, tuple(filter(None, [note, more])))


# Layers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    place: str
    tensors: Mapping[str, Tensor]

    @property
    def dense(self) -> bool:
        return "running_mean" not in self.tensors

    @property
    def out(self) -> int:
        return int(self.tensors["weight"].shape[0])

    @property
    def into(self) -> int:
        return int(self.tensors["weight"].shape[1])


def _parts(left: Mapping[str, Tensor], name: str) -> list[_Part]:
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
        normal = "running_mean" in tensors and set(tensors) <= _NORM
        if not dense and not normal:
            _refuse(name, [f"{place}.{kind}".lstrip(".") for kind in tensors])
        parts.append(_Part(place, tensors))
    return parts


_NORM = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


def _refuse(name: str, keys: Sequence[str]) -> NoReturn:
    raise CardError(
        "'{name}' holds {keys} tensors of which the network has no part (first '{keys_2}'), and was "
        "not imported, since leaving them out would make another network. If they belong to its "
        "training alone, name them with --without {keys_3}; if the network is another, name it as "
        "'backbone'.",
        name=name,
        keys=len(keys),
        keys_2=keys[0][:80],
        keys_3=keys[0].split(".")[0][:60],
    )


def _shared(parts: list[_Part], width: int, targets: Sequence[str]) -> tuple[list[_Part], list[_Part]]:
    """Layers that every output goes through, and those that follow."""
    dense = [part for part in parts if part.dense]
    if sum(part.out for part in dense if part.into == width) == len(targets) and all(p.into == width for p in dense):
        return ([], parts) if len(dense) > 1 else (parts, [])
    shared: list[_Part] = []
    rest = list(parts)
    while rest:
        fitting = [part for part in rest if part.dense and part.into == width]
        named = [part for part in fitting if _target_of(part.place, targets)]
        if len(fitting) != 1 and not (len(fitting) > 1 and not named and _one_chain(rest, width)):
            break
        taken = rest.index(fitting[0])
        step = [part for k, part in enumerate(rest) if k <= taken or (_follows(rest, taken, k))]
        shared += step
        width = fitting[0].out
        rest = [part for part in rest if part not in step]
    return shared, rest


def _check_row(parts: Sequence[_Part], width: int, name: str) -> None:
    """Refuse a layer that does not take what the one before it gives."""
    for part in parts:
        size = part.into if part.dense else len(part.tensors["running_mean"])
        if size != width:
            _refuse(name, [f"{part.place}.{kind}" for kind in part.tensors])
        width = part.out if part.dense else width


def _follows(parts: Sequence[_Part], taken: int, place: int) -> bool:
    """Whether normalisation stands directly behind a dense layer."""
    return place > taken and all(not part.dense for part in parts[taken + 1 : place + 1])


def _one_chain(parts: Sequence[_Part], width: int) -> bool:
    """Whether layers of one width stand in a row."""
    for part in (one for one in parts if one.dense):
        if part.into != width:
            return False
        width = part.out
    return True


def _groups(parts: Sequence[_Part], width: int) -> dict[str, list[_Part]]:
    """Chains beside each other, by the part of the name in which they differ."""
    starts = [part.place for part in parts if part.dense and part.into == width]
    split = [place.split(".") for place in starts]
    depth = 0
    while split and all(len(one) > depth + 1 for one in split) and len({tuple(one[: depth + 1]) for one in split}) == 1:
        depth += 1
    found: dict[str, list[_Part]] = {}
    for part in parts:
        found.setdefault(".".join(part.place.split(".")[: depth + 1]), []).append(part)
    return found


def _target_of(place: str, targets: Sequence[str]) -> str:
    """The target that a name speaks of; empty where it is none or several."""
    words = set(re.split(r"[._\-\d]+", place.lower())) | {place.lower()}
    found = [target for target in targets if target in words or words & set(_CALLED.get(target, ()))]
    return found[0] if len(found) == 1 else ""


_CALLED: Mapping[str, tuple[str, ...]] = {"sex": ("gender", "female"), "sbp": ("systolic",), "dbp": ("diastolic",)}


def _order(groups: Mapping[str, Sequence[_Part]], wanted: Wanted, name: str) -> tuple[list[str], tuple[str, ...], str]:
    """Heads in the targets' order where they are named after them, else as the file has them."""
    targets = wanted.targets
    by = {_target_of(key, targets): key for key in groups}
    if groups and set(by) == set(targets) and len(by) == len(groups):
        return [by[target] for target in targets], tuple(targets), "Each head went to the target in its name."
    speaking = [key for key in groups if _target_of(key, list(wanted.binary))]
    if speaking and len(groups) > 1:
        raise CardError(
            "'{name}' has the heads {groups}, the card names {targets}; name as outputs the targets of "
            "the heads, each once.",
            name=name,
            groups=", ".join(groups)[:200],
            targets=targets,
        )
    note = "The file holds a head for each output without its name: that they come in the card's order is assumed."
    return list(groups), (), note if len(groups) > 1 else ""


# Chains -----------------------------------------------------------------------------------------------------------


def _chain(parts: Sequence[_Part], modules: Sequence[Module], name: str) -> list[Layer]:
    """Dense layers with what follows each; normalisation folded into its neighbour."""
    steps = list(_steps(parts, modules, name))
    layers: list[Layer] = []
    before: tuple[Tensor, Tensor] | None = None
    for kind, part in steps:
        if kind == "dense" and part is not None:
            layers.append(_after(before, _layer(part)))
            before = None
        elif kind == "norm" and part is not None:
            before = _affine(part, modules)
            if layers and not layers[-1].act and _behind(steps, part):
                layers[-1], before = _folded(layers[-1], before), None
        elif layers:
            layers[-1] = replace(layers[-1], act=kind)
    if before is not None or not layers:
        _refuse(name, [part.place for part in parts])
    return layers


def _after(before: tuple[Tensor, Tensor] | None, layer: Layer) -> Layer:
    """A layer with the normalisation before it taken into its weights."""
    if before is None:
        return layer
    factor, shift = before
    return replace(layer, weight=layer.weight * factor, bias=layer.bias + layer.weight @ shift)


def _folded(layer: Layer, behind: tuple[Tensor, Tensor]) -> Layer:
    """A layer with the normalisation behind it taken into its weights."""
    factor, shift = behind
    return replace(layer, weight=layer.weight * factor[:, None], bias=layer.bias * factor + shift)


def _behind(steps: Sequence[tuple[str, _Part | None]], part: _Part) -> bool:
    """Whether normalisation stands directly behind a dense layer, nothing between."""
    place = next(k for k, step in enumerate(steps) if step[1] is part)
    return place > 0 and steps[place - 1][0] == "dense"


def _steps(parts: Sequence[_Part], modules: Sequence[Module], name: str) -> Iterator[tuple[str, _Part | None]]:
    """What happens in the head, in its order: dense layers, normalisation, activations where classes tell them.

    Only within a sequence does the order of a file's modules say in which order they compute.
    """
    kinds = {module.place: module.kind.rsplit(".", 1)[-1] for module in modules}
    done: set[str] = set()
    for k, part in enumerate(parts):
        root = part.place.rpartition(".")[0]
        if kinds.get(root) == "Sequential":
            if root not in done:
                yield from _told([one for one in parts if one.place.rpartition(".")[0] == root], root, kinds, name)
            done.add(root)
            continue
        if not part.dense and not (k and parts[k - 1].dense and _next_to(parts[k - 1].place, part.place)):
            raise CardError(
                "'{name}' has a normalisation '{place}' in its head, and does not say what stands before it "
                "(an activation or not); a file of the whole network (torch.save(model)) or ONNX says it.",
                name=name,
                place=part.place,
            )
        yield ("dense" if part.dense else "norm"), part


def _told(parts: Sequence[_Part], root: str, kinds: Mapping[str, str], name: str) -> Iterator[tuple[str, _Part | None]]:
    """The steps of one sequence."""
    by, quiet = {part.place: part for part in parts}, False
    for place, kind in kinds.items():
        if place in by:
            if quiet and by[place].dense:
                yield "linear", None
            quiet = by[place].dense or quiet
            yield ("dense" if by[place].dense else "norm"), by[place]
        elif place.rpartition(".")[0] == root and kind in _ACTS:
            quiet = False
            yield _ACTS[kind], None
        elif place.startswith(f"{root}.") and not kind.startswith(_NOTHING) and not _holds(place, kinds):
            _refuse(name, [f"{place} ({kind})"])


def _holds(place: str, kinds: Mapping[str, str]) -> bool:
    """Whether a module holds others."""
    return any(other.startswith(f"{place}.") for other in kinds)


def _next_to(one: str, other: str) -> bool:
    """Whether two layers of a sequence follow each other without a gap, as their numbers say."""
    first, last = one.rpartition("."), other.rpartition(".")
    return first[0] == last[0] and first[2].isdigit() and last[2].isdigit() and int(last[2]) == int(first[2]) + 1


def _layer(part: _Part) -> Layer:
    weight = part.tensors["weight"].float()
    bias = part.tensors.get("bias")
    return Layer(weight, torch.zeros(len(weight)) if bias is None else bias.float())


def _affine(part: _Part, modules: Sequence[Module]) -> tuple[Tensor, Tensor]:
    facts = next((module.facts for module in modules if module.place == part.place), {})
    eps = facts.get("eps", 1e-5)
    count = len(part.tensors["running_mean"])
    spread = torch.sqrt(part.tensors["running_var"].double() + (eps if isinstance(eps, float) else 1e-5))
    factor = part.tensors.get("weight", torch.ones(count)).double() / spread
    shift = part.tensors.get("bias", torch.zeros(count)).double() - part.tensors["running_mean"].double() * factor
    return factor.float(), shift.float()


def _of_one(chain: list[Layer], key: str, wanted: Wanted) -> list[Layer]:
    """A head of two logits for a yes/no target among others becomes one of one logit."""
    target = _target_of(key, wanted.targets)
    last = chain[-1]
    if not target or len(last.bias) != 2 or not wanted.binary[target] or len(wanted.targets) == 1:
        return chain
    return [*chain[:-1], _difference(last)]


def _difference(last: Layer) -> Layer:
    """Second minus first: its sigmoid is the probability of the second class."""
    return Layer(last.weight[1:] - last.weight[:1], last.bias[1:] - last.bias[:1], last.act)


def _two_logits(layers: list[Layer], binary: Sequence[bool]) -> tuple[list[Layer], tuple[str, ...], str]:
    last, note = layers[-1], ""
    if len(binary) == 1 and binary[0] and len(last.bias) == 2 and last.act in ("", "linear"):
        layers = [*layers[:-1], _difference(last)]
        note = "The file gives two logits; their second class is taken as the target's (for sex: female), unverified."
    count = len(layers[-1].bias)
    end = layers[-1].act if layers[-1].act == "sigmoid" else "linear"
    if layers[-1].act not in ("", "linear", "sigmoid"):
        raise CardError("The network ends in {act}, which no card can say; export it as ONNX.", act=layers[-1].act)
    return layers, (end,) * count, note


def _joined(chains: Sequence[list[Layer]], name: str) -> list[Layer]:
    """Chains beside each other as one: the first layers stacked, those behind them in blocks."""
    if len({len(chain) for chain in chains}) != 1 or any(
        len({chain[k].act for chain in chains}) > 1 for k in range(len(chains[0]) - (len(chains) > 1))
    ):
        raise CardError(
            "The heads in '{name}' differ in depth or activation; export the whole network, best as ONNX.", name=name
        )
    joined = []
    for place in range(len(chains[0])):
        here = [chain[place] for chain in chains]
        weights = [layer.weight for layer in here]
        weight = torch.cat(weights) if place == 0 else torch.block_diag(*weights)  # type: ignore[no-untyped-call]
        ends = {layer.act for layer in here}
        joined.append(Layer(weight, torch.cat([layer.bias for layer in here]), ends.pop() if len(ends) == 1 else ""))
    return joined


def _acted(layers: Sequence[Layer], hidden: Sequence[str], name: str) -> list[Layer]:
    if len(hidden) != len(layers) - 1:
        like = ", ".join(f'[{len(layer.bias)}, "relu"]' for layer in layers[:-1])
        raise CardError(
            "'{name}' holds weights alone, which do not say what follows its hidden layers; add it to "
            "the card, as in: backbone_options = {{ hidden = [{like}] }}.",
            name=name,
            like=like,
        )
    acted = [replace(layer, act=act) for layer, act in zip(layers[:-1], hidden, strict=True)]
    return [*acted, layers[-1]]
