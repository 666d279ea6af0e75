"""Parts of a network that was saved whole which the one that is known here does not have: named, never left out."""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from fundus_core.errors import CardError, say
from fundus_core.models import altered, networks
from fundus_core.models.checkpoints import Module
from fundus_core.models.importing.dense_chains import refuse_stranger
from fundus_core.models.importing.heads import METRIC, Head
from fundus_core.models.importing.imported import Wanted

_HARMLESS = re.compile(
    r"(?i)(.*dropout\d?d?|droppath|dropblock2d|stochasticdepth|identity|flatten|adaptiveavgpool2d|selectadaptivepool2d|"
    r"fastadaptiveavgpool(2d)?|sequential|modulelist|moduledict|.*loss)"
)
"""Classes that change nothing when a network answers, or what every network here does: the average over the field."""
_OTHER_NAMES = {
    "swish": "silu", "memoryefficientswish": "silu", "siluactivation": "silu", "geluactivation": "gelu",
}  # fmt: skip


def pooled(modules: Sequence[Module]) -> dict[str, object]:
    """Return how a network that was saved whole pools, where its own parts say so, as an option of its constructor."""
    for module in modules:
        kind = module.facts.get("pool_type") if module.kind.endswith("SelectAdaptivePool2d") else None
        kind = module.facts.get("global_pool") if kind is None and "ision" in module.kind else kind
        if isinstance(kind, str) and kind:
            return {"global_pool": kind}
    return {}


def acting(modules: Sequence[Module], backbone: str, options: Mapping[str, object]) -> Mapping[str, object]:
    """Return options with the activation that most modules of a network that was saved whole are, where it is another.

    What a card says stays.
    """
    kinds = ["GeluTanh" if one.facts.get("approximate") == "tanh" else one.kind.rsplit(".", 1)[-1] for one in modules]
    there = altered.activation_of(kinds)
    if not there or {"act_layer", "activation"} & set(options):
        return options
    plain = {key: value for key, value in options.items() if key != "hidden"}
    here = altered.activation_of(altered.kinds(networks.body(backbone, 1, plain)))
    return options if not here or there == here else {**options, "activation": there}


_ASIDE = re.compile(r"(^|\.)(AuxLogits|aux[12])\.")


def without_aside(
    given: Mapping[str, Tensor], modules: Sequence[Module], name: str
) -> tuple[Mapping[str, Tensor], tuple[str, ...]]:
    """Leave out the second outputs, of the training alone, that an Inception of torchvision has; say so.

    Raises:
        CardError: A network that was saved whole turns its input into another range, which leaves no numbers.
    """
    turns = next((module for module in modules if module.facts.get("transform_input") is True), None)
    if turns is not None:
        raise CardError(
            "'{name}' ({kind}) turns photographs that were normalised as for ImageNet into another range "
            "(transform_input), for which a card has no line. Load the file where it was written, and export it as "
            "ONNX (torch.onnx.export).",
            name=name,
            kind=turns.kind[:80],
        )
    kept = {key: value for key, value in given.items() if not _ASIDE.search(key)}
    if len(kept) == len(given) or not any("Mixed_" in key or "inception" in key for key in kept):
        return given, ()
    return kept, (say("The second outputs of an Inception, which only its training uses, were left out."),)


def check(
    modules: Sequence[Module],
    body: nn.Module,
    prefix: str | None,
    given: Mapping[str, Tensor],
    left: Mapping[str, Tensor],
    head: Head,
    wanted: Wanted,
    name: str,
) -> None:
    """Refuse a part without tensors that neither the backbone at ``prefix`` has nor the head's layers explain.

    ``given`` are all tensors, each of which has its place, and ``left`` the head's; parts within a sequence of the
    head were looked at with it. ``prefix`` is ``None`` where the backbone was told by order.

    Raises:
        CardError: Names the first one.
    """
    full = {parent for key in given for parent in _parents(key)}
    holders = {parent for module in modules for parent in _parents(module.place)} | full
    rows = {key.rpartition(".")[0].rpartition(".")[0] for key in left}
    sequences = {module.place for module in modules if module.kind.endswith("Sequential")} & rows
    own = {_plain(type(module).__name__) for module in body.modules()}
    ends = {layer.act for layer in head.layers}
    ends |= {"sigmoid", "softmax"} if all(wanted.binary[target] for target in wanted.targets) else set()
    for module in modules:
        place, kind = module.place, module.kind.rsplit(".", 1)[-1]
        inside = prefix is None or place.startswith(prefix)
        allowed = _HARMLESS.fullmatch(kind) or _plain(kind) in (own if inside else ends)
        judge = module.kind.startswith("torchmetrics") or any(METRIC.search(part) for part in place.split("."))
        pads = place.endswith(".static_padding")  # of which ``ambiguous_networks`` sees to it that it is computed
        if not (pads or place in holders or place.rpartition(".")[0] in sequences or allowed or judge):
            refuse_stranger(name, place, kind)


def _parents(place: str) -> list[str]:
    parts = place.split(".")
    return [".".join(parts[:k]) for k in range(len(parts))]


def _plain(kind: str) -> str:
    plain = re.sub(r"(?<=swish)(me|jit|jitme|auto)+$", "", kind.lower())
    return _OTHER_NAMES.get(plain, plain)
