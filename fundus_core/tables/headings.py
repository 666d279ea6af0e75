"""What a heading says, in English, in Japanese, in the registry's own abbreviations: role, unit, eye, coding."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from fundus_core.errors import say
from fundus_core.identity import EYES, without_eye
from fundus_core.records import Eye
from fundus_core.tables.units import UNITS, bare_unit, unit_of
from fundus_core.tables.units import unit as unit_for
from fundus_core.targets import TARGETS, Derived, own

_FILE = tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))


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


@dataclass(frozen=True, slots=True)
class Meaning:
    """One heading as understood."""

    role: str
    """One of the mapping's roles; empty where the words are not known."""
    confidence: float
    """0..1."""
    reason: str
    """One sentence."""
    unit: str = ""
    """Written in the heading."""
    eye: Eye = Eye.UNKNOWN
    """Written in the heading."""
    coding: tuple[tuple[str, str], ...] = field(default=())
    """Written in the heading: ``(1:男 2:女)``."""


_HOSPITAL_NUMBER = re.compile(r"mrn|medicalrecord|chart|hospitalid|カルテ|診察券")

_BRACKETS = re.compile(r"[(\[{<【「〔](.*?)[)\]}>】」〕]")
_TELLING = frozenset(("上", "下", "最高", "最低", "収縮期", "拡張期", "systolic", "diastolic", "sys", "dia"))
_REPEAT = re.compile(
    r"(?:[\s_.\-]*(?:\d|\d回目|第\d回|visit ?\d|v\d|baseline|bl|mean|avg|average|平均|値|測定値|value|result|結果))+$"
)
_WORD = r"(男性?|女性?|female|male|f|m|right|left|右眼?|左眼?|r|l|od|os)"
_CODE_FIRST = re.compile(rf"(?<![0-9a-z])([0-9a-z])\s?[:=.)]?\s?{_WORD}(?![a-z])")
_WORD_FIRST = re.compile(rf"(?<![a-z]){_WORD}\s?[:=.(]?\s?([0-9])(?![0-9])")
_STARTS_WITH_WORD = re.compile(rf"\W*{_WORD}\s?[:=.(]?\s?[0-9]")


def spread(heading: str) -> str:
    """Return the heading in one width and case, its words (also ``camelCase``) apart by blanks.

    >>> spread("SystolicBP_mean"), spread("収縮期血圧（ｍｍＨｇ）")
    ('systolic bp mean', '収縮期血圧(mm hg)')
    """
    text = unicodedata.normalize("NFKC", heading)
    text = re.sub(r"(?<=[a-z]{2})(?=[A-Z])", " ", text)
    return " ".join(re.sub(r"[_\s]+", " ", text.casefold()).split())


def understand(heading: str) -> Meaning:
    """Return what a heading means; the role is empty where it is not known."""
    return _understood(heading, len(TARGETS))


_BIOBANK: Mapping[str, tuple[str, str]] = {
    "4080": ("sbp", "mmHg"),
    "93": ("sbp", "mmHg"),
    "4079": ("dbp", "mmHg"),
    "94": ("dbp", "mmHg"),
    "21001": ("bmi", "kg/m²"),
    "48": ("waist", "cm"),
    "30740": ("glucose", "mmol/L"),
    "21003": ("age", "years"),
    "21022": ("age", "years"),
    "31": ("sex", ""),
    "50": ("height", "cm"),
    "21002": ("weight", "kg"),
    "53": ("exam_date", ""),
}
"""Fields of UK Biobank (biobank.ndph.ox.ac.uk/showcase): role and unit; 93 and 94 were read by hand."""
_FIELD = re.compile(r"(?:f\.|p|n_|x)?(\d{2,5})(?:-(\d+)\.(\d+)|\.(\d+)\.(\d+)|_i(\d+)(?:_a(\d+))?|_(\d+)_(\d+))")
_PLAIN_FIELD = re.compile(r"p(\d{2,5})")
"""``4080-0.1``, ``f.4080.0.1``, ``p4080_i0_a1``, ``n_4080_0_1``: field, visit, and which of several readings."""


def _of_biobank(heading: str) -> Meaning | None:
    """Return what a field of UK Biobank holds; the first visit's first reading is surest."""
    found = _FIELD.fullmatch(heading.strip()) or _PLAIN_FIELD.fullmatch(heading.strip())
    if found is None or found[1] not in _BIOBANK:
        return None
    role, unit = _BIOBANK[found[1]]
    by_hand = found[1] in ("93", "94", "21022")
    sure = 0.95 - 0.1 * by_hand - sum(0.05 * min(int(place), 3) for place in found.groups()[1:] if place)
    coding = (("0", "female"), ("1", "male")) if role == "sex" else ()  # their data-coding 9, the other way than ours
    reason = say("Field {field} of UK Biobank.", field=found[1])
    return Meaning(role, sure, reason, unit, coding=coding)


