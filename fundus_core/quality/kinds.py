"""Kinds of pictures: what each is called, whether it is read, and what can be done: ``kinds.toml`` says it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from fundus_core.errors import say


class Kind(StrEnum):
    """What a picture is, as one stable word for every table."""

    COLOUR = "colour"
    NO_BORDER = "no_border"
    NARROW = "narrow_field"
    PADDED = "padded"
    STRETCHED = "stretched"
    SMARTPHONE = "smartphone"
    INFANT = "infant_wide_field"
    ULTRA_WIDE = "ultra_wide_field"
    MONTAGE = "montage"
    NORMALISED = "contrast_normalised"
    DISC = "disc_crop"
    SWAPPED = "red_blue_swapped"
    SINGLE = "single_channel"
    RED_FREE = "red_free"
    ANGIOGRAM = "angiogram"
    AUTOFLUORESCENCE = "autofluorescence"
    SLO = "slo"
    OCT = "oct"
    EXTERNAL = "external_eye"
    DRAWING = "drawing"
    MASK = "mask"
    HEAT_MAP = "heat_map"
    PANEL = "panel"
    OTHER = "other"


class Verdict(StrEnum):
    """What is done with a kind unless a person decides otherwise."""

    ACCEPTED = "accepted"
    UNUSUAL = "unusual"
    """Accepted with a note: the model itself says whether it is too far from what it was trained on."""
    NOT_COLOUR = "not_colour_fundus"
    """A retina, but no colour photograph of a field: refused."""
    NOT_RETINA = "not_a_retina"
    """Refused."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of one kind."""

    name: str
    """For a person, as it stands in tables."""
    verdict: Verdict
    """Accepted, accepted with a note, or refused."""
    advice: str = ""
    """One sentence: what it is, and what can be done; empty where there is nothing to say."""


KINDS: Mapping[Kind, About] = MappingProxyType(
    {
        Kind(code): About(say(row["name"]), Verdict(row["verdict"]), say(row["advice"]) if "advice" in row else "")
        for code, row in tomllib.loads(Path(__file__).with_name("kinds.toml").read_text(encoding="utf-8")).items()
    }
)
"""Every kind, in the order of the README's table."""


def named_in(reason: str) -> Kind | None:
    """Return the kind that a photograph's reason or note speaks of, ``None`` where it speaks of none.

    >>> named_in("First page read. " + KINDS[Kind.MONTAGE].advice).value
    'montage'
    """
    return next((kind for kind, about in KINDS.items() if about.advice and about.advice in reason), None)
