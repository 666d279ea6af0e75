"""Limits of quality taken from a cohort itself: its worst photographs are refused, whatever its cameras are like."""

import random
import statistics
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fundus_core import images, quality, retina
from fundus_core.errors import PhotographError, say
from fundus_core.journey import WORKING_PX, is_retina
from fundus_core.quality import Limits, Measurements
from fundus_core.records import Photograph, RetinaBounds, Source

SAMPLE = 200
"""Photographs that are measured: the fifth percentile of a cohort is then known to about 1.5 percentage points
(binomial standard error), and it takes seconds."""
FEW = 12
"""Photographs that are looked at to see whether a set is stretched: it takes less than a second."""
_LEAST = 4
_SEED = 20250512
_THREADS = 2


def limits_of(
    found: Iterable[Source], percentile: float, *, progress: Callable[[int, int], None] | None = None
) -> Limits:
    """Take limits from a sample of photographs, the same for the same photographs in the same order.

    Photographs that cannot be read or show no retina do not count: they are refused under any limits. The percentile (0
    to 50) is the share, in percent, that each single check shall refuse. ``progress`` is called with how many of the
    sample are measured and how large it is.

    Raises:
        UsageError: The percentile lies outside 0 to 50, or fewer than 20 photographs can be measured.
    """
    chosen = _sample(found)
    measured = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for number, one in enumerate(pool.map(_measure, chosen), start=1):
            measured.append(one)
            if progress:
                progress(number, len(chosen))
    return quality.limits_from_percentile([one for one in measured if one is not None], percentile)


@dataclass(frozen=True, slots=True)
class StretchedSet:
    """Photographs most of which were stretched, as data sets squeezed to squares are."""

    looked: int
    """Photographs of the sample in which a field was found."""
    stretched: int
    """How many of these are stretched."""
    aspect: float
    """Their median height over width of the field."""

    @property
    def sentence(self) -> str:
        """What the command line says of it."""
        return say(
            "{stretched} of {looked} photographs looked at are stretched: their fields are ellipses, "
            "{aspect:.2f} times as high as wide. --unstretch reads them as they were.",
            stretched=self.stretched,
            looked=self.looked,
            aspect=self.aspect,
        )


def stretched_set(found: Iterable[Source]) -> StretchedSet | None:
    """Look at a few photographs; an answer only where at least half of four or more fields are stretched."""
    with ThreadPoolExecutor(_THREADS) as pool:
        fields = [one for one in pool.map(_field, _sample(found, FEW)) if one is not None and not one.whole_frame]
    aspects = [one.aspect for one in fields if one.aspect != 1.0]
    if len(fields) < _LEAST or 2 * len(aspects) < len(fields):
        return None
    return StretchedSet(len(fields), len(aspects), statistics.median(aspects))


def _field(source: Source) -> RetinaBounds | None:
    photograph = _read(source)
    return None if photograph is None else retina.find(photograph.pixels)


def _read(source: Source) -> Photograph | None:
    try:
        return images.decode(source.read(), source.name, at_least=WORKING_PX)
    except (OSError, PhotographError):
        return None


def _sample(found: Iterable[Source], size: int = SAMPLE) -> list[Source]:
    """Draw without keeping the others (Vitter's algorithm R, doi:10.1145/3147.3165), in their order."""
    draw = random.Random(_SEED)  # noqa: S311 - a sample that can be drawn again, not a secret
    kept: dict[int, tuple[int, Source]] = {}
    for number, source in enumerate(found):
        place = number if number < size else draw.randrange(number + 1)
        if place < size:
            kept[place] = (number, source)
    return [source for _number, source in sorted(kept.values(), key=lambda one: one[0])]


def _measure(source: Source) -> Measurements | None:
    photograph = _read(source)
    if photograph is None:
        return None
    found = quality.measure(photograph, retina.find(photograph.pixels))
    return found if is_retina(quality.apply_limits(found)) else None