@lru_cache(maxsize=4096)
def _understood(heading: str, _targets: int) -> Meaning:
    if (of_biobank := _of_biobank(heading)) is not None:
        return of_biobank
    text = spread(heading)[:200]
    bare, unit, coding, inside = _without_brackets(text)
    if not unit:
        bare, unit = bare_unit(bare)
    bare, eye = without_eye(bare, inside)
    meaning = _role(bare.strip(), text)
    if meaning.role in UNITS:
        unit = unit if unit_for(meaning.role, unit) is not None else ""
        meaning = replace(meaning, unit=unit)
    return replace(meaning, eye=eye, coding=coding)


def _without_brackets(text: str) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    inside = " ".join(_BRACKETS.findall(text))
    unit = next((u for part in _BRACKETS.findall(text) if (u := unit_of(part))), "")
    bare = " ".join(_BRACKETS.sub(lambda part: f" {part[1]}" if part[1] in _TELLING else " ", text).split())
    coding = _coding(inside or text)
    tail = re.search(r"[,、:/]\s?([^,、:/]+(?:/[^,、:/]+)?)$", bare)
    if not unit and tail and (unit := unit_of(tail[1])):
        bare = bare[: tail.start()]
    return bare or inside, unit, coding, inside


def _coding(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``1:男 2:女``, ``男1女2``, ``F=1``; nothing where it could be chance (``m`` in a unit)."""
    if _STARTS_WITH_WORD.match(text):
        return tuple((code, _decoded(word)) for word, code in _WORD_FIRST.findall(text))
    coding = tuple((code, _decoded(word)) for code, word in _CODE_FIRST.findall(text))
    digits = all(code.isdigit() for code, _ in coding)
    return coding if digits and (len(coding) > 1 or "=" in text) else ()


def _decoded(word: str) -> str:
    if word in EYES:
        return EYES[word].value
    return "female" if word in ("f", "female") or word.startswith("女") else "male"


def _role(bare: str, whole: str) -> Meaning:
    compact = re.sub(r"[\W_]+", "", bare)
    known = compact in BY_WORD and compact not in _OTHER_EXACT
    other = _other(" ".join(_BRACKETS.findall(whole)) if known else whole)
    if other:
        return Meaning("covariate", 0.9, other)
    if known:
        return _exact(compact, 0.95)
    shorter = re.sub(r"[\W_]+", "", _REPEAT.sub("", bare))
    if shorter and shorter != compact and shorter in BY_WORD:
        return _exact(shorter, 0.8)
    for role, pattern in PHRASES.items():
        if pattern.search(bare):
            return Meaning(role, 0.75, say("The heading contains words for {role}.", role=spoken(role)))
    return Meaning("", 0.0, "")


def _other(text: str) -> str:
    """Return the sentence about what only sounds like a target; empty where nothing does."""
    if _END.search(text) and not TARGETS.keys().isdisjoint(text.split()):
        return "The end of an interval, not a measured value: kept for grouping only."
    for phrase in OWN_PHRASES.values():
        text = phrase.sub(" ", text)
    return next((reason for pattern, reason in OTHERS if pattern.search(text)), "")


def is_heading_word(text: str) -> bool:
    """Return whether a folded text is, as a whole, a word for one of the roles."""
    return re.sub(r"[\W_]+", "", text) in BY_WORD


_END = re.compile(r"\b(?:low|high|lower|upper)$")
_OTHER_EXACT = frozenset(("map", "insulin"))
_SHORT = frozenset(
    "ac bs bg pg ht bh bw wt sys dia bps bpd wc id date file lat case path bp 最高 最低 pas pad sugar imc taille"
    " peso".split()
)


def _exact(compact: str, confidence: float) -> Meaning:
    role = BY_WORD[compact]
    if compact in _SHORT:
        return Meaning(
            role,
            confidence - 0.2,
            say("The abbreviation '{compact}' usually means {role}.", compact=compact, role=spoken(role)),
        )
    return Meaning(role, confidence, say("The heading means {role}.", role=spoken(role)))


def is_hospital_number(heading: str) -> bool:
    """Return whether the heading names a number that a hospital knows the patient by."""
    return bool(_HOSPITAL_NUMBER.search(re.sub(r"[\W_]+", "", spread(heading))))


_SPOKEN = {
    "photograph": "the photograph's name",
    "patient_id": "the patient's id",
    "eye": "which eye",
    "blood_pressure": "systolic and diastolic pressure in one cell",
    "height": "body height",
    "weight": "body weight",
    "birth_date": "the date of birth",
    "exam_date": "the date of the examination",
    "visit": "which visit",
    "personal": "personal data",
    "sex": "sex",
}


def spoken(role: str) -> str:
    """Return the role in words for a sentence."""
    return say(_SPOKEN.get(role) or (TARGETS[role].name if role in TARGETS else role))
