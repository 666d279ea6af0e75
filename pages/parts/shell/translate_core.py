"""Says in another language what the core says in English, by matching its sentences against templates.

The core speaks English alone: its sentences stand in stored results, tables and on the command line, where scripts
read them. A catalogue holds each template of the core, such as ``'{name}' is empty; give a table.``, with places for
values. A template becomes a regular expression; what stood in its places is carried over to the translation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

PLACE = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
"""A place for a value in a template: its name, and how the core formats it."""

_END = re.compile(r"(?<=[.!?]) ")
_WORD = re.compile(r"[A-Za-z]{3,}")
_NUMBER = r"[-+−]?(?:[\d.,]+(?:e[-+]?\d+)?%?|inf|nan)"
_OF_OTHERS = ("heading", "personal", "shown")
"""Places of headings and cells begin so; what stands in quotation marks is of others too."""
_MOST_SENTENCES = 6
"""A value, such as a file's name, can hold what looks like an end of a sentence: so many pieces are tried as one."""
_KEPT = 4096
"""Translated texts that are remembered."""


def sentences(text: str) -> list[str]:
    """Return a text's sentences, cut after full stops that a space follows.

    >>> sentences("It is empty. Take v1.2 of it.")
    ['It is empty.', 'Take v1.2 of it.']
    """
    return [piece.strip() for piece in _END.split(text) if piece.strip()]


def places(template: str) -> list[str]:
    """Return the names of a template's places, sorted."""
    return sorted(name for name, _form in PLACE.findall(template))


@dataclass(frozen=True)
class Template:
    """One sentence of the core with places for values."""

    english: str
    """As in the catalogue."""
    said: str
    """The translation, with the same places."""

    @property
    def letters(self) -> int:
        """Literal characters; of two templates that match, the one with more is meant."""
        return len(PLACE.sub("", self.english))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the whole English sentence, a group for each place; made when a sentence first asks for it."""
        parts, end = [], 0
        for found in PLACE.finditer(self.english):
            name, form = found.groups()
            parts += [re.escape(self.english[end : found.start()]), f"(?P<{name}>{_shape(form)})"]
            end = found.end()
        return re.compile("".join([*parts, re.escape(self.english[end:])]), re.DOTALL)

    @cached_property
    def given(self) -> frozenset[str]:
        """Places of names that others gave, which are never translated: those in quotation marks, and headings."""
        quoted = re.findall(r"'\{(\w+)\}'", self.english)
        names = [name for name, _form in PLACE.findall(self.english)]
        return frozenset(name for name in names if name in quoted or name.startswith(_OF_OTHERS))


def _shape(form: str | None) -> str:
    return _NUMBER if form and form[-1] in "dfge%," else ".*?"


@dataclass(frozen=True)
class Phrasebook:
    """All sentences of the core in one other language."""

    catalogue: Mapping[str, str]
    """Template to translation."""
    stop: str = "。"
    """Ends a sentence of the language; after it no space follows."""
    clause: str = "；"
    """Stands between notes that are no sentences of their own."""
    listed: str = "、"
    """Stands between the members of a list."""
    both: str = "と"
    """Stands between two that belong together."""
    _known: dict[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def _by_word(self) -> Mapping[str, Sequence[Template]]:
        """Templates by their longest word: a sentence without that word cannot be theirs."""
        found: dict[str, list[Template]] = defaultdict(list)
        for template, said in self.catalogue.items():
            if PLACE.search(template):
                words = _WORD.findall(PLACE.sub(" ", template))
                found[max(words, key=len, default="")].append(Template(template, said))
        return {word: sorted(ones, key=lambda one: -one.letters) for word, ones in found.items()}

    def translate(self, text: str) -> str:
        """Return a text of the core in the language; what the catalogue does not know stays as it is."""
        if text not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[text] = self._translated(text)
        return self._known[text]

    def _translated(self, text: str) -> str:
        pieces, out, at = _END.split(text), [], 0
        while at < len(pieces):
            found, used = self._longest_needed(pieces[at:])
            out.append(found)
            at += used
        return self._joined(out) if any(map(str.__ne__, out, pieces)) else text

    def _longest_needed(self, pieces: Sequence[str]) -> tuple[str, int]:
        """Return what the first sentences mean, and how many pieces they are; the fewest that match are taken."""
        for count in range(1, min(len(pieces), _MOST_SENTENCES) + 1):
            found = self._sentence(" ".join(pieces[:count]).strip())
            if found is not None:
                return found, count
        return pieces[0], 1

    def _joined(self, pieces: Sequence[str]) -> str:
        spaced = (piece if piece.endswith(self.stop) else f"{piece} " for piece in pieces)
        return "".join(spaced).strip()

    def _sentence(self, sentence: str) -> str | None:
        if sentence in self.catalogue:
            return self.catalogue[sentence]
        words = sorted({*_WORD.findall(sentence), ""}, key=len, reverse=True)
        for template in (template for word in words for template in self._by_word.get(word, ())):
            if found := template.pattern.fullmatch(sentence):
                return self._filled(template, found)
        return self._all(sentence.split("; "), self.clause)

    def _all(self, parts: Sequence[str], between: str) -> str | None:
        """Return notes that the core joined, each in the language; ``None`` where one of them is not known."""
        found = [self._sentence(part) for part in parts] if len(parts) > 1 else [None]
        return between.join(map(str, found)) if None not in found else None

    def _filled(self, template: Template, found: re.Match[str]) -> str:
        values = {
            name: value if name in template.given else self._value(value) for name, value in found.groupdict().items()
        }
        return PLACE.sub(lambda place: values[place[1]], template.said)

    def _value(self, value: str) -> str:
        """Return a value in the language where it, or every member of the list that it is, is known."""
        plain = value.strip(" ;.")
        small = plain[:1].lower() + plain[1:]  # a name at the beginning of a sentence
        for known in (plain, small):
            if known in self.catalogue:
                return self.catalogue[known]
        joined = self._all(plain.split(", "), self.listed) or self._all(plain.split(" and "), self.both)
        return joined or (self._translated(value) if " " in plain else value)


Translate = Callable[[str], str]
"""What turns a text of the core into the reader's language."""
