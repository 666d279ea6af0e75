"""Is a photograph gradable, and is it a colour fundus photograph at all: coded checks against limits."""

from fundus_core.quality.gradability import CODES, LIMITS, Limits, apply_limits, assess, limits_from_percentile
from fundus_core.quality.measures import Measurements, measure
from fundus_core.quality.recognise import KINDS, Kind, Verdict, named_in
