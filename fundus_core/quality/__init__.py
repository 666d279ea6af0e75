"""Is a photograph gradable, and is it a colour fundus photograph at all: coded checks against limits."""

from fundus_core.quality.assess import CODES, apply_limits, assess
from fundus_core.quality.kinds import KINDS, Kind, Verdict, named_in
from fundus_core.quality.limits import LIMITS, Limits, limits_from_percentile
from fundus_core.quality.measures import Measurements, measure
