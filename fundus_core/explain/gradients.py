"""Attribution by gradients; the only module of this room that imports torch."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from fundus_core.errors import UsageError
from fundus_core.models.card import Card
from fundus_core.models.networks import Network, build
from fundus_core.records import Floats, Pixels

STEPS = 16
"""Points on the way from the blurred crop to the crop. On three photographs the smoothed maps of the sample model
correlate with those of 64 points at .999 or more, at a quarter of the time."""
_AT_ONCE = 8


class Gradients:
    """A card's network, ready to be differentiated; it keeps nothing of what it is asked."""

    def __init__(self, card: Card) -> None:
        """Load the network; CardError where its weights are missing or do not fit."""
        self.card = card
        self.split = _Split(build(card).network).eval()
        self.split.requires_grad_(requires_grad=False)

    def integrated(self, pixels: Pixels, baseline: Pixels, outputs: Sequence[int]) -> list[Floats]:
        """Return the gradient of raw outputs per grey level (S x S x 3 each), averaged on the way from a baseline.

        The way is straight. Sundararajan et al. 2017, arXiv:1703.01365: times (crop - baseline) and summed, this is the
        difference of the two outputs. The baseline is here the crop (S x S x 3, RGB, 0..255) without its detail. Points
        and weights are those of Gauss and Legendre; all outputs share the way forward.
        """
        start, way = _tensor(baseline), _tensor(pixels) - _tensor(baseline)
        places, weights = np.polynomial.legendre.leggauss(STEPS)
        found = [torch.zeros_like(way[0]) for _ in outputs]
        for at in range(0, STEPS, _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            crops = (start + _column((1 + places[part]) / 2) * way).requires_grad_()
            raw = self.split(crops)
            for sum_, output in zip(found, outputs, strict=True):
                (slope,) = torch.autograd.grad(raw[:, output].sum(), crops, retain_graph=True)
                sum_ += (_column(weights[part] / 2) * slope).sum(0)
        return [np.asarray(one.numpy(), np.float64) for one in found]

    def cams(self, pixels: Pixels, outputs: Sequence[int]) -> list[Floats]:
        """Return the class activation maps of raw outputs, by their sign (Selvaraju et al. 2017, arXiv:1610.02391).

        Not clipped at zero as for a class: what lowers a measure explains it as well as what raises it. S x S each,
        brought up from the network's last map of features. That map is made once for all outputs, and only what comes
        after it is differentiated: a fifth of the work of a gradient by pixels.

        Raises:
            UsageError: The network has no map of features.
        """
        with torch.no_grad():
            features = self.split.features(_tensor(pixels))
        if features.ndim != 4 or features.shape[1] != self.split.network.body.num_features:
            raise UsageError(
                "'{backbone}' has no map of features for Grad-CAM; use the method 'integrated_gradients'.",
                backbone=self.card.backbone,
            )
        raw = self.split.head(features.requires_grad_())[0]
        slopes = [torch.autograd.grad(raw[output], features, retain_graph=True)[0] for output in outputs]
        planes = [(slope.mean((2, 3), keepdim=True) * features).sum(1)[0].detach().numpy() for slope in slopes]
        side = (len(pixels), len(pixels))
        return [np.asarray(cv2.resize(one, side, interpolation=cv2.INTER_LINEAR), np.float64) for one in planes]


def _column(values: Floats) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, None, None, None]


def _tensor(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32))[None]


class _Split(nn.Module):
    """A network that shows its last features on the way to its raw outputs."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def features(self, crops: Tensor) -> Tensor:
        net: Any = self.network
        values = crops.flip(-1) if net.bgr else crops
        values = values * net.value_scale + net.value_shift
        found: Tensor = net.body.forward_features(values.permute(0, 3, 1, 2))
        return found

    def head(self, features: Tensor) -> Tensor:
        body = self.network.body
        raw: Tensor = body.get_classifier()(body.forward_head(features, pre_logits=True))
        return raw

    def forward(self, crops: Tensor) -> Tensor:
        """Return raw outputs (n x outputs) of crops (n x S x S x 3, RGB, 0..255, float32)."""
        return self.head(self.features(crops))
