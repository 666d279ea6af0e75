"""From the plain values of a TOML reader to frozen records, every key and type checked."""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

from fundus_core.errors import CardError, say

NOT_WRITTEN = frozenset({"brought", "folder"})
"""Parts of a card that are no keys of its file."""


def build(kind: type, content: object, name: str, where: str = "") -> object:
    """Build a dataclass of a card from plain values by field; one with a default may be missing, as in older cards.

    ``where`` is the dotted key under which it stands, with a dot behind it.

    Raises:
        CardError: A key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(content, Mapping):
        raise CardError(
            "{name}: '{where}' must be a table of keys, not {content}.",
            name=name,
            where=where.rstrip("."),
            content=repr(content),
        )
    known = {field.name for field in fields(kind)}
    for key in content:
        if key not in known:
            allowed = ", ".join(sorted(known - NOT_WRITTEN))
            raise CardError(
                "{name} has the unknown key '{where}{key}'; the keys are {allowed}. Correct or remove it.",
                name=name,
                where=where,
                key=key,
                allowed=allowed,
            )
    hints = typing.get_type_hints(kind)
    values = {}
    later = {field.name for field in fields(kind) if field.default is not MISSING}
    for key in (field.name for field in fields(kind)):
        if key not in content and key in later:
            continue
        if key not in content:
            raise CardError(
                "{name} lacks the key '{where}{key}'; add it (empty, and named in 'unverified', if unknown).",
                name=name,
                where=where,
                key=key,
            )
        values[key] = _value(hints[key], content[key], name, f"{where}{key}")
    return kind(**values)


def _value(hint: object, value: object, name: str, where: str) -> object:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return build(hint, value, name, where + ".")
    if origin is tuple:
        return _tuple(arguments, value, name, where)
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise wrong(name, where, "a table", value)
        return types.MappingProxyType({str(k): _value(arguments[1], v, name, f"{where}.{k}") for k, v in value.items()})
    if hint is object or hint is Path:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    fits = isinstance(value, str) if hint is str else isinstance(hint, type) and type(value) is hint
    if not fits:
        raise wrong(name, where, getattr(hint, "__name__", str(hint)), value)
    return value


def _tuple(arguments: tuple[object, ...], value: object, name: str, where: str) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise wrong(name, where, "a list", value)
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(value) != len(arguments):
        raise wrong(name, where, say("a list of {arguments}", arguments=len(arguments)), value)
    return tuple(_value(h, v, name, f"{where}[{k}]") for k, (h, v) in enumerate(zip(arguments, value, strict=True)))


def wrong(name: str, where: str, wanted: str, value: object) -> CardError:
    """Return the one sentence about a value."""
    return CardError(
        "{name}: '{where}' is {value}; it must be {wanted}.",
        name=name,
        where=where,
        value=repr(value),
        wanted=say(wanted),
    )
