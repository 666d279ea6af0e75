"""Checkpoints of torch: the backbone found among the tensors, its head behind it, nothing left over."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import timm
from torch import Tensor, nn

from fundus_core.errors import CardError, say
from fundus_core.models import networks
from fundus_core.models import weights as files
from fundus_core.models.importing import (
    architectures,
    beside,
    classifier,
    exported_graph,
    heads,
    shapes,
    strangers,
    transformers_names,
)
from fundus_core.models.importing.ambiguous_networks import end_of, with_twins
from fundus_core.models.importing.dense_chains import EPSILON, KERAS_EPSILON
from fundus_core.models.importing.efficientnet import LITE, number_from
from fundus_core.models.importing.formats import Format
from fundus_core.models.importing.imported import Found, Twin, Wanted
from fundus_core.models.weights import Opened

_COUNTED = "num_batches_tracked"
BY_NAME = "Every tensor was taken by its name."
BY_ORDER = (
    "The tensors carry another library's names and were taken in their order, since every shape agrees; "
    "compare with the original on photographs."
)


def read(path: Path, kind: Format, wanted: Wanted) -> Found:
    """Read names and tensors and fit them into a timm network, the one that the card names or the tensors tell.

    Raises:
        CardError: The network is not known, the tensors do not fit it, or one of them has no place in it.
    """
    opened = files.opened(path, kind is Format.SAFETENSORS, wanted.choice)
    if kind is Format.SAFETENSORS:  # which sorts its names; the network's order is told from their numbers
        opened = replace(opened, tensors=dict(sorted(opened.tensors.items(), key=natural)))
    opened = replace(opened, modules=tuple(one for one in opened.modules if not _left_out(one.place, wanted.without)))
    given = _without(opened.tensors, wanted.without)
    found = fitted(given, opened, wanted, path.name)
    found = exported_graph.proved(path, found, wanted.size) if kind is Format.EXPORTED else found
    found = replace(found, format=str(kind) if not opened.modules else say("{kind}, a network saved whole", kind=kind))
    twins = list(found.twins)
    for where, tensors in opened.others.items():
        other = fitted(_without(tensors, wanted.without), replace(opened, modules=()), wanted, path.name)
        words = say("the weights '{where}' of the same file (take them with --weights {where})", where=where or "plain")
        twins.append(Twin("weights.file", words, other))
    chosen = say(
        "The file holds {others} sets of weights; '{where}' was taken.",
        others=len(opened.others) + 1,
        where=opened.where or "plain",
    )
    return replace(found, twins=tuple(twins), notes=(*found.notes, *((chosen,) if opened.others else ())))


_RANKS: Mapping[str, int] = {
    **{word: rank for rank, word in enumerate(("weight", "bias", "running_mean", "running_var", _COUNTED))},
    **{word: rank for rank, word in enumerate((
        "_conv_stem", "_expand_conv", "_bn0", "_blocks", "_depthwise_conv", "_conv_head", "_bn1", "_se_reduce",
        "_se_expand", "_project_conv", "_bn2", "_fc",
    ))},
}  # fmt: skip
"""Order of words that no alphabet gives: a layer's arrays, and the layers of ``EfficientNet-PyTorch``."""


def natural(item: tuple[str, Tensor]) -> list[tuple[int, int, str]]:
    """Return what sorts names (of name and tensor) by their parts, numbers as numbers, layers as they are built."""
    parts = [
        piece for part in item[0].split(".") for piece in ([part] if part in _RANKS else re.findall(r"\d+|\D+", part))
    ]
    return [
        (0, int(part), "") if part.isdigit() else (1, _RANKS[part], "") if part in _RANKS else (2, 0, part)
        for part in parts
    ]


def _without(given: Mapping[str, Tensor], beginnings: Sequence[str]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in given.items() if not _left_out(name, beginnings)}


def _left_out(name: str, beginnings: Sequence[str]) -> bool:
    return any(name == start or name.startswith(f"{start}.") for start in beginnings)


