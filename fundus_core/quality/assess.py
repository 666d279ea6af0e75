"""Hold measurements against limits and say the outcome in sentences."""

from fundus_core.errors import say
from fundus_core.quality.limits import LIMITS, Limits
from fundus_core.quality.measures import Measurements, measure
from fundus_core.records import Photograph, QualityCheck, QualityReport, RetinaBounds

CODES = (
    "not_colour_fundus",
    "too_small",
    "illumination",
    "retina_not_found",
    "field_cut",
    "glare",
    "contrast",
    "focus",
)
"""The checks in the order in which they are made; the first that fails is the reason shown."""

_NOUGHT = 1e-9


def assess(photograph: Photograph, bounds: RetinaBounds, limits: Limits = LIMITS) -> QualityReport:
    """Measure a photograph and hold it against limits: every check in the order of ``CODES``, and a score.

    The field of view is in the pixels that the photograph holds.
    """
    return judge(measure(photograph, bounds), limits)


def judge(found: Measurements, limits: Limits = LIMITS) -> QualityReport:
    """Hold measurements against limits; the same measurements can be judged again when limits change."""
    checks = (
        _at_least(
            "not_colour_fundus",
            found.likeness,
            limits.likeness,
            say(
                "The picture does not look like a colour fundus photograph (likeness {likeness:.2f}, at "
                "least {likeness_2:.2f} is needed); remove it, or check that it is neither red-free, grey "
                "nor another kind of picture.",
                likeness=found.likeness,
                likeness_2=limits.likeness,
            ),
        ),
        _at_least(
            "too_small",
            found.diameter_px,
            limits.diameter_px,
            say(
                "The field of view measures {diameter_px:.0f} px across, at least {diameter_px_2:.0f} px are "
                "needed; use the photograph in its original size.",
                diameter_px=found.diameter_px,
                diameter_px_2=limits.diameter_px,
            ),
        ),
        _illumination(found, limits),
        _at_least(
            "retina_not_found",
            1.0 if found.circle else found.likeness,
            limits.likeness_without_circle,
            say(
                "No circular field of view was found, and without one the picture does not look enough like "
                "a retina (likeness {likeness:.2f}, at least {likeness_without_circle:.2f} is needed); use "
                "the photograph with its dark border.",
                likeness=found.likeness,
                likeness_without_circle=limits.likeness_without_circle,
            ),
        ),
        _at_least(
            "field_cut",
            found.field_share,
            limits.field_share,
            say(
                "Only {field_share:.0%} of the field of view lie within the photograph, at least "
                "{field_share_2:.0%} are needed; use the photograph before it was cut.",
                field_share=found.field_share,
                field_share_2=limits.field_share,
            ),
        ),
        _at_most(
            "glare",
            found.glare_share,
            limits.glare_share,
            say(
                "{glare_share:.0%} of the field are burnt out to white, at most {glare_share_2:.0%} are "
                "allowed; take the photograph again with less flash or without the reflection.",
                glare_share=found.glare_share,
                glare_share_2=limits.glare_share,
            ),
        ),
        _at_least(
            "contrast",
            found.contrast,
            limits.contrast,
            say(
                "The retina's contrast is {contrast:.3f}, at least {contrast_2:.3f} is needed; the picture "
                "is hazy or overexposed, take it again.",
                contrast=found.contrast,
                contrast_2=limits.contrast,
            ),
        ),
        _at_least(
            "focus",
            found.focus,
            limits.focus,
            say(
                "The sharpness of the vessels is {focus:.3f}, at least {focus_2:.3f} is needed; the picture "
                "is blurred, take it again in focus.",
                focus=found.focus,
                focus_2=limits.focus,
            ),
        ),
    )
    return QualityReport(checks, _score(checks))


def _illumination(found: Measurements, limits: Limits) -> QualityCheck:
    """Judge brightness first, then evenness: one code, the worse of the two."""
    if found.brightness < limits.brightness:
        message = say(
            "The field is too dark (median brightness {brightness:.0f} of 255, at least "
            "{brightness_2:.0f} is needed); take the photograph again with more light.",
            brightness=found.brightness,
            brightness_2=limits.brightness,
        )
        return _at_least("illumination", found.brightness, limits.brightness, message)
    message = say(
        "Only {lit_share:.0%} of the field are lit, at least {lit_share_2:.0%} are needed; align the "
        "camera with the pupil and take the photograph again.",
        lit_share=found.lit_share,
        lit_share_2=limits.lit_share,
    )
    return _at_least("illumination", found.lit_share, limits.lit_share, message)


def _at_least(code: str, value: float, limit: float, message: str) -> QualityCheck:
    passed = value >= limit
    return QualityCheck(code, value, limit, passed, "" if passed else message)


def _at_most(code: str, value: float, limit: float, message: str) -> QualityCheck:
    passed = value <= limit
    return QualityCheck(code, value, limit, passed, "" if passed else message)


def _score(checks: tuple[QualityCheck, ...]) -> float:
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
