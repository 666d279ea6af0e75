"""What a card may hold at all: its values are a stranger's, and decide what is opened, built and multiplied.

Types and names of keys are the card's own business (``card.parse``); here stand sizes, finiteness, the allow-list of
a network's options, and that paths stay beside the card.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PureWindowsPath

from fundus_core.errors import CardError, say
from fundus_core.plain_values import At

LARGEST_CARD = 2**18
"""Bytes of a card's file."""
_MOST_OUTPUTS = 64
_DEEPEST, _MOST, _LONGEST, _FARTHEST = 8, 20_000, 20_000, 1e12
_MAY_BE_UNKNOWN = ("interval", "deviation", "intercept_interval", "slope_interval")
"""Keys whose numbers are NaN where nobody measured them."""
_SIDES = (16, 2048)
"""Pixels of the input."""


def at(value: object, name: str, where: str) -> At:
    """Return a value of the card of that name, and where it stands; what is wrong with it is a ``CardError``."""
    return At(value, name, where, CardError)


def check(content: Mapping[str, object], name: str) -> None:
    """Refuse plain values of a card, as a TOML reader returns them, that no honest card needs; keys may be missing.

    Raises:
        CardError: Names the key, what stands there and what may.
    """
    for count, (where, value, depth) in enumerate(_walk(content)):
        if count > _MOST or depth > _DEEPEST:
            raise CardError("{name} holds more than a card needs; keep to the keys of a card.", name=name)
        _check_value(where, value, name)
    options = content.get("backbone_options")
    for key, value in options.items() if isinstance(options, Mapping) else ():
        _check_option(str(key), value, name)
    for where, right, allowed in _RULES:
        value = _at(content, where)
        if value is not None and not right(value):
            raise at(value, name, where).fault(allowed)
    outputs = content.get("outputs")
    if isinstance(outputs, list | tuple) and len(outputs) > _MOST_OUTPUTS:
        raise at(len(outputs), name, "outputs").fault(
            say("at most {most_outputs} tables, one for each target", most_outputs=_MOST_OUTPUTS)
        )


def _walk(content: Mapping[str, object]) -> Iterator[tuple[str, object, int]]:
    """Every value with its dotted key and depth, without recursion."""
    waiting: list[tuple[str, object, int]] = [("", content, 0)]
    while waiting:
        where, value, depth = waiting.pop()
        yield where, value, depth
        if depth > _DEEPEST:
            return
        if isinstance(value, Mapping):
            waiting += [(f"{where}.{key}".lstrip("."), one, depth + 1) for key, one in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [(where, one, depth + 1) for one in value]


def _check_value(where: str, value: object, name: str) -> None:
    if isinstance(value, bool | Mapping | list | tuple):
        return
    if isinstance(value, str):
        if len(value) > _LONGEST:
            raise at(value, name, where).fault(say("at most {longest:,} letters", longest=_LONGEST))
    elif isinstance(value, int | float):
        unknown = isinstance(value, float) and math.isnan(value) and where.rsplit(".", 1)[-1] in _MAY_BE_UNKNOWN
        if not unknown and not abs(value) <= _FARTHEST:
            raise at(value, name, where).fault("a finite number of a size that can be computed with")
    else:
        raise at(value, name, where).fault("text, a number, true or false, a list or a table")


def _at(content: Mapping[str, object], where: str) -> object:
    value: object = content
    for part in where.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _beside(value: object) -> bool:
    """Whether a path stays below the card's folder, on any system."""
    path = PureWindowsPath(str(value))
    return not (path.drive or path.root or ".." in path.parts or "\0" in str(value))


def _web(value: object) -> bool:
    return value == "" or re.match(r"https?://[^\s/]", str(value)) is not None


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _range(value: object) -> bool:
    pair = value if isinstance(value, list | tuple) else ()
    return len(pair) == 2 and all(isinstance(v, int | float) for v in pair) and pair[0] < pair[1]


_RULES: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("weights.file", _beside, "a path below the card's own folder"),
    ("golden.file", _beside, "a path below the card's own folder"),
    ("features", _beside, "a path below the card's own folder"),
    ("weights.page", _web, "empty, or an address that begins with https:// or http://"),
    (
        "input.size",
        _whole(*_SIDES),
        say("a whole number of {sides} to {sides_2} pixels", sides=_SIDES[0], sides_2=_SIDES[1]),
    ),
    ("input.value_range", _range, "two numbers, the first below the second"),
    ("golden.tolerance", lambda v: isinstance(v, int | float) and 0 <= v <= 0.1, "a number of 0 to 0.1"),
)


# Options of a network ---------------------------------------------------------------------------------------------


def _few(right: Callable[[object], bool]) -> Callable[[object], bool]:
    """One of these, or a list of up to 64."""
    return lambda value: (
        0 < len(value) <= 64 and all(map(right, value)) if isinstance(value, list | tuple) else right(value)
    )


def _word(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z0-9_]{0,32}", value) is not None


def _share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _ratio(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 16


def _truth(value: object) -> bool:
    return isinstance(value, bool)


_COUNT = _few(_whole(1, 4096))
_NUMBERS = (
    "channels", "layers", "depths", "dims", "stem_width", "stem_size", "stem_chs", "patch_size", "img_size",
    "embed_dim", "depth", "num_heads", "window_size", "num_features", "head_hidden_size", "groups", "base_width",
    "cardinality", "output_stride",
)  # fmt: skip
_SWITCHES = (
    "mirrored", "class_token", "no_embed_class", "qkv_bias", "dynamic_img_size", "avg_down", "conv_mlp", "fc_norm",
)  # fmt: skip
_OPTIONS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(_NUMBERS, (_COUNT, "whole numbers of 1 to 4096")),
    **dict.fromkeys(
        ("stem_type", "global_pool", "act_layer", "norm_layer", "pad_type", "activation"),
        (_word, "a word of timm in small letters"),
    ),
    **dict.fromkeys(("bn_eps", "norm_eps", "eps", "drop_path_rate"), (_share, "a number of 0 to 1")),
    "mlp_ratio": (_ratio, "a number of 0 to 16"),
    **dict.fromkeys(_SWITCHES, (_truth, "true or false")),
    "padded_at": (
        _whole(*_SIDES),
        say("a whole number of {sides} to {sides_2} pixels", sides=_SIDES[0], sides_2=_SIDES[1]),
    ),
    "hidden": (lambda value: isinstance(value, list | tuple) and len(value) <= 8 and all(map(_layer, value)), (
        'a list of at most 8 pairs of units (1 to 8192) and activation, as in [[256, "relu"]]'
    )),
}  # fmt: skip
"""Keywords that a network's constructor may be given: those that shape it. None names a file or an address."""


def _layer(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and _whole(1, 8192)(value[0]) and _word(value[1])


def _check_option(key: str, value: object, name: str) -> None:
    if key not in _OPTIONS:
        raise CardError(
            "{name}: {key} is no option that a card may give; those that shape a network are {options}. Remove it.",
            name=name,
            key=repr(f"backbone_options.{key}"[:80]),
            options=_OPTIONS,
        )
    right, allowed = _OPTIONS[key]
    if not right(value):
        raise at(value, name, f"backbone_options.{key}").fault(allowed)
