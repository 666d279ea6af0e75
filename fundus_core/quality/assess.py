"""Hold measurements against limits and say the outcome in sentences."""

import math
from collections.abc import Sequence

from fundus_core.errors import say
from fundus_core.quality.kinds import KINDS, Kind, Verdict
from fundus_core.quality.limits import LIMITS, Limits
from fundus_core.quality.measures import Measurements, measure
from fundus_core.records import Photograph, QualityCheck, QualityReport, RetinaBounds

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