def fitted(given: Mapping[str, Tensor], opened: Opened, wanted: Wanted, name: str) -> Found:
    """Return the network that these tensors make; see ``read``."""
    given, aside = strangers.without_aside(given, opened.modules, name)
    before, (given, alike) = given, transformers_names.renamed(architectures.mobile(given)[1])
    transformers_names.check_windows(before, given, wanted.size, name)
    backbone, options = _network(given, opened, replace(wanted, options={**alike, **wanted.options}), name)
    options = _as_torchvision(backbone, options, given, name)
    options = strangers.acting(opened.modules, backbone, options)
    options = _for_size(backbone, options, given, wanted.size, name)
    body = networks.body(backbone, 1, {key: value for key, value in options.items() if key != "hidden"})
    trunk, left, prefix = located(body, given, name)
    left, judged = heads.without_judges(left)
    standard = beside.buffers(left, wanted.targets)
    left = {key: value for key, value in left.items() if key not in standard}
    listed = options.get("hidden")
    hidden = [str(one[-1]) for one in listed if one] if isinstance(listed, list | tuple) else []
    width = int(getattr(body.get_classifier(), "in_features", 0) or body.num_features)  # type: ignore[operator,arg-type]
    if not left:
        raise CardError(
            "'{name}' holds the tensors of '{backbone}' without any outputs, as before a training; no "
            "values can be read with it. Obtain the file of the trained network, or train with it (train "
            "--pretrained).",
            name=name,
            backbone=backbone,
        )

    def read_head(eps: float) -> heads.Head:
        return heads.read(left, width, wanted, hidden=hidden, modules=opened.modules, name=name, eps=eps)

    head = read_head(EPSILON)
    strangers.check(opened.modules, body, prefix, given, left, head, wanted, name)
    options = {
        **{k: v for k, v in options.items() if k != "hidden"},
        **({"hidden": head.hidden} if head.hidden else {}),
    }
    if hidden and len(hidden) != len(head.hidden):
        raise CardError(
            "The card names {hidden} hidden layers ('backbone_options.hidden'), '{name}' has {hidden_2}; "
            "correct it, or leave it out.",
            hidden=len(hidden),
            name=name,
            hidden_2=len(head.hidden),
        )
    tensors = {**trunk, **classifier.tensors(body, head)}
    said = BY_NAME if prefix is not None else BY_ORDER
    found = Found(
        format="",
        runtime="timm",
        backbone=backbone,
        outputs=len(head.ends),
        activations=head.ends,
        options=options,
        names=head.names or beside.listed({**opened.said, "": list(wanted.labels)}, wanted.targets),
        tensors=tensors,
        notes=(said, *head.notes, *judged, *aside, "The file holds no network that could be run here to compare with."),
    )
    found = beside.with_lines(with_twins(found, body, given, opened, wanted, name), {**standard, **opened.said}, wanted)
    anew = _padded_anew(found) if "padded_at" in alike and "padded_at" not in wanted.options else []
    other = {**trunk, **classifier.tensors(body, read_head(KERAS_EPSILON))}
    more = classifier.twins(found, body, head, {} if opened.modules else left, other)
    return replace(found, twins=(*found.twins, *anew, *more))


def _padded_anew(found: Found) -> list[Twin]:
    options = {key: value for key, value in found.options.items() if key != "padded_at"}
    return [Twin("backbone_options", "padded anew at every size", replace(found, options=options))]


# Which network ----------------------------------------------------------------------------------------------------


def _network(
    given: Mapping[str, Tensor], opened: Opened, wanted: Wanted, name: str
) -> tuple[str, Mapping[str, object]]:
    """The network's name and options: as the card says, else as the tensors tell."""
    options = dict(wanted.options)
    if any(key.endswith("fc_norm.weight") for key in given) and "global_pool" not in options:
        options["global_pool"] = "avg"  # of transformers: the mean of the patches, normalised, instead of one token
    options = {**beside.pooling(opened.said), **strangers.pooled(opened.modules), **options}
    told = ""
    if not (wanted.backbone and wanted.sure):
        told = efficientnet(given) or architectures.mobile(given)[0] or architectures.name_of(given)
        told = told or beside.network(opened.said)
    backbone = wanted.backbone if not told or wanted.backbone in architectures.alike(told) else told
    if not backbone:
        backbone, sized = shapes.told(given, opened.modules, options, name)
        options = {**sized, **options}
    if not backbone:
        raise CardError(
            "'{name}' holds {given} tensors (first '{given_2}') and does not say of which network they "
            "are, nor do they fit one of timm's; add 'backbone' to the card, by timm's name (for example "
            "tf_efficientnet_b7), and what does not fit is named. A network that timm does not have is built in torch, "
            "given these tensors (load_state_dict), and exported as ONNX (torch.onnx.export).",
            name=name,
            given=len(given),
            given_2=next(iter(given), "")[:60],
        )
    return backbone, options


def efficientnet(given: Mapping[str, Tensor]) -> str:
    """Return which EfficientNet tensors are by the names of ``EfficientNet-PyTorch`` or torchvision; empty if none.

    The former keeps TensorFlow's padding, and its lite ones, which squeeze nothing, have names and stems of B0 to B4.
    """
    widths = {
        part: next((tensor.shape[0] for name, tensor in given.items() if end_of(name, part)), 0)
        for part in ("_conv_stem.weight", "_conv_head.weight", "features.0.0.weight", "features.8.0.weight")
    }
    stem, end, other_stem, other_end = widths.values()
    blocks = sum(name.endswith("_depthwise_conv.weight") for name in given)
    if stem and not any("_se_reduce." in name for name in given):
        last = next(
            (given[name].shape[0] for name in reversed(list(given)) if name.endswith("_project_conv.weight")), 0
        )
        return next((f"tf_efficientnet_lite{k}" for k, shape in enumerate(LITE) if shape == (blocks, last)), "")
    number = number_from(stem, blocks, end)
    if number is not None:
        return f"tf_efficientnet_b{number}"
    squeezes = sum(name.endswith(".fc1.weight") and ".block." in name for name in given)
    number = number_from(other_stem, squeezes, other_end)
    return "" if number is None else f"efficientnet_b{number}"


