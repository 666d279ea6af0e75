"""Where in a checkpoint the weights are: dictionaries of tensors and whole modules, told by what they hold.

No list of names decides what is a network's state: whatever holds tensors is found, training's own state is left out
by its form, and what fits together is joined. Two sets of one shape (averaged and plain, teacher and student) are a
choice, which is the user's.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fundus_core.models.pickles import Made
from fundus_core.models.torch_archives import is_tensor, shape

_TRAINING = re.compile(r"(?i)^(optim|lr_?sched|sched|scaler|amp|grad_?scaler|loops$|rng|cuda_rng|random)")
"""What begins the name of a training's own state."""
_AVERAGED = re.compile(r"(?i)(^|[._])(ema|teacher|averag\w*|swa|shadow|momentum|target_(encoder|network))([._]|$)|ema")
_COUNTERS = re.compile(r"(^|\.)(n_averaged|num_updates|decay|initted|step|num_batches_tracked|_extra_state)$")
"""Scalars that a training counts with, in no network's arithmetic."""
_WRAPPER = re.compile(r"(^|\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.|$)")
"""What torch puts around a module to compile it, to spread it over machines, or to compute it twice."""
_MOST, _DEEPEST = 200_000, 200
_MOST_SAID, _LONGEST_SAID = 2000, 64


@dataclass(frozen=True, slots=True)
class Module:
    """One module of a network that was saved whole."""

    place: str
    """Dotted, empty for the network itself."""
    kind: str
    """Full name of its class."""
    facts: Mapping[str, object]
    """Plain attributes (eps, padding, ...)."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One set of weights in a file."""

    where: str
    """Dotted place in the file; empty where the file is nothing else."""
    tensors: Mapping[str, Any]
    """By name, in the file's order: tensors, or what stands for them."""
    modules: tuple[Module, ...] = ()
    """Of a network that was saved whole, in its order."""

    @property
    def averaged(self) -> bool:
        """Whether its name says that it is an average over the training, or a teacher."""
        return bool(_AVERAGED.search(self.where))


def unwrapped(place: str) -> str:
    """Return a dotted name without the parts that torch's wrappers put into it."""
    return _WRAPPER.sub("", place).lstrip(".")


def sizes(weights: Mapping[str, Any]) -> Counter[tuple[int, ...]]:
    """Return how many arrays of each shape there are, those of two sides and more."""
    return Counter(one for one in map(_shape_of, weights.values()) if len(one) > 1)


def choices(content: object) -> list[Weights]:
    """Return the sets of weights in a file's content between which a user can choose, what belongs together joined."""
    found = [part for one in _sets(content) for part in _parted(one)]
    found = [one for one in found if sizes(one.tensors)] or found
    if not found:
        return []
    largest = max(found, key=lambda one: sum(sizes(one.tensors).values()))
    alike = [one for one in found if _alike(one, largest)]
    rest = [one for one in found if one not in alike]
    if len(alike) > 1 or not rest:
        return [_with_names(one, largest) for one in alike]
    return [_joined([largest, *(one for one in rest if not _same_tensors(one, largest))], found)]


def _alike(one: Weights, other: Weights) -> bool:
    mine, its = sizes(one.tensors), sizes(other.tensors)
    return mine == its or (sum((mine & its).values()) > 0.9 * max(sum(mine.values()), sum(its.values())))


def _same_tensors(one: Weights, other: Weights) -> bool:
    """Whether a part of a file is the same objects again (a module within an object that is kept beside it)."""
    held = {id(value) for value in other.tensors.values()}
    return all(id(value) in held for value in one.tensors.values())


def _with_names(one: Weights, largest: Weights) -> Weights:
    """Give a bare list of averaged parameters the names of the parameters beside it, where the shapes say so."""
    if not all(name.isdigit() for name in one.tensors):
        return one
    named = [name for name in largest.tensors if not re.search(r"running_(mean|var)$|num_batches_tracked$", name)]
    if len(named) != len(one.tensors):
        return one
    return replace(one, tensors={**largest.tensors, **dict(zip(named, one.tensors.values(), strict=True))})


