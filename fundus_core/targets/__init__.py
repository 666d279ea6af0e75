"""The targets: names, units, plausible ranges, headings, tolerances, published results; a file each.

Those that come with the program lie beside this; a user's own lie in the folder ``targets`` of the program's home, or
in the card of an installed model, and are read when a process starts; a model that comes in later brings its own then.
What is published stands beside them, the models released by the Japan Ocular Imaging Registry first.
"""

import contextlib
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from fundus_core.errors import UsageError
from fundus_core.home import home
from fundus_core.targets import files
from fundus_core.targets.record import Published, Target, Unit

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_RELEASED = files.load(Path(__file__).parent.glob("*.toml"), {})
_KNOWN = dict(_RELEASED)
TARGETS: Mapping[str, Target] = MappingProxyType(_KNOWN)
"""Every target by its id, in the order in which tables and figures show them."""


class Derived(Mapping[_Key, _Value]):
    """A mapping that is made of the targets, and made again when one has come in."""

    def __init__(self, make: Callable[[], Mapping[_Key, _Value]]) -> None:
        """Keep how it is made."""
        self._make = make
        self._of: tuple[Target, ...] = ()
        self._made: Mapping[_Key, _Value] = {}

    def _now(self) -> Mapping[_Key, _Value]:
        if len(self._of) != len(TARGETS):
            self._of, self._made = tuple(TARGETS.values()), self._make()
        return self._made

    def __getitem__(self, key: _Key) -> _Value:
        """Return the value under a key."""
        return self._now()[key]

    def __iter__(self) -> Iterator[_Key]:
        """Keys in their order."""
        return iter(self._now())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._now())


def own() -> dict[str, Target]:
    """Return the user's own targets by id."""
    return {name: one for name, one in TARGETS.items() if name not in _RELEASED}


def records(names: Iterator[str] | Mapping[str, object] | tuple[str, ...]) -> dict[str, object]:
    """Return those of these targets that do not come with the program as plain values: what a card says of them."""
    return {name: files.plain(one) for name, one in own().items() if name in names}


def brought(said: object, where: str) -> Mapping[str, Target]:
    """Return every target that is known, and those that a card or another process brings, as its file would say it.

    Raises:
        UsageError: A record is wrong, or another than the one that is known here.
    """
    if not isinstance(said, Mapping):
        raise UsageError(
            "{where}: 'targets' is {said}; it must be a table for each target, as in [targets.hba1c].",
            where=where,
            said=repr(said),
        )
    found = dict(TARGETS)
    for name, values in said.items():
        others = {other: one for other, one in found.items() if other != name}
        new = files.parse(str(name), values, f"{where}[targets.{name}]", others)
        if name in found and (key := files.differing(new, found[name])):
            here, there = getattr(found[name], key), getattr(new, key)
            raise UsageError(
                "{where} brings the target '{name}' with another '{key}' ({there}) than is known here "
                "({here}); both must say the same: correct one of them, or call the card's target otherwise.",
                where=where,
                name=name,
                key=key,
                there=repr(there),
                here=repr(here),
            )
        found.setdefault(str(name), new)
    return found


def learn(said: object, where: str) -> None:
    """Know from now on what a card or another process brings; arguments and errors as for ``brought``."""
    found = brought(said, where)
    _KNOWN.update({name: one for name, one in found.items() if name not in _KNOWN})


def _read() -> str:
    try:
        _KNOWN.update(files.load((home() / "targets").glob("*.toml"), _RELEASED))
    except UsageError as error:
        return str(error)
    for card in sorted((home() / "models").glob("*/card.toml")):
        # A card that is wrong is named where the models are listed.
        with contextlib.suppress(UsageError, OSError, ValueError, RecursionError):
            learn(tomllib.loads(card.read_text(encoding="utf-8")).get("targets", {}), card.parent.name)
    return ""


_FAULT = _read()

METABOLIC = ("sbp", "dbp", "glucose", "waist", "bmi")
"""The five targets of the 2025 model."""


def check() -> None:
    """Say what is wrong with a user's own targets; whatever opens a door calls it first.

    Raises:
        UsageError: One of the files cannot be used, so that none is.
    """
    if _FAULT:
        raise UsageError(_FAULT)


def target(target_id: str) -> Target:
    """Return the target of that id.

    Raises:
        UsageError: No target has that id; the message lists those that exist.

    >>> target("waist").unit
    'cm'
    """
    if target_id not in TARGETS:
        raise UsageError(
            "There is no target '{target_id}'; the targets are {targets}. Correct it, or make it one of your own: a "
            "file in the folder 'targets', or a model whose card brings it.",
            target_id=target_id,
            targets=TARGETS,
        )
    return TARGETS[target_id]
