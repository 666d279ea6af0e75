"""What a checkpoint says beside its weights: names of outputs, the network's own name, numbers that turn outputs back.

Trainings keep their arguments and the mean and spread of a standardised truth there; an order that differs from the
card's, or outputs that are not in units, would otherwise be wrong in silence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fundus_core.errors import say
from fundus_core.models.importing.imported import Found, Twin, Wanted
from fundus_core.targets import TARGETS

_BLAND = frozenset(("mean", "std", "out", "head", "male", "y"))
_MEAN = re.compile(r"(?i)(^|[._])(means?_?|mu|loc|centers?|offsets?|shifts?)$")
_SPREAD = re.compile(r"(?i)(^|[._])(stds?|scales?_?|sigmas?|sds?|spreads?|stdevs?)$")
_NETWORK = re.compile(r"(?i)(^|[._])(arch\w*|model(_?name)?|backbone\w*|encoder\w*|net(work)?)$")
_POOLS = ("max", "avgmax", "catavgmax")
"""Other poolings than the average, by timm's names."""
_OF_INPUT = re.compile(r"(?i)image|imagenet|img|pixel|rgb|input|transform|preproc|data_?cfg|pretrained_cfg")


def target_of(place: str, targets: Sequence[str]) -> str:
    """Return the target that a name speaks of, as headings of tables would; empty where it is none or several."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", place)
    parts = [part for part in re.split(r"[^a-z0-9]+", spaced.lower()) if part]
    bare = [part for part in (part.strip("0123456789") for part in parts) if part]  # a number counts, unless within
    words = {
        "".join(row[k : k + count]) for row in (parts, bare) for count in range(1, 5) for k in range(len(row))
    } - _BLAND
    found = [name for name in targets if name in words or (name in TARGETS and words & set(TARGETS[name].headings))]
    return found[0] if len(found) == 1 else ""


def listed(said: Mapping[str, object], targets: Sequence[str]) -> tuple[str, ...]:
    """Return the targets in the order in which a file lists all of them; empty where it does not."""
    for value in said.values():
        names = [word.strip() for word in value.split(",")] if isinstance(value, str) else value
        if isinstance(names, list) and len(names) == len(targets) > 1 and all(isinstance(one, str) for one in names):
            order = tuple(target_of(name, targets) for name in names)
            if set(order) == set(targets):
                return order
    return ()


def named(said: Mapping[str, object], backbones: Sequence[str]) -> str:
    """Return which of several networks a file names; empty where it names none or several."""
    found = {value for value in said.values() if isinstance(value, str) and value in backbones}
    return found.pop() if len(found) == 1 else ""


def network(said: Mapping[str, object]) -> str:
    """Return the network of timm's that a file names as its own; empty where it names none or several."""
    import timm

    found = {v for place, v in said.items() if isinstance(v, str) and _NETWORK.search(place) and timm.is_model(v)}
    return found.pop() if len(found) == 1 else ""


def pooling(said: Mapping[str, object]) -> dict[str, object]:
    """Return how a file says that its network pools, as timm's trainings keep it, as an option of a constructor."""
    found = {v for place, v in said.items() if v in _POOLS and place.rsplit(".", 1)[-1] in ("gp", "global_pool")}
    return {"global_pool": found.pop()} if len(found) == 1 else {}


def buffers(left: Mapping[str, Any], targets: Sequence[str]) -> dict[str, object]:
    """Return mean and spread of the targets that a network keeps as tensors of its own, by their names; else empty."""
    few = {name: one.flatten().tolist() for name, one in left.items() if one.ndim < 3 and one.numel() == len(targets)}
    for mean in (name for name in few if _MEAN.search(name) and not _OF_INPUT.search(name)):
        spread = next((n for n in few if _SPREAD.search(n) and _SPREAD.sub("", n) == _MEAN.sub("", mean)), "")
        if spread and min(few[spread]) > 0 and max(map(abs, (*few[mean], *few[spread]))) > 1:  # no share of a colour
            return {mean: few[mean], spread: few[spread]}
    return {}


def with_lines(found: Found, said: Mapping[str, object], wanted: Wanted) -> Found:
    """Add the reading by which mean and spread that the file keeps turn its outputs into units."""
    pairs = list(_pairs(said, wanted.targets)) if len(wanted.targets) == found.outputs else []
    if not pairs:
        return found
    where, means, spreads = pairs[0]
    lines = {
        f"outputs.{target}": {"scale": spread, "offset": mean}
        for target, mean, spread in zip(wanted.targets, means, spreads, strict=True)
        if not wanted.binary[target]
    }
    shown = [
        say(
            "{target}: scale = {scale}, offset = {offset}",
            target=key.removeprefix("outputs."),
            scale=f"{line['scale']:.6g}",
            offset=f"{line['offset']:.6g}",
        )
        for key, line in lines.items()
    ]
    words = say(
        "one of standardised outputs, which '{where}' in the file turns back ({shown})", where=where, shown=shown
    )
    return replace(found, twins=(*found.twins, Twin("outputs.scale", words, None, lines))) if lines else found


def _pairs(said: Mapping[str, object], targets: Sequence[str]) -> Iterator[tuple[str, list[float], list[float]]]:
    """Places of means, the means and the spreads beside them, in the targets' order."""
    for place, value in said.items():
        if not _MEAN.search(place) or _OF_INPUT.search(place):
            continue
        stem = _MEAN.sub("", place)
        for other, spread in said.items():
            if _SPREAD.search(other) and _SPREAD.sub("", other) == stem:
                means, spreads = _numbers(value, len(targets)), _numbers(spread, len(targets))
                if means and spreads and min(spreads) > 0:
                    yield place, means, spreads
    yield from _by_target(said, targets)


def _by_target(said: Mapping[str, object], targets: Sequence[str]) -> Iterator[tuple[str, list[float], list[float]]]:
    found: dict[str, dict[str, tuple[str, float]]] = {"mean": {}, "spread": {}}
    for place, value in said.items():
        target = target_of(place, targets)
        kind = "mean" if _within(_MEAN, place) else "spread" if _within(_SPREAD, place) else ""
        if target and kind and isinstance(value, int | float) and not _OF_INPUT.search(place):
            found[kind][target] = place, float(value)
    if targets and all(set(table) == set(targets) for table in found.values()):
        means, spreads = ([found[kind][target][1] for target in targets] for kind in ("mean", "spread"))
        yield found["mean"][targets[0]][0], means, spreads


def _within(words: re.Pattern[str], place: str) -> bool:
    return any(words.search(part) for part in place.split("."))


def _numbers(value: object, count: int) -> list[float]:
    many = value if isinstance(value, list) else [value] if count == 1 else []
    numbers = [float(one) for one in many if isinstance(one, int | float) and not isinstance(one, bool)]
    return numbers if len(numbers) == len(many) == count else []
