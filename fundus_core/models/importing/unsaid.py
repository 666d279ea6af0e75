"""What no file of tensors says of a network: its parts without numbers, each as another reading of the file.

Activation, epsilon, pooling, heads of attention and strides have no tensors of their own, so that names and shapes
are the same whatever they are. What can be computed is; the rest is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from fundus_core.errors import say
from fundus_core.models import altered
from fundus_core.models.checkpoints import Module
from fundus_core.models.importing.imported import Found, Twin

_OTHERS: Mapping[str, tuple[str, ...]] = {
    "silu": ("relu", "gelu"),
    "relu": ("silu", "gelu", "leaky_relu"),
    "gelu": ("gelu_tanh", "quick_gelu", "relu", "silu"),
    "relu6": ("relu", "silu"),
    "hard_swish": ("relu", "silu"),
}
"""Activations that networks of one name are built with instead."""
_EPSILONS = (1e-3, 1e-5, 1e-6, 1e-12)
"""TensorFlow's of normalisation over a batch, torch's, that of ConvNeXt and ViT, and that of transformers."""
_OWN = ("torch", "timm", "torchvision", "efficientnet_pytorch", "collections")
"""Libraries whose classes are known here; the forward of any other is code that no file holds."""
_REST = (
    "otherwise in what leaves no numbers in a file (activation, strides, padding, blur, gates, heads of attention, "
    "normalised weights, a step between the features and the outputs)"
)


def rest() -> Twin:
    """Return the reading that names what cannot be computed."""
    return Twin("backbone_options", _REST)


def readings(found: Found, body: nn.Module, told: Mapping[str, object]) -> Iterator[Twin]:
    """Give every other reading of tensors that were fitted into ``body`` by names and shapes; ``told`` options stay."""
    for words, options in options_of(told, body):
        yield Twin("backbone_options", words, replace(found, options={**found.options, **options}))
    yield rest()


def options_of(given: Mapping[str, object], body: nn.Module) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Give words and options of each network that has the same tensors; what ``given`` options say stays.

    Some cannot be built; whoever builds them leaves those out.
    """
    if not {"act_layer", "activation"} & set(given):
        now = altered.activation_of(altered.kinds(body))
        for name in _OTHERS.get(now, ("relu", "silu", "gelu")):
            yield (
                say("one with the activation {name} instead of {now}", name=name, now=now or "-"),
                {"activation": name},
            )
    if not {"eps", "bn_eps", "norm_eps", "norm_layer"} & set(given):
        for eps in _near(altered.epsilons(body), any(isinstance(one, nn.BatchNorm2d) for one in body.modules())):
            yield say("normalised with an epsilon of {eps:g}", eps=eps), {"eps": eps}
    if "global_pool" not in given:
        yield from _poolings(body)
    if "num_heads" not in given:
        yield from _heads(body)
    if "output_stride" not in given and any(isinstance(one, nn.Conv2d) and one.stride[0] > 1 for one in body.modules()):
        yield "one that keeps twice the resolution (a last stride dilated away)", {"output_stride": 16}


def _near(now: set[float], batch: bool) -> list[float]:  # noqa: FBT001
    return [eps for eps in (_EPSILONS[:2] if batch else _EPSILONS[1:]) if eps not in now]


def _poolings(body: Any) -> Iterator[tuple[str, Mapping[str, object]]]:
    pool = getattr(body, "global_pool", None)
    if pool == "token":
        yield "pooled by the mean of the patches instead of the class token", {"global_pool": "avg", "fc_norm": False}
    elif isinstance(pool, str) and hasattr(body, "cls_token"):
        known = isinstance(getattr(body, "fc_norm", None), nn.Identity)
        yield "pooled by the class token instead of the mean of the patches", {
            "global_pool": "token", "fc_norm": not known,
        }  # fmt: skip
    elif pool is not None:
        yield "pooled by the maximum instead of the average", {"global_pool": "max"}
        yield "pooled by maximum and average together", {"global_pool": "avgmax"}


def _heads(body: Any) -> Iterator[tuple[str, Mapping[str, object]]]:
    counts = {getattr(getattr(one, "attn", None), "num_heads", 0) for one in getattr(body, "blocks", ())}
    if len(counts) == 1 and isinstance(count := counts.pop(), int) and count and hasattr(body, "embed_dim"):
        for other in (2 * count, count // 2):
            if other and body.embed_dim % other == 0:
                yield (
                    say("one with {other} heads of attention instead of {count}", other=other, count=count),
                    {"num_heads": other},
                )


def own_forward(modules: Sequence[Module]) -> list[Twin]:
    """Return that a class of a network that was saved whole may compute more than its parts: its code is not there."""
    parents = {module.place.rpartition(".")[0] for module in modules if module.place}
    holders = [module.kind for module in modules if module.place in parents]
    strange = [kind for kind in holders if kind.split(".")[0] not in _OWN]
    if not strange:
        return []
    words = say(
        "computed otherwise by '{kind}', whose own code (its forward) is not in the file: a step between features and "
        "outputs, another order",
        kind=strange[0][:80],
    )
    return [Twin("backbone_options", words)]
