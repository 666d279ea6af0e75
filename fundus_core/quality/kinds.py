"""Kinds of pictures: what each is called, whether it is read, and what can be done; the one place where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
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
        Kind.COLOUR: About(say("colour photograph with a border"), Verdict.ACCEPTED),
        Kind.NO_BORDER: About(
            say("colour photograph without a border"),
            Verdict.UNUSUAL,
            say("The photograph shows no border of the field; if it was cropped, use the whole photograph."),
        ),
        Kind.NARROW: About(
            say("narrow field, or a part of a field"),
            Verdict.UNUSUAL,
            say("The photograph shows a narrow field or a part of one; if it was cropped, use the whole photograph."),
        ),
        Kind.PADDED: About(say("colour photograph with bars beside a cut field"), Verdict.ACCEPTED),
        Kind.STRETCHED: About(
            say("stretched or squeezed photograph"),
            Verdict.UNUSUAL,
            say("The photograph was stretched: its field is an ellipse. Have it unstretched, or use the original."),
        ),
        Kind.SMARTPHONE: About(
            say("smartphone photograph through a lens"),
            Verdict.UNUSUAL,
            say("The photograph seems to be taken through a lens by hand; few models are trained on such pictures."),
        ),
        Kind.INFANT: About(
            say("wide field of an infant's eye"),
            Verdict.UNUSUAL,
            say("The photograph seems to be an infant's wide field; few models are trained on such pictures."),
        ),
        Kind.ULTRA_WIDE: About(
            say("ultra-wide field"),
            Verdict.UNUSUAL,
            say("The photograph seems to be an ultra-wide field; use a model that is trained on such pictures."),
        ),
        Kind.MONTAGE: About(
            say("montage"),
            Verdict.UNUSUAL,
            say("The picture seems to be a montage of several photographs; use the single photographs."),
        ),
        Kind.NORMALISED: About(
            say("contrast-normalised photograph"),
            Verdict.UNUSUAL,
            say("The photograph's contrast was evened out or raised (as by CLAHE); use the original."),
        ),
        Kind.DISC: About(
            say("part of a field, as around the optic disc"),
            Verdict.NOT_COLOUR,
            say("The picture shows a part of the field, as a crop around the optic disc; use the whole photograph."),
        ),
        Kind.SWAPPED: About(
            say("red and blue exchanged"),
            Verdict.NOT_COLOUR,
            say("Red and blue are exchanged; swap the two channels, or export the photograph again as RGB."),
        ),
        Kind.SINGLE: About(
            say("single channel"),
            Verdict.NOT_COLOUR,
            say("The photograph holds a single channel, in grey or in one colour; use the original colour photograph."),
        ),
        Kind.RED_FREE: About(
            say("red-free photograph"),
            Verdict.NOT_COLOUR,
            say("The photograph is red-free or holds the green channel alone; use the colour photograph."),
        ),
        Kind.ANGIOGRAM: About(
            say("angiogram"),
            Verdict.NOT_COLOUR,
            say("The picture seems to be an angiogram: bright vessels on grey. Use the colour photograph."),
        ),
        Kind.AUTOFLUORESCENCE: About(
            say("autofluorescence"),
            Verdict.NOT_COLOUR,
            say("The picture seems to show autofluorescence: grey with a dark disc. Use the colour photograph."),
        ),
        Kind.SLO: About(
            say("scanning laser ophthalmoscopy"),
            Verdict.NOT_COLOUR,
            say("The picture seems to come from a scanning laser ophthalmoscope; use the colour photograph."),
        ),
        Kind.OCT: About(
            say("optical coherence tomography"),
            Verdict.NOT_RETINA,
            say("The picture seems to be a tomogram (OCT), not a photograph; use the colour photograph."),
        ),
        Kind.EXTERNAL: About(
            say("eye from outside"),
            Verdict.NOT_RETINA,
            say("The picture seems to show an eye from outside (iris and pupil), not a retina; leave it out."),
        ),
        Kind.DRAWING: About(
            say("drawing"),
            Verdict.NOT_RETINA,
            say("The picture seems to be drawn, not taken; leave it out."),
        ),
        Kind.MASK: About(
            say("mask"),
            Verdict.NOT_RETINA,
            say("The picture is black and white, as a mask of vessels or of the field; use the photograph."),
        ),
        Kind.HEAT_MAP: About(
            say("heat map"),
            Verdict.NOT_RETINA,
            say("The picture seems to be a heat map, or one laid over a photograph; use the photograph alone."),
        ),
        Kind.PANEL: About(
            say("screenshot, chart or panel of several pictures"),
            Verdict.NOT_RETINA,
            say("The picture seems to be a screenshot, a chart or several pictures in one; use each photograph alone."),
        ),
        Kind.OTHER: About(
            say("other picture"),
            Verdict.NOT_RETINA,
            say("The picture does not look like a retina; leave it out."),
        ),
    }
)
"""Every kind, in the order of the README's table."""


def named_in(reason: str) -> Kind | None:
    """Return the kind that a photograph's reason or note speaks of, ``None`` where it speaks of none.

    >>> named_in("First page read. " + KINDS[Kind.MONTAGE].advice).value
    'montage'
    """
    return next((kind for kind, about in KINDS.items() if about.advice and about.advice in reason), None)