def _as_torchvision(
    backbone: str, options: Mapping[str, object], given: Mapping[str, Tensor], name: str
) -> Mapping[str, object]:
    """Options under which timm computes as torchvision, by whose names an EfficientNet's tensors are told.

    torchvision pads alike on all sides, and has a batch norm epsilon of 1e-3 from B5 on, and in the third MobileNet
    (``torchvision.models``).
    """
    if "mobilenetv3" in backbone and architectures.mobile(given)[0]:
        return {"bn_eps": 1e-3, **options}
    number = re.search(r"efficientnet_b([0-7])", backbone)
    if number is None or not any(end_of(key, "features.0.0.weight") for key in given):
        return options
    if backbone.startswith("tf_"):
        raise CardError(
            "'{name}' carries torchvision's names, and '{backbone}' pads as TensorFlow does: the shapes "
            "agree, the answers do not. Name the backbone '{backbone_2}' in the card.",
            name=name,
            backbone=backbone,
            backbone_2=backbone.removeprefix("tf_"),
        )
    return {"bn_eps": 1e-3, **options} if int(number[1]) >= 5 else options


def _for_size(
    backbone: str, options: Mapping[str, object], given: Mapping[str, Tensor], size: int | None, name: str
) -> Mapping[str, object]:
    """Options under which a network whose tensors depend on the size of its photographs takes those of the card."""
    known, told = timm.get_pretrained_cfg(backbone), {"img_size", "dynamic_img_size"} & set(options)
    if told or known is None or not known.fixed_input_size or size in (None, known.input_size[-1]):
        return options
    sized = {**options, "img_size": size}
    try:
        located(networks.body(backbone, 1, {key: one for key, one in sized.items() if key != "hidden"}), given, name)
    except CardError as error:
        raise CardError(
            "'{backbone}' takes photographs of one size, on which its tensors depend, and '{name}' does not fit {size} "
            "px; '{backbone}' is usually of {usual} px. Write the size of its training under 'input.size'.",
            backbone=backbone,
            name=name,
            size=size,
            usual=known.input_size[-1],
        ) from error
    return sized


# Where it lies ----------------------------------------------------------------------------------------------------


def located(
    body: nn.Module, given: Mapping[str, Tensor], name: str
) -> tuple[dict[str, Tensor], dict[str, Tensor], str | None]:
    """Return the backbone's tensors by timm's names, what is left, and what names begin with.

    That is ``None`` where the names are another library's, and order, shapes and kinds of all tensors told them.

    Raises:
        CardError: A tensor of the backbone is missing or of another shape.
    """
    ends = tuple(f"{one}." for one in classifier.places(body))
    own = {key: value for key, value in body.state_dict().items() if not key.startswith(ends)}
    needed = {key: value for key, value in own.items() if not key.endswith(_COUNTED)}
    anchor = next(iter(needed))
    for prefix in dict.fromkeys(key.removesuffix(anchor) for key in given if end_of(key, anchor)):
        if all(f"{prefix}{key}" in given and given[f"{prefix}{key}"].shape == needed[key].shape for key in needed):
            taken = {f"{prefix}{key}" for key in own}
            trunk = {key: given[f"{prefix}{key}"] if key in needed else value for key, value in own.items()}
            return trunk, _left(given, taken), prefix
    return _in_order(own, needed, given, name)


def _left(given: Mapping[str, Tensor], taken: set[str]) -> dict[str, Tensor]:
    counted = [key for key in given if key.rsplit(".", 1)[-1] in (_COUNTED, "n_averaged")]
    return {key: value for key, value in given.items() if key not in taken and key not in counted}


def _in_order(
    own: Mapping[str, Tensor], needed: Mapping[str, Tensor], given: Mapping[str, Tensor], name: str
) -> tuple[dict[str, Tensor], dict[str, Tensor], None]:
    """By order, where the names are another library's and every shape and kind agrees."""
    there = [key for key in given if not key.endswith(_COUNTED)]
    pairs = list(zip(needed, there, strict=False))
    here = architectures.places_by_name(needed, given)
    wrong = [
        (a, b) for a, b in pairs
        if needed[a].shape != given[b].shape or a.rsplit(".", 1)[-1] != b.rsplit(".", 1)[-1] or here.get(b, a) != a
    ]  # fmt: skip
    if wrong or len(there) < len(needed):
        a, b = wrong[0] if wrong else (list(needed)[len(there)], "nothing")
        wanted = say("'{a}' of {shape}", a=a, shape=tuple(needed[a].shape))
        held = say("'{b}' of {shape}", b=b, shape=tuple(given[b].shape)) if b in given else b
        raise CardError(
            "The weights '{name}' do not fit the card's network: where it has {wanted} the file has "
            "{held}. Correct 'backbone', or leave it out and have it told from the tensors.",
            name=name,
            wanted=wanted[:120],
            held=held[:120],
        )
    trunk = {**{key: value for key, value in own.items() if key.endswith(_COUNTED)}, **{a: given[b] for a, b in pairs}}
    return trunk, _left(given, {b for _, b in pairs}), None
