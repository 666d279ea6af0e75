"""Words of headings: those of ``vocabulary.toml``, and those of targets."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from fundus_core.targets import TARGETS, Derived, own

_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def compact(heading: str) -> str:
    """Return the letters and digits of a heading, in small letters of usual width."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", heading).casefold())


BY_WORD: Mapping[str, str] = Derived(
    lambda: {
        **{compact(word): name for name, one in TARGETS.items() for word in (name, *one.headings)},
        **{word: role for role, words in _FILE["words"].items() for word in words.split()},
    }
)
"""Role by the whole heading, letters and digits only."""
OTHERS = tuple((re.compile(each["pattern"]), str(each["says"])) for each in _FILE["others"])
"""What sounds like a target and is none, with the sentence that says so."""
OWN_PHRASES: Mapping[str, re.Pattern[str]] = Derived(
    lambda: {name: re.compile(one.phrase) for name, one in own().items() if one.phrase}
)
"""What a user has made a target is no longer another thing: ``OTHERS`` are looked for in the rest of the heading."""
PHRASES: Mapping[str, re.Pattern[str]] = Derived(
    lambda: {
        **{name: re.compile(one.phrase) for name, one in TARGETS.items() if one.phrase},
        **{role: re.compile(phrase) for role, phrase in _FILE["phrases"].items()},
    }
)
"""Role by a part of the heading, the first that fits."""
