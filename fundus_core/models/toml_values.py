"""From the plain values of a TOML reader to frozen records, every key and type checked."""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

from fundus_core.errors import CardError, say
from fundus_core.plain_values import At

NOT_WRITTEN = frozenset({"brought", "folder"})
"""Parts of a card that are no keys of its file."""


def at(value: object, name: str, where: str = "") -> At:
    """Return a value of the card of that name, and where it stands; what is wrong with it is a ``CardError``."""
    return At(value, name, where, CardError)


def build(kind: type, content: At, **more: object) -> object:
    """Build a dataclass of a card from plain values by field; one with a default may be missing, as in older cards.

    ``more``: fields that the file does not tell.

    Raises:
        CardError: A key is unknown or missing, or a value has the wrong type.
    """
    given = content.table([field.name for field in fields(kind) if field.name not in more])
    hints = typing.get_type_hints(kind)
    for field in fields(kind):
        if field.name not in {*given, *more} and field.default is MISSING:
            raise CardError(
                "{name} lacks the key '{where}'; add it (empty, and named in 'unverified', if unknown).",
                name=content.file,
                where=content.at(field.name, None).where,
            )
    return kind(**{key: _value(hints[key], value) for key, value in given.items()}, **more)


def _value(hint: object, at: At) -> object:
    origin, arguments, value = typing.get_origin(hint), typing.get_args(hint), at.value
    if isinstance(hint, type) and is_dataclass(hint):
        return build(hint, at)
    if origin is tuple:
        return _tuple(arguments, at)
    if origin is Mapping:
        return types.MappingProxyType({key: _value(arguments[1], one) for key, one in at.table().items()})
    if hint is object or hint is Path:
        return value
    if hint is float and type(value) is int:
        return float(value)
    fits = isinstance(value, str) if hint is str else isinstance(hint, type) and type(value) is hint
    at.require(fits, getattr(hint, "__name__", str(hint)))
    return value


def _tuple(arguments: tuple[object, ...], at: At) -> tuple[object, ...]:
    members = at.each()
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(members)
    at.require(len(members) == len(arguments), say("a list of {arguments}", arguments=len(arguments)))
    return tuple(_value(hint, one) for hint, one in zip(arguments, members, strict=True))
