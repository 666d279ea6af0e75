"""Networks: from a timm name to a module that takes crops as they are and answers in the targets' units.

Everything that belongs to a model (value range, mean, spread, colour order, unit of each output) lies inside the
module, so that no caller can forget it and an exported graph carries it along.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn

from fundus_core.errors import CardError
from fundus_core.models import altered, registry
from fundus_core.models import weights as files
from fundus_core.models.card import Card

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of RGB in 0..1 over ImageNet, the habit of most published weights."""
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Spread of RGB in 0..1 over ImageNet."""


class Network(nn.Module):
    """A timm network that takes uint8 crops and gives raw outputs and pooled features."""

    value_scale: Tensor
    value_shift: Tensor
    body: Any  # timm's networks share methods, not a base class that states them.

    def __init__(
        self,
        body: nn.Module,
        *,
        value_range: tuple[float, float] = (0.0, 1.0),
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        bgr: bool = False,
    ) -> None:
        """Keep the network and fold range, mean and spread into one multiplication and one addition.

        The network has ``forward_features``, ``forward_head`` and ``get_classifier``. 0 and 255 become ``value_range``
        before ``mean`` and ``std``, which are in that range, per channel in the network's order (``bgr``: blue, green,
        red).
        """
        super().__init__()
        self.body = body
        self.bgr = bgr
        low, high = value_range
        spread = torch.tensor(list(std), dtype=torch.float32)
        self.register_buffer("value_scale", (high - low) / 255 / spread, persistent=False)
        shift = (low - torch.tensor(list(mean), dtype=torch.float32)) / spread
        self.register_buffer("value_shift", shift, persistent=False)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return raw outputs (n x outputs) and pooled features (n x F) of crops (n x S x S x 3, RGB, 0..255)."""
        values = crops.to(torch.float32)
        if self.bgr:
            values = values.flip(-1)
        values = values * self.value_scale + self.value_shift
        # The permuted view of rows of RGB is what torch calls channels-last: nothing is copied.
        features = self.body.forward_head(self.body.forward_features(values.permute(0, 3, 1, 2)), pre_logits=True)
        last = self.body.get_classifier()
        if isinstance(last, nn.Conv2d):  # a dense layer written as a convolution
            features = features.flatten(1)
            return last(features[..., None, None]).flatten(1).to(torch.float32), features.to(torch.float32)
        return last(features).to(torch.float32), features.to(torch.float32)


class Links(nn.Module):
    """Raw outputs into the targets' units."""

    scale: Tensor
    offset: Tensor

    def __init__(self, links: Sequence[str], scale: Sequence[float], offset: Sequence[float]) -> None:
        """Keep one link, scale and offset per output; scale is multiplied first, offset added, the link comes last."""
        super().__init__()
        self.links = tuple(links)
        self.register_buffer("scale", torch.tensor(list(scale), dtype=torch.float32), persistent=False)
        self.register_buffer("offset", torch.tensor(list(offset), dtype=torch.float32), persistent=False)

    def forward(self, raw: Tensor) -> Tensor:
        """Return values (n x outputs) in the targets' units."""
        linear = raw * self.scale + self.offset
        return torch.stack([LINKS[name](linear[:, k]) for k, name in enumerate(self.links)], dim=1)


def _identity(values: Tensor) -> Tensor:
    return values


LINKS: Mapping[str, Callable[[Tensor], Tensor]] = {"identity": _identity, "exp": torch.exp, "sigmoid": torch.sigmoid}
"""What may follow scale and offset."""


