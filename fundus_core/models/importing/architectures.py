"""Which of timm's networks tensors belong to: by a hash of names and shapes before the outputs, made once.

Networks under one hash are twins: names and shapes cannot tell them apart. ``architectures.txt`` was written by
``tests/models/data/architectures.py`` with the timm of the requirements.
"""

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("architectures.txt")
_COUNTED = "num_batches_tracked"
_PREFERRED = ("tf_efficientnet", "efficientnet", "resnet", "convnext", "vit", "swin", "densenet", "mobilenet")


def digest(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> str:
    """Return the hash of names and shapes, whatever their order."""
    lines = sorted(f"{name}:{tuple(shape)}" for name, shape in shapes if not name.endswith(_COUNTED))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@functools.cache
def _groups() -> Mapping[str, tuple[str, ...]]:
    rows = (line.split() for line in TABLE.read_text(encoding="ascii").splitlines() if not line.startswith("#"))
    return {key: tuple(names) for key, *names in rows}


def alike(backbone: str) -> tuple[str, ...]:
    """Return timm's other networks of the same names and shapes."""
    for names in _groups().values():
        if backbone in names:
            return tuple(name for name in names if name != backbone)
    return ()


def name_of(given: Mapping[str, Any]) -> str:
    """Return the network of timm's to which all tensors but a head belong; empty where none, the habit where several.

    The names of the backbone's tensors share a prefix.
    """
    names = [name for name in given if not name.endswith(_COUNTED)]
    for prefix in dict.fromkeys(name[: name.find(part)] for name in names for part in _STEMS if part in name):
        inside = [(name.removeprefix(prefix), tuple(given[name].shape)) for name in names if name.startswith(prefix)]
        # a transformer that means its patches normalises the mean instead of the tokens
        inside = [(name.replace("fc_norm.", "norm."), shape) for name, shape in inside]
        parts = dict.fromkeys(name.split(".")[0] for name, _ in inside)
        for end in ("", "head.fc", "head.l", *parts):
            found = _groups().get(digest(one for one in inside if not end or not one[0].startswith(f"{end}.")))
            if found:
                return min(found, key=_habit)
    return ""


def places_by_name(needed: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """Return tensors that carry a name of the network's behind one beginning, and that name; none where they are few.

    Where most do, the file has lost or gained some, and no order may put the others elsewhere.
    """
    behind: dict[str, dict[str, str]] = {}
    for key in given:
        parts = key.split(".")
        for k in range(len(parts)):
            if (ours := ".".join(parts[k:])) in needed:
                behind.setdefault(".".join(parts[:k]), {})[key] = ours
    found = max(behind.values(), key=len, default={})
    return found if 2 * len(found) >= len(needed) else {}


_MOBILE: Mapping[tuple[int, int, int], str] = {
    (32, 320, 1280): "mobilenetv2_100", (16, 160, 960): "mobilenetv3_large_100", (16, 96, 576): "mobilenetv3_small_100",
}  # fmt: skip
"""torchvision's MobileNets by the channels of the stem, and those before and behind the last convolution."""


def mobile(given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return which MobileNet tensors are by torchvision's names, empty if none, and they as timm shapes them.

    Of the third version timm's last convolution is a dense layer there.
    """
    ends = [name for name in given if re.search(r"(^|\.)features\.\d+\.0\.weight$", name)]
    if not ends or given[ends[-1]].ndim != 4:
        return "", given
    last = given[ends[-1]].shape
    found = _MOBILE.get((given[ends[0]].shape[0], last[1], last[0]), "")
    dense = f"{ends[0].removesuffix('features.0.0.weight')}classifier.0.weight"
    if "v3" in found and dense in given and given[dense].ndim == 2:
        given = {name: one[:, :, None, None] if name == dense else one for name, one in given.items()}
    return found, given


_STEMS = (
    "conv_stem.",
    "conv1.",
    "stem.",
    "patch_embed.",
    "features.",
    "cls_token",
    "stem_",
    "pos_embed",
    "blocks.",
    "Conv2d_1a",
)


def _habit(name: str) -> tuple[int, int, str]:
    place = next((k for k, start in enumerate(_PREFERRED) if name.startswith(start)), len(_PREFERRED))
    return place, len(name), name
