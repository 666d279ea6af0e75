"""Networks of other sizes than any that timm has a name for, told from the shapes of their tensors.

A Swin, a ConvNeXt and a vision transformer by timm's names say by their shapes how deep and wide they are, and a Swin
how many heads of attention it has; of a vision transformer that is nowhere among its tensors.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fundus_core.errors import CardError
from fundus_core.models.checkpoints import Module

_USUAL = {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16}
"""Heads of attention of the published vision transformers, by their width (arXiv 2010.11929, 2106.10270)."""
_HEADS = ("num_heads", "num_attention_heads")
"""What modules of a network that was saved whole call their number of heads."""


def told(
    given: Mapping[str, Any], modules: Sequence[Module], options: Mapping[str, object], name: str
) -> tuple[str, dict[str, object]]:
    """Return a network of timm's and the options under which it has tensors of these names and shapes; empty if none.

    Raises:
        CardError: It is a vision transformer, and neither modules nor ``options`` say its number of heads.
    """
    before = next((key.removesuffix(end) for end in _FIRST for key in given if key.endswith(end)), None)
    if before is None:
        return "", {}
    shapes = {key.removeprefix(before): tuple(one.shape) for key, one in given.items() if key.startswith(before)}
    return _swin(shapes) or _convnext(shapes) or _vision(shapes, modules, options, name) or ("", {})


_FIRST = ("patch_embed.proj.weight", "stem.0.weight")
_BLOCK = {
    f"{layer}.{kind}"
    for layer in ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2") for kind in ("weight", "bias")
}  # fmt: skip
"""What a block of a plain vision transformer holds."""
_Told = tuple[str, dict[str, object]]
_Shapes = Mapping[str, tuple[int, ...]]


def _stages(shapes: _Shapes, place: str) -> list[int]:
    """Number of blocks in each stage, by names such as ``stages.0.blocks.2.``."""
    found: dict[int, int] = {}
    for key in shapes:
        if match := re.match(rf"{place}\.(\d+)\.blocks\.(\d+)\.", key):
            found[int(match[1])] = max(found.get(int(match[1]), 0), int(match[2]) + 1)
    return [found[k] for k in sorted(found)]


def _swin(shapes: _Shapes) -> _Told | None:
    depths = _stages(shapes, "layers")
    tables = [shapes.get(f"layers.{k}.blocks.0.attn.relative_position_bias_table", ()) for k in range(len(depths))]
    first, dense = shapes.get("patch_embed.proj.weight", ()), shapes.get("layers.0.blocks.0.mlp.fc1.weight", ())
    if not depths or len(first) != 4 or len(dense) != 2 or any(len(one) != 2 for one in tables):
        return None
    return "swin_tiny_patch4_window7_224", {
        "patch_size": first[2], "embed_dim": first[0], "depths": depths, "num_heads": [one[1] for one in tables],
        "window_size": (math.isqrt(tables[0][0]) + 1) // 2, "mlp_ratio": dense[0] / dense[1],
    }  # fmt: skip


def _convnext(shapes: _Shapes) -> _Told | None:
    depths, stem = _stages(shapes, "stages"), shapes.get("stem.0.weight", ())
    widths = [shapes.get(f"stages.{k}.blocks.0.conv_dw.weight", ())[:1] for k in range(len(depths))]
    if not depths or len(stem) != 4 or not all(widths):
        return None
    second = "stages.0.blocks.0.mlp.grn.weight" in shapes
    return "convnextv2_tiny" if second else "convnext_tiny", {
        "patch_size": stem[2], "depths": depths, "dims": [one[0] for one in widths],
    }  # fmt: skip


def _vision(shapes: _Shapes, modules: Sequence[Module], options: Mapping[str, object], name: str) -> _Told | None:
    first, dense = shapes.get("patch_embed.proj.weight", ()), shapes.get("blocks.0.mlp.fc1.weight", ())
    depth = 1 + max((int(key.split(".")[1]) for key in shapes if re.match(r"blocks\.\d+\.attn\.qkv", key)), default=-1)
    plain = {key.removeprefix("blocks.0.") for key in shapes if key.startswith("blocks.0.")} <= _BLOCK
    if not (plain and depth and len(first) == 4 and len(dense) == 2 and "cls_token" in shapes):
        return None
    found: dict[str, object] = {"patch_size": first[2], "embed_dim": first[0], "depth": depth}
    found |= {"mlp_ratio": dense[0] / dense[1]} if dense[0] != 4 * dense[1] else {}
    found |= {} if "blocks.0.attn.qkv.bias" in shapes else {"qkv_bias": False}
    usual = _USUAL.get(first[0])
    said = {facts for one in modules for key in _HEADS if isinstance(facts := one.facts.get(key), int)}
    said = said if len(said) == 1 or usual is None else {usual}
    if "num_heads" not in options and len(said) != 1:
        lines = ", ".join(f"{key} = {str(value).lower()}" for key, value in found.items())
        raise CardError(
            "'{name}' holds a vision transformer of a size that has no name in timm, and its number of heads of "
            'attention is not in the file; add it to the card: backbone = "vit_base_patch16_224" and '
            "backbone_options = {{ {lines}, num_heads = ... }}.",
            name=name,
            lines=lines,
        )
    return "vit_base_patch16_224", found | ({} if "num_heads" in options else {"num_heads": said.pop()})