class Reader(nn.Module):
    """Crops in, values in the targets' units and pooled features out: what inference runs."""

    def __init__(self, network: Network, links: Links) -> None:
        """Join a network and its links."""
        super().__init__()
        self.network = network
        self.links = links

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return values (n x outputs) and features (n x F) of crops (n x S x S x 3, RGB, 0..255)."""
        raw, features = self.network(crops)
        return self.links(raw), features


def body(
    backbone: str, outputs: int, options: Mapping[str, object] | None = None, *, drop_rate: float = 0.0
) -> nn.Module:
    """Create a timm network with random weights and that many outputs.

    Raises:
        CardError: timm knows no such network, or not with these options.
    """
    if not timm.is_model(backbone):
        close = ", ".join(timm.list_models(f"*{backbone[:8]}*")[:5]) or "see timm.list_models()"
        raise CardError(
            "timm knows no network '{backbone}'; names like it: {close}. Correct 'backbone'.",
            backbone=backbone,
            close=close,
        )
    keywords: dict[str, Any] = {key: _plain(value) for key, value in (options or {}).items()}
    hidden, padded_at = keywords.pop("hidden", ()), keywords.pop("padded_at", 0)
    activation, eps = keywords.pop("activation", ""), keywords.pop("eps", 0)
    mirrored = keywords.pop("mirrored", False)
    try:
        network: nn.Module = timm.create_model(
            backbone, pretrained=False, num_classes=outputs, drop_rate=drop_rate, **keywords
        )
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise CardError(
            "'{backbone}' cannot be built with the options {keywords}: {error}",
            backbone=backbone,
            keywords=keywords,
            error=error,
        ) from error
    altered.alter(network, activation, float(eps))
    if mirrored:
        altered.mirror(network)
    if padded_at:
        pad_as_at(network, int(padded_at))
    return with_hidden(network, hidden) if hidden else network


def pad_as_at(network: nn.Module, side: int) -> None:
    """Pad everywhere by as much as TensorFlow does for photographs of one side in pixels, whatever comes.

    ``EfficientNet-PyTorch`` does so: it works out its padding once, for the size that it was made for.
    """
    from timm.layers.conv2d_same import Conv2dSame

    convolutions = [module for module in network.modules() if isinstance(module, Conv2dSame)]
    hooks = [one.register_forward_pre_hook(_pad_before) for one in convolutions]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    for one in convolutions:
        one.register_forward_pre_hook(_padded)
        one.forward = types.MethodType(nn.Conv2d.forward, one)


def _pad_before(module: Any, given: tuple[Tensor, ...]) -> None:
    """Remember what TensorFlow would add on each side here."""
    sides, steps = given[0].shape[-2:], zip(module.kernel_size, module.stride, module.dilation, strict=True)
    whole = [
        max((-(-side // stride) - 1) * stride + (kernel - 1) * dilation + 1 - side, 0)
        for side, (kernel, stride, dilation) in zip(sides, steps, strict=True)
    ]
    module.pads = (whole[1] // 2, whole[1] - whole[1] // 2, whole[0] // 2, whole[0] - whole[0] // 2)


def _padded(module: Any, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (nn.functional.pad(given[0], module.pads),)


ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
"""What may follow a hidden layer; as torch and Keras agree on them."""


def with_hidden(network: nn.Module, hidden: object) -> nn.Module:
    """Put dense layers between a timm network's features and its outputs: units and activation of each.

    Raises:
        CardError: They are given in another way, or the network's classifier is no linear layer.
    """
    last = network.get_classifier()  # type: ignore[operator]
    pairs = hidden if isinstance(hidden, tuple) else ()
    right = all(isinstance(one, tuple) and len(one) == 2 and one[1] in ACTIVATIONS for one in pairs)
    if not pairs or not right or not isinstance(last, nn.Linear):
        raise CardError(
            "'backbone_options.hidden' is {hidden}; it must be a list of units and activation, as in "
            '[[256, "relu"]], with one of {activations}, for a network whose classifier is linear.',
            hidden=repr(hidden),
            activations=ACTIVATIONS,
        )
    width, layers = last.in_features, []
    for units, activation in pairs:
        layers += [nn.Linear(width, int(units)), ACTIVATIONS[activation]()]
        width = int(units)
    place = str(network.default_cfg["classifier"])  # type: ignore[index]
    network.set_submodule(place, nn.Sequential(*layers, nn.Linear(width, last.out_features)))
    return network


def _plain(value: object) -> object:
    """Lists of a TOML file as tuples, which is what timm's constructors expect."""
    return tuple(_plain(item) for item in value) if isinstance(value, list | tuple) else value


def build(card: Card) -> Reader:
    """Build the reader that a card describes, its weights loaded and checked against the card's hash.

    Raises:
        CardError: The weights are missing, are others than the card names, or do not fit.
    """
    registry.check(card)
    return assembled(card, files.read(card.weights_path))


def assembled(card: Card, weights: Mapping[str, Tensor]) -> Reader:
    """Build the reader that a card describes around weights by timm's names; a ``CardError`` where they do not fit."""
    network = Network(
        body(card.backbone, len(card.outputs), card.backbone_options),
        value_range=card.input.value_range,
        mean=card.input.mean,
        std=card.input.std,
        bgr=card.input.channels == "bgr",
    )
    files.load(network.body, weights, card.weights.file)
    outputs = card.outputs
    links = Links([o.link for o in outputs], [o.scale for o in outputs], [o.offset for o in outputs])
    return Reader(network, links).eval()
