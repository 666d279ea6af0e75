"""Dense layers of a head in a row: normalisation folded in, activations found, chains beside each other made one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import torch
from torch import Tensor

from fundus_core.errors import CardError
from fundus_core.models.checkpoints import Module

_ACTS: Mapping[str, str] = {
    "ReLU": "relu", "SiLU": "silu", "Swish": "silu", "MemoryEfficientSwish": "silu", "GELU": "gelu", "ELU": "elu",
    "SELU": "selu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softmax": "softmax",
}  # fmt: skip
_USUAL: Mapping[str, object] = {"alpha": 1.0, "approximate": "none", "beta": 1}
"""Numbers of an activation under which it is the plain one of its name."""

_NOTHING = ("Dropout", "Identity", "Flatten", "AlphaDropout", "Sequential", "ModuleList", "ModuleDict")


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
class Part:
    """The tensors of one module."""

    place: str
    """Its dotted name."""
    tensors: Mapping[str, Tensor]
    """By the last part of their names."""

    @property
    def dense(self) -> bool:
        """Whether it is a dense layer; else it is normalisation."""
        return "running_mean" not in self.tensors

    @property
    def out(self) -> int:
        """Outputs of a dense layer."""
        return int(self.tensors["weight"].shape[0])

    @property
    def into(self) -> int:
        """Inputs of a dense layer."""
        return int(self.tensors["weight"].shape[1])


NORM = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


def refuse(name: str, keys: Sequence[str]) -> NoReturn:
    """Say which tensors have no place in the network."""
    if {key.rsplit(".", 1)[-1] for key in keys} <= {"mean", "std"}:
        raise CardError(
            "'{name}' keeps '{keys}' within the network, which may normalise photographs by them once more. If it "
            "does, write them as 'input.mean' and 'input.std' into the card, with the range that it is fed; in either "
            "case leave them out with --without {keys}.",
            name=name,
            keys=" ".join(keys)[:80],
        )
    raise CardError(
        "'{name}' holds {keys} tensors of which the network has no part (first '{keys_2}'), and was "
        "not imported, since leaving them out would make another network. If they belong to its "
        "training alone, name them with --without {keys_3}; if the network is another, name it as "
        "'backbone'; if it computes with them, build it in torch as it was trained, give it this file "
        "(load_state_dict), and export it as ONNX (torch.onnx.export).",
        name=name,
        keys=len(keys),
        keys_2=keys[0][:80],
        keys_3=keys[0].split(".")[0][:60],
    )


EPSILON, KERAS_EPSILON = 1e-5, 1e-3
"""What torch and what Keras add to a variance unless told."""


def refuse_stranger(name: str, place: str, kind: str) -> NoReturn:
    """Say which part of a network that was saved whole has no place in the one that is known here."""
    raise CardError(
        "The network in '{name}' has '{place}' ({kind}), for which the network that is known here has no place, and "
        "was not imported, since leaving it out would make another network. If it takes no part in the outputs, name "
        "it with --without {place}; else load the file where it was written, and export the network as ONNX "
        "(torch.onnx.export).",
        name=name,
        place=place[:80],
        kind=kind[:60],
    )


def chain(parts: Sequence[Part], modules: Sequence[Module], name: str, eps: float = EPSILON) -> list[Layer]:
    """Dense layers with what follows each; normalisation folded into its neighbour."""
    steps = list(_steps(parts, modules, name))
    layers: list[Layer] = []
    before: tuple[Tensor, Tensor] | None = None
    for kind, part, place in steps:
        if kind == "dense" and part is not None:
            layers.append(_after(before, _layer(part)))
            before = None
        elif kind == "norm" and part is not None:
            before = _affine(part, modules, eps)
            if layers and not layers[-1].act and _behind(steps, part):
                layers[-1], before = _folded(layers[-1], before), None
        elif not layers:
            refuse_stranger(name, place, kind)
        else:
            layers[-1] = replace(layers[-1], act=kind)
    if before is not None or not layers:
        refuse(name, [part.place for part in parts])
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


TOLD = "told"
"""An activation that the card says, where the file's names say that there is one."""
_Step = tuple[str, Part | None, str]
"""``dense``, ``norm`` or an activation; its tensors; its place."""


def _behind(steps: Sequence[_Step], part: Part) -> bool:
    """Whether normalisation stands directly behind a dense layer, nothing between."""
    place = next(k for k, step in enumerate(steps) if step[1] is part)
    return place > 0 and steps[place - 1][0] == "dense"


