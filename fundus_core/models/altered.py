"""Networks that differ from timm's own in what leaves no numbers in a file: activation, epsilon, a mirrored look."""

import types
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from timm.layers import QuickGELU
from torch import Tensor, nn

from fundus_core.errors import CardError

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "quick_gelu": QuickGELU,
    "hard_swish": nn.Hardswish,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
}
"""By the name that a card gives: what makes an activation, with torch's own numbers."""
_WORDS = {name.replace("_", ""): name for name in ACTIVATIONS} | {
    "swish": "silu", "swishme": "silu", "swishjit": "silu", "memoryefficientswish": "silu", "hardswishme": "hard_swish",
    "quickgeluactivation": "quick_gelu", "newgeluactivation": "gelu_tanh", "geluactivation": "gelu",
}  # fmt: skip


def activation_of(kinds: Iterable[str]) -> str:
    """Return the activation that most modules of these classes are, by a card's name; empty where none is known."""
    known = Counter(_WORDS[kind.lower()] for kind in kinds if kind.lower() in _WORDS)
    return known.most_common(1)[0][0] if known else ""


def kinds(network: nn.Module) -> list[str]:
    """Return the classes of a network's modules, those of a GELU that is approximated apart."""
    return [
        "GeluTanh" if getattr(module, "approximate", "none") == "tanh" else type(module).__name__
        for module in network.modules()
    ]


def epsilons(network: nn.Module) -> set[float]:
    """Return what the normalisations of a network add to a variance."""
    return {float(module.eps) for module in network.modules() if _normalises(module)}  # type: ignore[arg-type]


def _normalises(module: nn.Module) -> bool:
    return isinstance(getattr(module, "eps", None), float) and (
        isinstance(module, nn.modules.batchnorm._NormBase | nn.LayerNorm | nn.GroupNorm)
        or "Norm" in type(module).__name__
    )


def alter(network: nn.Module, activation: str, eps: float) -> nn.Module:
    """Give a network another activation in place of its main one, another epsilon, or both; empty and 0 change nothing.

    Raises:
        CardError: No such activation is known.
    """
    if activation and activation not in ACTIVATIONS:
        raise CardError(
            "'backbone_options.activation' is {activation}; it must be one of {activations}.",
            activation=repr(activation),
            activations=ACTIVATIONS,
        )
    now = activation_of(kinds(network))
    for name, module in list(network.named_modules()) if activation and activation != now else ():
        if name and activation_of(kinds(module)[:1]) == now and not list(module.children()):
            network.set_submodule(name, ACTIVATIONS[activation]())
    for module in network.modules() if eps else ():
        if _normalises(module):
            module.eps = eps  # type: ignore[assignment]
    return network


def mirror(network: nn.Module) -> None:
    """Let a network look at each photograph (n x 3 x S x S) and its mirror image, and mean what it sees of both.

    Half of the photographs that it learnt from were mirrored; what it says of the two differs by chance alone.
    """
    network.forward_features = types.MethodType(_both, network)  # type: ignore[assignment]


def _both(network: Any, values: Tensor) -> Tensor:
    once: Callable[[Any, Tensor], Tensor] = type(network).forward_features
    seen, mirrored = once(network, values), once(network, values.flip(-1))
    if mirrored.ndim == 4:  # a map, whose places are those of the photograph again
        mirrored = mirrored.flip(-2 if str(getattr(network, "output_fmt", "")).endswith("NHWC") else -1)
    return (seen + mirrored) / 2