def _joined(parts: Sequence[Weights], found: Sequence[Weights]) -> Weights:
    """One network whose parts lie beside each other (backbone and head); in the order of the file."""
    parts = [one for one in found if one in parts]
    if len(parts) == 1:
        return parts[0]
    names = [one.where.split(".") for one in parts]
    shared = 0
    while all(len(name) > shared + 1 and name[shared] == names[0][shared] for name in names):
        shared += 1
    tensors: dict[str, Any] = {}
    for part, name in zip(parts, names, strict=True):
        prefix = ".".join(name[shared:])
        tensors |= {f"{prefix}.{key}" if prefix else key: value for key, value in part.tensors.items()}
    modules = tuple(
        replace(module, place=".".join(filter(None, [*name[shared:], module.place])))
        for part, name in zip(parts, names, strict=True)
        for module in part.modules
    )
    return Weights(".".join(names[0][:shared]), tensors, modules)


def _parted(one: Weights) -> Iterator[Weights]:
    """Split a set that holds a network twice (``model.`` and ``ema_model.``), or give it as it is."""
    groups: dict[str, dict[str, Any]] = {}
    names = list(one.tensors)
    for depth in range(1, 4):
        groups = {}
        for name in names:
            groups.setdefault(".".join(name.split(".")[:depth]), {})[name] = one.tensors[name]
        twins = _twins(groups, len(names))
        if twins:
            shared = {k: v for key, group in groups.items() if key not in twins for k, v in group.items()}
            shared = {key: value for key, value in shared.items() if not _COUNTERS.search(key)}
            for key in twins:
                inside = [m for m in one.modules if m.place == key or m.place.startswith(f"{key}.")]
                yield Weights(".".join(filter(None, [one.where, key])), {**groups[key], **shared}, tuple(inside))
            return
    yield one


def _twins(groups: Mapping[str, Mapping[str, Any]], count: int) -> list[str]:
    """Names of two or three groups of one shape that make up nearly everything."""
    large = [key for key, group in groups.items() if len(group) > 0.3 * count and sum(sizes(group).values()) > 1]
    if len(large) < 2:
        return []
    if all(re.search(r"[._]\d+$", f".{key}") for key in large) and any(
        sizes(group) for key, group in groups.items() if key not in large
    ):
        return []  # two blocks of one network
    first = sizes(groups[large[0]])
    return large if all(sizes(groups[key]) == first for key in large[1:]) else []


def metadata(content: object) -> dict[str, Any]:
    """Return what a file says beside its weights, by its dotted place: text, numbers, short lists, small arrays."""
    waiting: list[tuple[str, object, int]] = [("", content, 0)]
    said: dict[str, Any] = {}
    seen: set[int] = set()
    while waiting and len(said) < _MOST_SAID:
        where, one, depth = waiting.pop()
        if id(one) in seen or depth > _DEEPEST or len(seen) > _MOST or _is_training(where):
            continue
        if isinstance(one, str | int | float) or _flat(one):
            said[where] = list(one) if isinstance(one, tuple) else one
            continue
        if isinstance(one, dict | list | tuple | Made):
            seen.add(id(one))
        if not (isinstance(one, Mapping) and any(_tensorlike(v) and len(_shape_of(v)) > 1 for v in one.values())):
            inside = [] if isinstance(one, Made) and _module_state(one) is not None else list(_inside(one))
            waiting += [(f"{where}.{key}".lstrip("."), value, depth + 1) for key, value in reversed(inside)]
    return said


def _flat(one: object) -> bool:
    """Whether it is a short row of plain values, as a list or an array."""
    if _tensorlike(one):
        return len(_shape_of(one)) < 2 and (_shape_of(one) or (1,))[0] <= _LONGEST_SAID
    return isinstance(one, list | tuple) and 0 < len(one) <= _LONGEST_SAID and all(
        isinstance(value, str | int | float) for value in one
    )  # fmt: skip


# Looking through a file -------------------------------------------------------------------------------------------


