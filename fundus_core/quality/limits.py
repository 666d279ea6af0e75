"""The limits of the checks: the one place where they stand, and how to set them from a cohort."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.quality.measures import Measurements


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
