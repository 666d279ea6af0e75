"""Which layers of a network learn, and how fast: the early ones of pretrained weights last, least, or not at all.

Howard, Ruder (2018), doi 10.18653/v1/P18-1031: rates that fall from the outputs to the stem, and layers that thaw.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from timm.models import group_parameters
from torch import nn

from fundus_core.models.networks import IMAGENET_MEAN, IMAGENET_STD
from fundus_core.training.plan import Plan

_RGB = tuple[float, float, float]


def normalisation(body: Any, plan: Plan) -> tuple[_RGB, _RGB]:
    """Return mean and spread (RGB, 0..1) of what a network is fed: ImageNet's, or what its pretrained weights know."""
    known = body.default_cfg if plan.pretrained else {}
    return _rgb(known.get("mean") or IMAGENET_MEAN), _rgb(known.get("std") or IMAGENET_STD)


def _rgb(values: Sequence[float]) -> _RGB:
    red, green, blue = values
    return red, green, blue


def depths(body: Any) -> Mapping[str, int]:
    """Return by a parameter's name its layer, 0 for the stem, the outputs' the highest; all one where timm cannot say.

    >>> import timm
    >>> found = depths(timm.create_model("tf_efficientnet_lite0", num_classes=2))
    >>> found["conv_stem.weight"], found["blocks.0.0.conv_dw.weight"], found["classifier.bias"]
    (0, 1, 8)
    """
    names = [name for name, _ in body.named_parameters()]
    if not hasattr(body, "group_matcher"):
        return dict.fromkeys(names, 0)
    found = group_parameters(body, body.group_matcher(coarse=True), reverse=True)
    outputs = {id(parameter) for parameter in body.get_classifier().parameters()}
    inner = {name: int(found[name]) for name, one in body.named_parameters() if id(one) not in outputs}
    return {name: inner.get(name, max(inner.values(), default=0) + 1) for name in names}


def groups(body: Any, plan: Plan) -> list[dict[str, object]]:
    """Return what the optimiser changes: weight decay for matrices and kernels alone, rates by layer.

    ``scale`` is the group's share of the learning rate: 1 for the outputs, ``layer_decay`` less for each layer below.
    """
    where = depths(body) if plan.pretrained else dict.fromkeys((name for name, _ in body.named_parameters()), 0)
    top = max(where.values())
    found: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in body.named_parameters():
        scale = plan.layer_decay ** (top - where[name]) if plan.pretrained else 1.0
        found.setdefault((scale, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": plan.weight_decay if decays else 0.0, "scale": scale}
        for (scale, decays), parameters in sorted(found.items(), key=lambda item: (-item[0][0], not item[0][1]))
    ]


def thaw(body: Any, plan: Plan, epoch: int) -> None:
    """Let learn what learns in an epoch (counted from 0), in a network that is in training mode.

    Of pretrained weights the first ``frozen`` layers never do, and in the first ``thaw`` epochs the outputs alone do.
    What does not learn keeps its normalisation as well.
    """
    if not plan.pretrained:
        return
    where = depths(body)
    lowest = max(where.values()) if epoch < plan.thaw else min(plan.frozen, max(where.values()))
    for name, parameter in body.named_parameters():
        parameter.requires_grad_(where[name] >= lowest)
    for module in body.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()
