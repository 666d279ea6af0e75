"""Equivalence: is a difference smaller than a margin that was stated beforehand?"""

from dataclasses import dataclass

from fundus_core.errors import say
from fundus_core.evaluation.intervals.contrasts import Contrast
from fundus_core.targets import target as find_target

CONFIDENCE = 0.9
"""Of the interval that two one-sided tests at 5 % go with."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether two sides differ by less than a margin stated beforehand (two one-sided tests at 5 %)."""

    target: str
    """Target id."""
    score: str
    """Which score."""
    first: str
    """Name of one side."""
    second: str
    """Name of the other."""
    margin: float
    """Stated beforehand, in the target's unit."""
    difference: float | None
    """First minus second."""
    low: float | None
    """Lower end of the 90 % interval, which two one-sided tests at 5 % go with."""
    high: float | None
    """Upper end of the 90 % interval."""
    p: float | None
    """Of the two one-sided tests; below 0.05 the sides are equivalent within the margin."""
    verdict: str
    """In words."""


def equivalent(names: tuple[str, str, str, str], margin: float, contrast: Contrast | None) -> Equivalence:
    """Return the verdict on a difference (target, score, first, second); ``None`` where it cannot be tested.

    Schuirmann 1987, doi:10.1007/BF01068419.

    >>> equivalent(("sbp", "bias", "a", "b"), 2.0, Contrast(0.5, 0.5, float("inf"), "")).verdict
    'equivalent within 2 mmHg'
    """
    if contrast is None:
        return Equivalence(*names, margin, None, None, None, None, "not estimable: a cohort has too few people")
    p, unit = contrast.equivalence_p(margin), say(find_target(names[0]).unit)
    shown = (
        say("equivalent within {margin:g} {unit}", margin=margin, unit=unit)
        if p < 0.05
        else say("not shown to be within {margin:g} {unit}", margin=margin, unit=unit)
    )
    return Equivalence(*names, margin, contrast.value, *contrast.interval(CONFIDENCE), p, shown)
