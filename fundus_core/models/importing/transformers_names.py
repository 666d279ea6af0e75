"""Networks of transformers and torchvision: their names put into timm's, so that tensors make the same network.

Source: ``modeling_vit``, ``modeling_swin``, ``modeling_convnext``, ``modeling_resnet`` and ``modeling_efficientnet``
of transformers 4 and 5, and ``torchvision.models``. Query, key and value, which are apart in the former, become the one
layer that timm has.
"""

import math
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fundus_core.errors import CardError
from fundus_core.models.importing.efficientnet import DEEPER, NATIVE_PX, number_from, stages

_Rules = Sequence[tuple[str, str]]
_ATTENTION: _Rules = (
    (r"attention\.attention\.(query|key|value)\.", r"attn.\1."),
    (r"attention\.self\.(query|key|value)\.", r"attn.\1."),
    (r"attention\.([qkv])_proj\.", r"attn.\1."),
    (r"attention\.(output\.dense|o_proj)\.", "attn.proj."),
    (
        r"attention\.(self\.)?(relative_position_bias\.)?relative_position_bias_table",
        "attn.relative_position_bias_table",
    ),
    (r"layernorm_before\.", "norm1."),
    (r"layernorm_after\.", "norm2."),
    (r"intermediate\.dense\.", "mlp.fc1."),
    (r"(?<!attn\.)output\.dense\.", "mlp.fc2."),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
)
_CONVNEXT: _Rules = (
    (r"^embeddings\.patch_embeddings\.", "stem.0."),
    (r"^embeddings\.layernorm\.", "stem.1."),
    (r"^encoder\.stages\.(\d+)\.downsampling_layer\.", r"stages.\1.downsample."),
    (r"^encoder\.stages\.(\d+)\.layers\.(\d+)\.", r"stages.\1.blocks.\2."),
    (r"layer_scale_parameter$", "gamma"),
    (r"\.dwconv\.", ".conv_dw."),
    (r"(stages.*)\.layernorm\.", r"\1.norm."),
    (r"\.pwconv([12])\.", r".mlp.fc\1."),
    (r"\.grn\.", ".mlp.grn."),
    (r"^layernorm\.", "head.norm."),
    (r"^classifier\.", "head.fc."),
)
_RULES: Mapping[str, _Rules] = {
    "vit": (
        *_ATTENTION,
        (r"^embeddings\.cls_token", "cls_token"),
        (r"^embeddings\.position_embeddings", "pos_embed"),
        (r"^(encoder\.)?layers?\.(\d+)\.", r"blocks.\2."),
        (r"^layernorm\.", "norm."),
        (r"^classifier\.", "head."),
    ),
    "swin": (
        *_ATTENTION,
        (r"^embeddings\.norm\.", "patch_embed.norm."),
        (r"^encoder\.layers\.(\d+)\.blocks\.", r"layers.\1.blocks."),
        (r"^layernorm\.", "norm."),
        (r"^classifier\.", "head.fc."),
    ),
    "convnext": _CONVNEXT,
    "convnextv2": _CONVNEXT,
    "resnet": (
        (r"^embedder\.embedder\.convolution\.", "conv1."),
        (r"^embedder\.embedder\.normalization\.", "bn1."),
        (r"shortcut\.convolution\.", "downsample.0."),
        (r"shortcut\.normalization\.", "downsample.1."),
        *((rf"\.layer\.{k}\.convolution\.", f".conv{k + 1}.") for k in range(3)),
        *((rf"\.layer\.{k}\.normalization\.", f".bn{k + 1}.") for k in range(3)),
        *((rf"^encoder\.stages\.{k}\.layers\.", f"layer{k + 1}.") for k in range(4)),
        (r"^classifier\.1\.", "fc."),
    ),
    "efficientnet": (
        (r"^embeddings\.convolution\.", "conv_stem."),
        (r"^embeddings\.batchnorm\.", "bn1."),
        (r"^encoder\.top_conv\.", "conv_head."),
        (r"^encoder\.top_bn\.", "bn2."),
        (r"squeeze_excite\.(reduce|expand)\.", r"se.conv_\1."),
    ),
}
"""By the first part of a name in a file of transformers: what becomes of the rest."""
_TORCHVISION: Mapping[str, _Rules] = {
    "encoder.layers.encoder_layer_0.ln_1.weight": (
        (r"^class_token", "cls_token"),
        (r"^conv_proj\.", "patch_embed.proj."),
        (r"^encoder\.pos_embedding", "pos_embed"),
        (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
        (r"\.ln_([12])\.", r".norm\1."),
        (r"self_attention\.in_proj_", "attn.qkv."),
        (r"self_attention\.out_proj\.", "attn.proj."),
        (r"mlp\.(0|linear_1)\.", "mlp.fc1."),
        (r"mlp\.(3|linear_2)\.", "mlp.fc2."),
        (r"^encoder\.ln\.", "norm."),
        (r"^heads\.head\.", "head."),
    ),
    "features.1.0.attn.qkv.weight": (
        (r"^features\.0\.0\.", "patch_embed.proj."),
        (r"^features\.0\.2\.", "patch_embed.norm."),
        *((rf"^features\.{2 * k + 1}\.(\d+)\.", rf"layers.{k}.blocks.\1.") for k in range(4)),
        *((rf"^features\.{2 * k}\.", f"layers.{k}.downsample.") for k in (1, 2, 3)),
        (r"mlp\.0\.", "mlp.fc1."),
        (r"mlp\.3\.", "mlp.fc2."),
        (r"^head\.(?=weight|bias)", "head.fc."),
    ),
    "features.1.0.layer_scale": (
        (r"^features\.0\.", "stem."),
        *((rf"^features\.{2 * k + 1}\.(\d+)\.", rf"stages.{k}.blocks.\1.") for k in range(4)),
        *((rf"^features\.{2 * k}\.", f"stages.{k}.downsample.") for k in (1, 2, 3)),
        (r"layer_scale$", "gamma"),
        (r"block\.0\.", "conv_dw."),
        (r"block\.2\.", "norm."),
        (r"block\.3\.", "mlp.fc1."),
        (r"block\.5\.", "mlp.fc2."),
        (r"^classifier\.0\.", "head.norm."),
        (r"^classifier\.2\.", "head.fc."),
    ),
}
"""By a name that such a network of torchvision alone has: what becomes of its names."""
_PARTS = {"query": 0, "key": 1, "value": 2, "q": 0, "k": 1, "v": 2}
_EPSILON = {"vit": 1e-12}
"""What these networks add to a variance unless told, where it is not timm's."""


def _torchvisions(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors by timm's names where they carry torchvision's; else empty."""
    for mark, rules in _TORCHVISION.items():
        before = next((name.removesuffix(mark) for name in given if name.endswith(mark)), None)
        if before is None:
            continue
        found = {}
        for name, tensor in given.items():
            rest = name.removeprefix(before)
            for pattern, other in rules:
                rest = re.sub(pattern, other, rest)
            if not rest.endswith("relative_position_index"):
                found[rest] = tensor.flatten() if rest.endswith(".gamma") else tensor
        return found
    return {}


def family(given: Mapping[str, Tensor]) -> tuple[str, str]:
    """Return which of the families a file's tensors are named after, and what stands before its name; else empty."""
    for name in given:
        match = re.match(r"(.*?\.)?(vit|swin|convnext(?:v2)?|resnet|efficientnet)\.(embeddings|embedder)\.", name)
        if match:
            return match[2], match[1] or ""
    return "", ""


def renamed(given: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Return tensors by timm's names, and the options that make timm's network compute alike; others as they are."""
    kind, before = family(given)
    if not kind:
        return _torchvisions(given) or dict(given), {}
    found: dict[str, Tensor] = {}
    for name, tensor in given.items():
        rest = name.removeprefix(before).removeprefix(f"{kind}.")
        for pattern, other in _RULES[kind]:
            rest = re.sub(pattern, other, rest)
        if not rest.endswith("relative_position_index"):
            found[rest] = tensor.flatten() if ".grn." in rest else tensor
    if kind == "efficientnet":
        number = _number(found)
        return _blocks(found, number), {} if number is None else {"padded_at": NATIVE_PX[number]}
    if kind == "swin":  # timm counts what makes a stage smaller to the next one
        found = {re.sub(r"^encoder\.layers\.(\d+)\.downsample\.", _next, name): value for name, value in found.items()}
    return _joined(found), {"eps": _EPSILON[kind]} if kind in _EPSILON else {}


def _next(match: re.Match[str]) -> str:
    return f"layers.{int(match[1]) + 1}.downsample."


def _joined(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put query, key and value, wherever they lie, into one layer."""
    parts: dict[str, dict[int, Tensor]] = {}
    kept: dict[str, Tensor] = {}
    for name, tensor in found.items():
        match = re.fullmatch(r"(.*\.attn\.)(query|key|value|q|k|v)\.(weight|bias)", name)
        if match:
            whole = f"{match[1]}qkv.{match[3]}"
            parts.setdefault(whole, {})[_PARTS[match[2]]] = tensor
            kept[whole] = tensor
        else:
            kept[name] = tensor
    for name, three in parts.items():
        kept[name] = torch.cat([three[k] for k in sorted(three)])
    return kept


def check_windows(given: Mapping[str, Tensor], found: Mapping[str, Tensor], size: int | None, name: str) -> None:
    """Refuse a Swin of transformers or torchvision whose windows do not fill a photograph of a side in pixels.

    Those pad before they shift the windows, timm afterwards. ``given`` are the file's tensors, ``found`` the renamed.

    Raises:
        CardError: Says at which sizes both agree.
    """
    table = "layers.0.blocks.0.attn.relative_position_bias_table"
    first = found.get("patch_embed.proj.weight")
    if size is None or first is None or table not in found or set(given) == set(found):
        return
    stages = len({key.split(".")[1] for key in found if key.startswith("layers.")})
    step = first.shape[2] * 2 ** (stages - 1) * ((math.isqrt(len(found[table])) + 1) // 2)
    if size % step:
        raise CardError(
            "'{name}' holds a Swin of transformers or torchvision, which at {size} px pads otherwise than the one that "
            "is known here; at multiples of {step} px both agree. Write the size of its training under 'input.size', "
            "or load the file where it was written, and export it as ONNX (torch.onnx.export).",
            name=name,
            size=size,
            step=step,
        )


def padded_at(depth: float, listed: Sequence[int]) -> int | None:
    """Return for which side TensorFlow would pad as an EfficientNet of transformers, which pads by a list, always does.

    ``depth`` is its ``depth_coefficient``, and ``listed`` are its ``depthwise_padding``: blocks that halve an odd side.
    """
    number = next((k for k, deeper in enumerate(DEEPER) if math.isclose(depth, deeper)), None)
    if number is None:
        return None
    halving = {sum(stages(number)[:stage]) for stage in (1, 2, 3, 5)}

    def odd(side: int) -> set[int]:
        found = set()
        for block in sorted(halving):
            side = -(-side // 2)
            found |= {block} if side % 2 else set()
        return found

    sides = (NATIVE_PX[number], *range(64, 1025, 2))
    return next((side for side in sides if odd(side) == halving & set(listed)), None)


def _number(found: Mapping[str, Tensor]) -> int | None:
    """Which EfficientNet it is."""
    count = 1 + max((int(name.split(".")[2]) for name in found if name.startswith("encoder.blocks.")), default=-1)
    stem, end = (found.get(f"{name}.weight", torch.empty(0)).shape for name in ("conv_stem", "conv_head"))
    return number_from(stem[0], count, end[0])


def _blocks(found: Mapping[str, Tensor], number: int | None) -> dict[str, Tensor]:
    """Number an EfficientNet's blocks by stage, as timm does, and their layers by what lies before them."""
    places = [(s, k) for s, n in enumerate(stages(number or 0)) for k in range(n)]
    made: dict[str, Tensor] = {}
    for name, tensor in found.items():
        match = re.match(r"encoder\.blocks\.(\d+)\.(.*)\.(\w+)$", name)
        if match is None or int(match[1]) >= len(places):
            made[name] = tensor
            continue
        expands = f"encoder.blocks.{match[1]}.expansion.expand_conv.weight" in found
        stage, place = places[int(match[1])]
        made[f"blocks.{stage}.{place}.{_LAYERS[expands].get(match[2], match[2])}.{match[3]}"] = tensor
    return made


_LAYERS: Mapping[bool, Mapping[str, str]] = {
    True: {
        "expansion.expand_conv": "conv_pw", "expansion.expand_bn": "bn1", "depthwise_conv.depthwise_conv": "conv_dw",
        "depthwise_conv.depthwise_norm": "bn2", "projection.project_conv": "conv_pwl", "projection.project_bn": "bn3",
    },
    False: {
        "depthwise_conv.depthwise_conv": "conv_dw", "depthwise_conv.depthwise_norm": "bn1",
        "projection.project_conv": "conv_pw", "projection.project_bn": "bn2",
    },
}  # fmt: skip
