"""What the core says - errors, reasons, notes, faults - as codes with values; and what can go wrong.

    raise UsageError("'{name}' holds {count:,} {count:file|files}; give one.", name=name, count=count)
    note = say("{count:,} rows are hidden: {names}.", count=3, names=["a", "b"])

The English template is the code, as gettext has it: one place for a sentence, English needs no catalogue, and a reader
of the source sees what is said. Every other language is a catalogue from templates to templates, and a translation is
a look-up and the filling of places. No finished sentence is ever taken apart.

A place is ``{name}`` or ``{name:form}``. The form is Python's for numbers (``,``, ``.1f``, ``.0%``); ``one|more``
chooses by the number; for a list it says what stands between its members: nothing for commas, ``and``, ``or``, ``x``,
``;`` for notes, ``.`` for sentences. Values are numbers, sentences, words of others (names, headings, ids), or lists of
these. Words of others are never translated; words of ours are said: ``say("photographs")``. A translation names its
places alone.

Every message says what was found, what is allowed and what to do next. A message never holds a patient's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Integral, Real
from string import Formatter
from types import MappingProxyType
from typing import Any

Value = str | int | float | tuple["Value", ...]
"""What stands in a place."""


class Sentence(str):
    """A text of the core: the English words, and what they were made of.

    It compares, hashes and is written like its text, and survives pickling, ``str()`` and errors.
    """

    code: str
    """The English template; the key of every catalogue."""
    values: Mapping[str, Value]
    """By place."""

    def __new__(cls, code: str, values: Mapping[str, Value]) -> Sentence:
        """Fill the template's places."""
        code = str.__str__(code)  # a member of an enumeration is its word
        self = super().__new__(cls, ENGLISH.filled(code, code, values))
        self.code, self.values = code, MappingProxyType(dict(values))
        return self

    def __str__(self) -> str:
        return self  # so that str(error) keeps code and values

    def __reduce__(self) -> tuple[Any, ...]:
        return Sentence, (self.code, dict(self.values))


def say(code: str, /, **values: object) -> str:
    """Return a sentence of the core, a text that keeps its code and values.

    >>> say("{count:,} {count:photograph|photographs} of {whose:and}", count=1, whose=["Ann", "Bob"])
    '1 photograph of Ann and Bob'
    """
    if isinstance(code, Sentence) and not values:
        return code
    return Sentence(code, {name: _value(value) for name, value in values.items()})


