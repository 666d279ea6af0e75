"""Hold measurements against limits and say the outcome in sentences."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from fundus_core.errors import UsageError, say
from fundus_core.quality.measures import Measurements, measure
from fundus_core.quality.recognise import KINDS, Kind, Verdict
from fundus_core.records import Photograph, QualityCheck, QualityReport, RetinaBounds


@dataclass(frozen=True, slots=True)
class Limits:
    """What a photograph must keep to be gradable, and whether it is unstretched."""

    diameter_px: float = 180.0
    """Least diameter of the field."""
    brightness: float = 20.0
    """Least median brightness of the field, 0..255."""
    lit_share: float = 0.6
    """Least share of the field that is lit."""
    field_share: float = 0.62
    """Least share of the circle that the photograph shows."""
    glare_share: float = 0.12
    """Greatest share of the field that is burnt out."""
    contrast: float = 0.045
    """Least relative spread of the green channel."""
    focus: float = 0.03
    """Least relative sharpness of thin dark lines."""
    unstretch: bool = False
    """Whether a field that was stretched is cut out as the circle that it was."""

    def as_text(self) -> str:
        """Return what differs from the usual limits as JSON text, empty where nothing does; equal limits, equal text.

        >>> Limits(focus=0.05).as_text()
        '{"focus": 0.05}'
        """
        usual = asdict(Limits())
        own = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return json.dumps(own, sort_keys=True) if own else ""

    @classmethod
    def from_text(cls, text: str) -> Limits:
        """Read what ``as_text`` wrote; a ``UsageError`` where it names another limit, or one that is no number."""
        if not text:
            return cls()
        try:
            found = {str(name): float(value) for name, value in json.loads(text).items()}
            unstretch = bool(found.pop("unstretch", 0.0))
        except (ValueError, TypeError, AttributeError) as error:
            raise UsageError(
                "The limits of quality '{text}' cannot be read ({error}); start the run again.",
                text=text[:80],
                error=error,
            ) from error
        known = {field.name for field in fields(cls)} - {"unstretch"}
        if not set(found) <= known or not all(map(math.isfinite, found.values())):
            raise UsageError(
                "The limits of quality '{text}' name something else than {known}.", text=text[:80], known=sorted(known)
            )
        return cls(**found, unstretch=unstretch)


LIMITS = Limits()
"""Lenient: photographs that a person can read pass, diseased eyes included.

Disease, haze that still shows vessels, casts and dark fundi are no reasons: each limit lies below what such photographs
keep (haze that takes 55 % of the contrast of 34 photographs leaves 0.036 to 0.17, a cataract 0.041 to 0.16). What they
do to a prediction the model's own distance from its training says.
"""

_FLOORS = ("brightness", "lit_share", "contrast", "focus")
_CEILINGS = ("glare_share",)


def limits_from_percentile(measurements: Sequence[Measurements], percentile: float) -> Limits:
    """Return limits that the worst photographs of a cohort of 20 or more miss.

    Each of brightness, lit share, contrast, focus and glare gets the cohort's own percentile (0 to 50: the share, in
    percent, that each single check shall refuse) as its limit, unless the usual limit is stricter. What makes a picture
    a fundus photograph is not a matter of percentiles and stays.

    Raises:
        UsageError: The percentile lies outside 0 to 50, or there are too few photographs.
    """
    if not 0.0 <= percentile <= 50.0:
        raise UsageError(
            "A percentile of {percentile} was asked for; it must lie between 0 and 50.", percentile=percentile
        )
    if len(measurements) < 20:
        raise UsageError(
            (
                "Limits cannot be taken from {measurements} {measurements:photograph|photographs}; at least "
                "20 are needed."
            ),
            measurements=len(measurements),
        )
    floors = {name: _percentile(measurements, name, percentile) for name in _FLOORS}
    ceilings = {name: _percentile(measurements, name, 100.0 - percentile) for name in _CEILINGS}
    stricter = {name: max(value, getattr(LIMITS, name)) for name, value in floors.items()}
    stricter |= {name: min(value, getattr(LIMITS, name)) for name, value in ceilings.items()}
    return replace(LIMITS, **stricter)


def _percentile(measurements: Sequence[Measurements], name: str, percentile: float) -> float:
    return float(np.percentile([getattr(one, name) for one in measurements], percentile))


CODES = (
    "not_a_retina",
    "not_colour_fundus",
    "too_small",
    "illumination",
    "field_cut",
    "glare",
    "contrast",
    "focus",
)
"""The checks in the order in which they are made; the first that fails is the reason shown."""

_NOUGHT = 1e-9
_HALF = 0.5
"""Limit of the checks that are passed (1) or not (0)."""


def assess(photograph: Photograph, bounds: RetinaBounds, limits: Limits = LIMITS) -> QualityReport:
    """Measure a photograph and hold it against limits: every check in the order of ``CODES``, and a score.

    The field of view is in the pixels that the photograph holds.
    """
    return apply_limits(measure(photograph, bounds), limits)


_DARK = (
    "The field is too dark (median brightness {brightness:.0f} of 255, at least {brightness_2:.0f} is needed); take "
    "the photograph again with more light."
)
_HELD = (
    (
        "too_small",
        "diameter_px",
        0,
        "The field of view measures {diameter_px:.0f} px across, at least {diameter_px_2:.0f} px are needed; use the "
        "photograph in its original size.",
    ),
    (
        "illumination",
        "lit_share",
        2,
        "Only {lit_share:.0%} of the field are lit, at least {lit_share_2:.0%} are needed; align the camera with the "
        "pupil and take the photograph again.",
    ),
    (
        "field_cut",
        "field_share",
        2,
        "Only {field_share:.0%} of the field of view lie within the photograph, at least {field_share_2:.0%} are "
        "needed; use the photograph before it was cut.",
    ),
    (
        "glare",
        "glare_share",
        2,
        "{glare_share:.0%} of the field are burnt out to white, at most {glare_share_2:.0%} are allowed; take the "
        "photograph again with less flash or without the reflection.",
    ),
    (
        "contrast",
        "contrast",
        3,
        "The retina's contrast is {contrast:.3f}, at least {contrast_2:.3f} is needed; the picture is hazy or "
        "overexposed, take it again.",
    ),
    (
        "focus",
        "focus",
        3,
        "The sharpness of the vessels is {focus:.3f}, at least {focus_2:.3f} is needed; the picture is blurred, take "
        "it again in focus.",
    ),
)
"""A check's code, what was measured and limited for it, the decimals shown, and what is said where it is not kept."""


