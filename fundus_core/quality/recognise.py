"""From traits to the kind of a picture: rules in an order, the first that holds decides.

The bends were set on 79 real files of 20 kinds, forms derived from nine of them, rendered eyes and drawn pictures
(``tests/kinds`` makes most of them again). A retina is believed where nothing speaks against it: disease, casts
and darkness do not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from fundus_core.errors import say
from fundus_core.quality.traits import Traits


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


Rule = Callable[[Traits], bool]
_SEAM = 0.4
"""Of the widest row or column, where two fields meet."""


def kind_of(traits: Traits) -> Kind:
    """Return what a picture is."""
    if traits.black:
        return Kind.COLOUR
    return next((kind for kind, rule in _RULES if rule(traits)), Kind.COLOUR)


def _panel(one: Traits) -> bool:
    """Gaps, seams, straight edges through the whole frame, much white, or a second large part beside the field."""
    gaps = (one.frame.gaps > 0.015 and not _written_on(one)) or (one.frame.edge >= 0.92 and one.layered < 2.5)
    page = one.frame.white > 0.08 and one.frame.edge > 0.6 and one.flat > 0.3
    beside = one.frame.around > 0.12 and one.frame.dark > 0.05 and (one.frame.parts > 1 or one.frame.edge > 0.65)
    return gaps or page or beside or one.frame.waist < _SEAM or _strip(one)


def _written_on(one: Traits) -> bool:
    """Whether one field lies in black with little beside it: a name or a date, which goes with the surround."""
    return (
        one.circle
        and one.frame.parts == 1
        and one.frame.dark > 0.1
        and one.frame.around <= 0.12
        and one.frame.white <= 0.08
    )


def _strip(one: Traits) -> bool:
    """Whether the frame is too long for one field: an ellipse may also be found across two."""
    frame, before = (max(ratio, 1.0 / ratio) for ratio in (one.frame.ratio, one.frame.ratio * one.aspect))
    return frame >= 1.95 and (not one.circle or (one.aspect != 1.0 and before >= 1.55))


def _drawing(one: Traits) -> bool:
    painted = one.circle and one.chroma > 0.15 and one.flat >= 0.25 and one.hard >= 0.01 and one.detail < 0.55
    # lines of a photograph lie in noise and beside reflexes, which are bright lines
    lined = one.circle and one.lines.darkness > 1.6 and one.lines.long_share > 0.88 and one.hard >= 0.02
    neon = one.cold >= 0.9 and one.red > 20 and one.bluish < 0.1 and one.lines.darkness < 0.9
    return painted or lined or neon


def _heat_map(one: Traits) -> bool:
    """Colours that a retina lacks; or that change much where its green does not, as no lesion's do.

    A reflex makes red yellow and white, but green and blue rise in it together: where red over green ranged so far on
    16 eyes, they correlated by .96 and more under soft reflexes, by .90 and less under maps in the usual colours.
    """
    if one.chroma <= 0.3:
        return False
    coloured = one.hue >= 0.8 and one.cold >= 0.04 and (_focus(one) < 0.058 or one.hue > 1.6)
    return coloured or (one.hue >= 0.75 and one.contrast < 0.4 and one.blue > 20 and one.together < 0.93)


def _oct(one: Traits) -> bool:
    if not one.grey:
        return False
    layered = one.layered >= 1.9 and one.frame.white < 0.3 and one.flat < 0.5
    speckled = one.hard > 0.25 and one.detail > 8
    return layered or (speckled and not one.circle and one.lines.darkness < 1.0)


def _other(one: Traits) -> bool:
    """Hard edges everywhere, a texture without lines, or no field and nothing like vessels in it."""
    lines = one.lines
    if _tissue(one):
        return one.slope >= 0.32
    hard = one.slope >= (0.15 if one.circle else 0.135) or (one.slope >= 0.09 and one.hole[0] >= 0.025)
    clutter = (0.085, 0.055, 1.16) if one.circle else (0.06, 0.045, 1.19)
    cluttered = one.slope >= clutter[0] and one.hard >= clutter[1] and lines.darkness < clutter[2]
    short = lines.long_share < 0.02 or (lines.long_share < 0.12 and lines.darkness < 1.0 and _focus(one) > 0.04)
    texture = short and lines.strength > 0.015  # haze leaves short faint lines in a retina, too
    nothing = not one.circle and (lines.darkness < 1.1 or lines.long_share < 0.12)
    unlike = one.circle and one.cold > 0.3 and one.swapped < 0.5 and lines.darkness < 1.0 and lines.strength > 0.015
    return hard or cluttered or texture or nothing or unlike


def _tissue(one: Traits) -> bool:
    """Whether a round field has a retina's colours in several shades, which few other things have.

    Disease, laser and haze make edges, textures and short lines, so that these say nothing against it.
    """
    ordered = one.red > 1.05 * one.green and one.green > 0.8 * one.blue
    return one.circle and ordered and one.hue >= 0.16 and one.cold < 0.1 and one.frame.around <= 0.12


def _pupil(one: Traits) -> bool:
    seen = one.circle and one.lines.darkness < 1.2 and one.slope >= 0.09
    return seen and one.hole[0] >= 0.025 and one.hole[1] < 0.3


def _piece(one: Traits) -> bool:
    """Whether a picture in colour is a part of a field; what is too dark or too hazy to tell is refused for that.

    One without a border carries a note in any case, so that more must speak against it.
    """
    seen = max(one.red, one.green) >= 20.0 and one.contrast >= 0.045
    return seen and not one.grey and one.piece > (1.2 if one.circle else 1.4)


def _focus(one: Traits) -> float:
    return one.lines.strength / (one.contrast + 0.02)


def _raised(one: Traits) -> bool:
    """Much detail everywhere, not in scars and spots alone, which raise the contrast more and are no long lines."""
    everywhere = one.detail >= max(2.65, 4.3 * (one.contrast + 0.02))
    return everywhere and (one.detail >= 4.0 or one.lines.long_share > 0.33)


def _montage(one: Traits) -> bool:
    irregular = one.frame.around > 0.12 or not one.circle
    return irregular and not one.grey and one.frame.dark > 0.2 and one.frame.parts == 1 and one.frame.edge < 0.65


def _infant(one: Traits) -> bool:
    """A wide field that is hazy, pale and yellowish, or cut above and below."""
    pale = one.circle and one.lines.strength < 0.006 and one.chroma < 0.65
    yellow = one.green > 0.8 * one.red and one.blue < 0.75 * one.green
    return pale and (yellow or one.cuts >= 2)


_RULES: tuple[tuple[Kind, Rule], ...] = (
    (Kind.MASK, lambda one: one.grey and one.extreme >= 0.78 and (one.frame.white < 0.3 or one.circle)),
    (Kind.OCT, _oct),
    (Kind.DRAWING, _drawing),
    (Kind.PANEL, _panel),
    (Kind.HEAT_MAP, _heat_map),
    (Kind.EXTERNAL, lambda one: _pupil(one) and one.frame.dark < 0.6),
    (Kind.MONTAGE, _montage),
    (Kind.SINGLE, lambda one: max(one.green, one.blue) < 0.05 * one.red + 2.0 and one.red > 40),
    (
        Kind.ULTRA_WIDE,
        lambda one: one.blue < 14 and one.hue >= 0.8 and one.lines.long_share < 0.3 and one.frame.dark > 0.08,
    ),
    (Kind.DISC, _piece),
    # a map laid over the whole picture, however faintly, colours the border too
    (Kind.HEAT_MAP, lambda one: one.frame.tints >= 24.0),
    # the average of the surroundings taken away, as by Graham (2015): nothing but detail around the middle
    (
        Kind.NORMALISED,
        lambda one: (
            not one.grey and all(abs(level - 128) < 16 for level in (one.red, one.green, one.blue)) and one.even < 0.25
        ),
    ),
    (Kind.ANGIOGRAM, lambda one: one.grey and one.lines.darkness < 0.95 and one.slope < 0.09),
    (Kind.RED_FREE, lambda one: one.cold >= 0.9 and one.bluish < 0.1 and max(one.red, one.blue) < 0.5 * one.green),
    (Kind.OTHER, _other),
    (Kind.AUTOFLUORESCENCE, lambda one: one.grey and one.bright_disc < (0.42 if one.circle else 0.38)),
    (Kind.SLO, lambda one: one.grey and not one.circle),
    (Kind.SINGLE, lambda one: one.grey),
    (Kind.SWAPPED, lambda one: one.swapped >= 0.5 and one.blue > 1.25 * one.red and one.lines.darkness > 1.05),
    (Kind.RED_FREE, lambda one: not one.colour),
    (Kind.SMARTPHONE, lambda one: one.circle and 0.2 < one.chroma < 0.5 and one.hard > 0.004 and one.spots > 0.0004),
    (Kind.INFANT, _infant),
    (Kind.NORMALISED, _raised),
    (Kind.STRETCHED, lambda one: one.aspect != 1.0),
    (Kind.NARROW, lambda one: one.circle and one.piece > 0.0),
    (Kind.PADDED, lambda one: one.cuts > 0),
    (Kind.NO_BORDER, lambda one: not one.circle),
)
"""What a picture is not, before what it is; among photographs what matters most for a model first.

Within a rule, what costs most to measure is asked last."""