def _steps(parts: Sequence[Part], modules: Sequence[Module], name: str) -> Iterator[_Step]:
    """What happens in the head, in its order: dense layers, normalisation, activations where classes tell them.

    Only within a sequence does the order of a file's modules say in which order they compute.
    """
    kinds = {module.place: _kind(module) for module in modules}
    done: set[str] = set()
    for k, part in enumerate(parts):
        root = part.place.rpartition(".")[0]
        if kinds.get(root) == "Sequential":
            if root not in done:
                yield from _told([one for one in parts if one.place.rpartition(".")[0] == root], root, kinds, name)
            done.add(root)
            continue
        before = parts[k - 1] if k else None
        if not part.dense and before and before.dense and _next_to(before.place, part.place, 2):
            yield TOLD, None, part.place  # one layer without numbers stands between, as the names count them
        elif not part.dense and before and not (before.dense and _next_to(before.place, part.place)):
            raise CardError(
                "'{name}' has a normalisation '{place}' in its head, and does not say what stands before it "
                "(an activation or not); a file of the whole network (torch.save(model)) or ONNX says it.",
                name=name,
                place=part.place,
            )
        yield ("dense" if part.dense else "norm"), part, part.place


def _kind(module: Module) -> str:
    """A module's class, with what makes it another function than the plain one."""
    kind = module.kind.rsplit(".", 1)[-1]
    odd = [f"{key}={module.facts[key]}" for key, usual in _USUAL.items() if module.facts.get(key, usual) != usual]
    return f"{kind}({odd[0]})" if odd and kind in _ACTS else kind


def _told(parts: Sequence[Part], root: str, kinds: Mapping[str, str], name: str) -> Iterator[_Step]:
    """The steps of one sequence."""
    by, quiet = {part.place: part for part in parts}, False
    for place, kind in kinds.items():
        if place in by:
            if quiet and by[place].dense:
                yield "linear", None, place
            quiet = by[place].dense or quiet
            yield ("dense" if by[place].dense else "norm"), by[place], place
        elif place.rpartition(".")[0] == root and kind in _ACTS:
            quiet = False
            yield _ACTS[kind], None, place
        elif place.startswith(f"{root}.") and not kind.startswith(_NOTHING) and not _holds(place, kinds):
            refuse_stranger(name, place, kind)


def _holds(place: str, kinds: Mapping[str, str]) -> bool:
    """Whether a module holds others."""
    return any(other.startswith(f"{place}.") for other in kinds)


def _next_to(one: str, other: str, steps: int = 1) -> bool:
    """Whether a layer of a sequence is so many steps behind another, as their numbers say."""
    first, last = one.rpartition("."), other.rpartition(".")
    return first[0] == last[0] and first[2].isdigit() and last[2].isdigit() and int(last[2]) == int(first[2]) + steps


def _layer(part: Part) -> Layer:
    weight = part.tensors["weight"].float()
    bias = part.tensors.get("bias")
    return Layer(weight, torch.zeros(len(weight)) if bias is None else bias.float())


def _affine(part: Part, modules: Sequence[Module], habit: float) -> tuple[Tensor, Tensor]:
    facts = next((module.facts for module in modules if module.place == part.place), {})
    eps = facts.get("eps", habit)
    count = len(part.tensors["running_mean"])
    spread = torch.sqrt(part.tensors["running_var"].double() + (eps if isinstance(eps, float) else habit))
    factor = part.tensors.get("weight", torch.ones(count)).double() / spread
    shift = part.tensors.get("bias", torch.zeros(count)).double() - part.tensors["running_mean"].double() * factor
    return factor.float(), shift.float()


def difference(last: Layer) -> Layer:
    """Second minus first: its sigmoid is the probability of the second class."""
    return Layer(last.weight[1:] - last.weight[:1], last.bias[1:] - last.bias[:1], last.act)


def two_logits(layers: list[Layer], binary: Sequence[bool]) -> tuple[list[Layer], tuple[str, ...], str]:
    """The layers with two logits of one yes/no target made one, what the file puts last by output, and a note."""
    last, note = layers[-1], ""
    if len(binary) == 1 and binary[0] and len(last.bias) == 2 and last.act in ("", "linear", "softmax"):
        layers = [*layers[:-1], replace(difference(last), act="sigmoid" if last.act == "softmax" else last.act)]
        note = "The file gives two logits; their second class is taken as the target's (for sex: female), unverified."
    count = len(layers[-1].bias)
    end = layers[-1].act if layers[-1].act == "sigmoid" else "linear"
    if layers[-1].act not in ("", "linear", "sigmoid"):
        raise CardError("The network ends in {act}, which no card can say; export it as ONNX.", act=layers[-1].act)
    return layers, (end,) * count, note


def joined(chains: Sequence[list[Layer]], name: str) -> list[Layer]:
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


def acted(layers: Sequence[Layer], hidden: Sequence[str], name: str) -> list[Layer]:
    """The layers with the activations that the card gives, where the file gives none."""
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