def _sets(content: object) -> Iterator[Weights]:
    waiting: list[tuple[str, object, int]] = [("", content, 0)]
    seen: set[int] = set()
    while waiting:
        where, one, depth = waiting.pop()
        if id(one) in seen or depth > _DEEPEST or len(seen) > _MOST or _is_training(where):
            continue
        if isinstance(one, dict | list | tuple | Made):
            seen.add(id(one))
        held, modules = _held(one, seen)
        if held:
            yield Weights(where, held, modules)
        inner = [] if modules else list(_inside(one))
        waiting += [(f"{where}.{key}".lstrip("."), value, depth + 1) for key, value in reversed(inner)]


def _is_training(where: str) -> bool:
    return any(_TRAINING.match(part) for part in where.split("."))


def _tensorlike(value: object) -> bool:
    return is_tensor(value) or (not isinstance(value, Made) and hasattr(value, "dtype") and hasattr(value, "shape"))


def _held(one: object, seen: set[int]) -> tuple[dict[str, Any], tuple[Module, ...]]:
    """Tensors that a thing holds itself, by name, and the modules of a network that was saved whole."""
    if isinstance(one, Mapping):
        named = {str(key): value for key, value in one.items() if _tensorlike(value)}
        return ({} if any(isinstance(key, int) for key in one) else _real(named)), ()
    if isinstance(one, Made) and _module_state(one) is not None:
        tensors: dict[str, Any] = {}
        modules: list[Module] = []
        _walk(one, seen, tensors, modules)
        return tensors, tuple(modules)
    if isinstance(one, list | tuple) and len(one) > 3 and all(map(_tensorlike, one)):
        return {str(place): value for place, value in enumerate(one)}, ()
    return {}, ()


def _real(named: dict[str, Any]) -> dict[str, Any]:
    """Nothing where all that is there are counters and states of random generators."""
    told = [_shape_of(value) for value in named.values()]
    return named if any(told) and not all(re.search(r"(?i)rng|random", name) for name in named) else {}


def _shape_of(value: Any) -> tuple[int, ...]:
    return shape(value) if isinstance(value, Made) else tuple(value.shape)


def _module_state(one: Made) -> dict[str, Any] | None:
    state = one.state[0] if isinstance(one.state, tuple) and len(one.state) == 2 else one.state
    return state if isinstance(state, dict) and isinstance(state.get("_modules"), dict) else None


def _walk(top: Made, seen: set[int], tensors: dict[str, Any], modules: list[Module]) -> None:
    """Parameters and buffers as ``state_dict`` would name them, without recursion."""
    waiting: list[tuple[str, Made, int]] = [("", top, 0)]
    while waiting:
        place, one, depth = waiting.pop()
        state = _module_state(one)
        seen.add(id(one))
        if state is None or depth > _DEEPEST or len(modules) > _MOST:
            continue
        facts = {str(k): v for k, v in state.items() if not str(k).startswith("_") and _plain(v)}
        modules.append(Module(place.rstrip("."), one.kind, facts))
        passing = state.get("_non_persistent_buffers_set") or ()
        for kind in ("_parameters", "_buffers"):
            for key, value in (state.get(kind) or {}).items():
                kept = kind == "_parameters" or key not in passing
                if _tensorlike(value) and kept:
                    tensors[f"{place}{key}"] = value
        inner = [(f"{place}{key}.", value, depth + 1) for key, value in state["_modules"].items()]
        waiting += [each for each in reversed(inner) if isinstance(each[1], Made)]


def _plain(value: object) -> bool:
    return isinstance(value, int | float | str | bool) or (
        isinstance(value, tuple | list) and len(value) < 9 and all(isinstance(one, int | float) for one in value)
    )


def _inside(one: object) -> Iterator[tuple[str, object]]:
    if isinstance(one, Mapping):
        yield from ((str(key), value) for key, value in one.items())
    elif isinstance(one, Made):
        if isinstance(one.state, Mapping):
            yield from ((str(key), value) for key, value in one.state.items())
        yield from ((str(key), value) for key, value in one.table.items())
        yield from ((str(place), value) for place, value in enumerate(one.items))
    elif isinstance(one, list | tuple) and len(one) < 1000:
        yield from ((str(place), value) for place, value in enumerate(one))