def apply_limits(found: Measurements, limits: Limits = LIMITS) -> QualityReport:
    """Hold measurements against limits; the same measurements can be judged again when limits change."""
    checks = [
        _kind("not_a_retina", found.kind, Verdict.NOT_RETINA),
        _kind("not_colour_fundus", found.kind, Verdict.NOT_COLOUR),
        *(_held(found, limits, *row) for row in _HELD),
    ]
    dark = _held(found, limits, "illumination", "brightness", 0, _DARK)
    if not dark.passed:  # brightness first, then evenness: one code for both
        checks[CODES.index("illumination")] = dark
    return QualityReport(tuple(checks), _score(checks), found.kind.value)


def _kind(code: str, kind: Kind, refused: Verdict) -> QualityCheck:
    """Judge by the kind alone: what is refused for it is so by the table, not by a number."""
    about = KINDS[kind]
    passed = about.verdict is not refused
    return QualityCheck(code, float(passed), _HALF, passed, "" if passed else about.advice)


def _held(found: Measurements, limits: Limits, code: str, name: str, digits: int, message: str) -> QualityCheck:
    """Hold a value against a limit that it may not go below, or, of glare, may not exceed."""
    value, limit = getattr(found, name), getattr(limits, name)
    worse, better = (_up, _down) if code == "glare" else (_down, _up)
    passed = value <= limit if code == "glare" else value >= limit
    shown = {name: worse(value, digits), f"{name}_2": better(limit, digits)}
    return QualityCheck(code, value, limit, passed, "" if passed else say(message, **shown))


def _down(value: float, digits: int) -> float:
    """Round down: what lies below a limit reads so, however near it is (0.099 of 0.100)."""
    return math.floor(value * 10.0**digits + _NOUGHT) / 10.0**digits


def _up(value: float, digits: int) -> float:
    return math.ceil(value * 10.0**digits - _NOUGHT) / 10.0**digits


def _score(checks: Sequence[QualityCheck]) -> float:
    """Return 0..1: the geometric mean over the checks of how comfortably each limit was kept.

    A check met exactly counts one half, one met twice over counts 1, half a limit counts a quarter. A limit of
    nought that is kept (a cohort without any glare sets it) is met exactly.
    """
    score = 1.0
    for check in checks:
        over, under = (check.limit, check.value) if check.code == "glare" else (check.value, check.limit)
        ratio = (over + _NOUGHT) / (under + _NOUGHT)
        score *= min(max(ratio / 2.0, 0.0), 1.0) ** (1.0 / len(checks))
    return score
