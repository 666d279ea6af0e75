"""Attribution by gradients, through captum; the only module of this room that imports torch."""

from typing import Any

import cv2
import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam
from torch import Tensor, nn

from fundus_core.errors import UsageError
from fundus_core.models.card import Card
from fundus_core.models.networks import Network, build
from fundus_core.records import Floats, Pixels

STEPS = 32
"""Points on the way from the blurred crop to the crop."""
_AT_ONCE = 8


class Gradients:
    """A card's network, ready to be differentiated; it keeps nothing of what it is asked."""

    def __init__(self, card: Card) -> None:
        """Load the network; CardError where its weights are missing or do not fit."""
        self.card = card
        self.split = _Split(build(card).network).eval()
        self.split.requires_grad_(requires_grad=False)

    def integrated(self, pixels: Pixels, baseline: Pixels, output: int) -> Floats:
        """Return the gradient of one raw output per grey level (S x S x 3), averaged on the way from a baseline.

        The way is straight. Sundararajan et al. 2017, arXiv:1703.01365: times (crop - baseline) and summed, this is the
        difference of the two outputs. The baseline is here the crop (S x S x 3, RGB, 0..255) without its detail.
        """
        method = IntegratedGradients(self.split, multiply_by_inputs=False)
        found = method.attribute(
            _tensor(pixels), baselines=_tensor(baseline), target=output, n_steps=STEPS, internal_batch_size=_AT_ONCE
        )
        return np.asarray(found[0].detach().numpy(), np.float64)

    def cam(self, pixels: Pixels, output: int) -> Floats:
        """Return the class activation map of one raw output, by its sign (Selvaraju et al. 2017, arXiv:1610.02391).

        Not clipped at zero as for a class: what lowers a measure explains it as well as what raises it. S x S, brought
        up from the network's last map of features.

        Raises:
            UsageError: The network has no map of features.
        """
        side = len(pixels)
        inputs = _tensor(pixels).requires_grad_()
        with torch.no_grad():
            shape = self.split.features(inputs).shape
        if len(shape) != 4 or shape[1] != self.split.network.body.num_features:
            raise UsageError(
                "'{backbone}' has no map of features for Grad-CAM; use the method 'integrated_gradients'.",
                backbone=self.card.backbone,
            )
        found = LayerGradCam(self.split, self.split.tap).attribute(inputs, target=output)
        plane = found[0, 0].detach().numpy()
        return np.asarray(cv2.resize(plane, (side, side), interpolation=cv2.INTER_LINEAR), np.float64)


def _tensor(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32))[None]


class _Split(nn.Module):
    """A network that shows its last features on the way to its raw outputs."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.tap = nn.Identity()

    def features(self, crops: Tensor) -> Tensor:
        net: Any = self.network
        values = crops.flip(-1) if net.bgr else crops
        values = values * net.value_scale + net.value_shift
        found: Tensor = net.body.forward_features(values.permute(0, 3, 1, 2))
        return found

    def forward(self, crops: Tensor) -> Tensor:
        """Return raw outputs (n x outputs) of crops (n x S x S x 3, RGB, 0..255, float32)."""
        body = self.network.body
        pooled = body.forward_head(self.tap(self.features(crops)), pre_logits=True)
        raw: Tensor = body.get_classifier()(pooled)
        return raw