def _value(value: object) -> Value:
    if isinstance(value, Sentence | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(map(_value, value))
    if isinstance(value, OSError) and value.strerror:
        return say(value.strerror)
    text = str(value)  # an error gives its sentence
    return text if isinstance(text, Sentence) else "".join(text)


_BETWEEN = MappingProxyType({"": ", ", "and": " and ", "or": " or ", ";": "; ", ".": " ", "x": " x "})


@dataclass(frozen=True)
class Tongue:
    """A language: its templates, and what it puts between the members of a list."""

    catalogue: Mapping[str, str] = field(default_factory=dict)
    """English template to the language's; empty for English."""
    between: Mapping[str, str] = field(
        default_factory=lambda: {"": ", ", "and": " and ", "or": " or ", ";": "; ", ".": " ", "x": " x "}
    )
    """By a list's form."""

    def say(self, text: str) -> str:
        """Return a text of the core in the language; what the catalogue does not know stays English."""
        code = text.code if isinstance(text, Sentence) else text
        template = self.catalogue.get(code)
        if not isinstance(text, Sentence):
            return text if template is None else template
        return self.filled(code if template is None else template, code, text.values)

    def filled(self, template: str, code: str, values: Mapping[str, Value]) -> str:
        """Return a template with its values; a place without a form has the one that it has in English."""
        if not values:
            return template
        forms = {name: form for _, name, form in _parts(code) if "|" not in form}
        return "".join(
            before + (self._shown(values[name], form or forms.get(name, "")) if name else "")
            for before, name, form in _parts(template)
        )

    def _shown(self, value: Value, form: str) -> str:
        if isinstance(value, tuple):
            members = [self._shown(member, "") for member in value]
            last = self.between[form].join(members[-2:])
            return self.between["" if form in {"and", "or"} else form].join([*members[:-2], last])
        if "|" in form:
            return form.split("|")[value != 1]
        if isinstance(value, Sentence):
            return self.say(value)
        return format(value, form)


ENGLISH = Tongue()


@lru_cache(4096)
def _parts(template: str) -> Sequence[tuple[str, str, str]]:
    """Return the words before each place, the place's name, and its form."""
    return [(before, name or "", form or "") for before, name, form, _ in Formatter().parse(template)]


def places(template: str) -> dict[str, str]:
    """Return the name of each place of a template, and its form."""
    return {name: form for _, name, form in _parts(template) if name}


def joined(texts: Iterable[str], between: str = ".") -> str:
    """Return several sentences or notes as one text, without those that are empty; ``between`` is a list's form."""
    there = [text if isinstance(text, Sentence) else say(text) for text in texts if text]
    return say("{each:" + between + "}", each=there) if len(there) > 1 else "".join(there[:1]) and there[0]


def members(text: str) -> tuple[str, ...]:
    """Return what ``joined`` made a text of; the text itself where it did not."""
    each = text.values.get("each") if isinstance(text, Sentence) else None
    return tuple(map(str, each)) if isinstance(each, tuple) else (text,) if text else ()


def packed(text: str) -> str:
    """Return what ``unpacked`` makes the same sentence of, beside its English; empty for a text without values."""
    return json.dumps(as_json(text), ensure_ascii=False) if isinstance(text, Sentence) else ""


def kept(text: str) -> str:
    """Return a text for a column that has no other beside it for values."""
    return packed(text) or text


def heard(text: str) -> str:
    """Return what ``kept`` was given."""
    try:
        found = from_json(json.loads(text)) if text.startswith('{"say": ') else text
    except ValueError:
        return text
    return found if isinstance(found, Sentence) else text


def unpacked(text: str, written: str) -> str:
    """Return a sentence that was kept as its English and its values; the English alone where they do not agree."""
    try:
        found = from_json(json.loads(written)) if written else text
    except ValueError:
        return text
    return found if found == text else text


def as_json(value: Any) -> Any:
    """Return plain values, in which there may be sentences, as JSON has them."""
    if isinstance(value, Sentence):
        return {"say": value.code, "with": as_json(value.values)}
    if isinstance(value, Mapping):
        return {key: as_json(each) for key, each in value.items()}
    return [as_json(each) for each in value] if isinstance(value, list | tuple) else value


def from_json(found: Any) -> Any:
    """Return the values that were written, which may be a stranger's; a ``ValueError`` where no sentence was."""
    if isinstance(found, list):
        return [from_json(each) for each in found]
    if not isinstance(found, dict):
        return found
    values = {key: from_json(each) for key, each in found.items()}
    return _sentence(values["say"], values["with"]) if values.keys() == {"say", "with"} else values


def _sentence(code: Any, values: Any) -> str:
    try:
        if any("|" not in form and sum(map(str.isdigit, form)) > 1 for form in places(code).values()):
            raise ValueError(code)  # a number as wide as the memory
        return say(code, **values)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


class FundusError(Exception):
    """The parent of every error that this package raises on purpose; its message is a sentence."""

    def __init__(self, message: str = "", /, **values: object) -> None:
        """Take a sentence, or a template and its values."""
        super().__init__(say(message, **values) if values else message)


class UsageError(FundusError):
    """The call itself is at fault (a wrong option, a missing folder): nothing was written."""


class PhotographError(FundusError):
    """One file could not be read as a photograph; the batch goes on without it.

    Attributes:
        code: The stable word for the reason (``empty_file``, ``truncated``, ...), used in exports.
    """

    def __init__(self, code: str, message: str, /, **values: object) -> None:
        """Keep the code beside the sentence."""
        super().__init__(message, **values)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.args[0])


class TruthError(FundusError):
    """A table of measured values could not be used as it stands."""


class CardError(FundusError):
    """A model card is incomplete or does not fit its weights."""


class NotEstimableError(FundusError):
    """A statistic has no value on these data; the message says why."""
