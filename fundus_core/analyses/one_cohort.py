"""Every analysis of one cohort under one model."""

from collections.abc import Sequence
from typing import Any

from fundus_core.analyses.criteria import (
    BOUNDS,
    COUNTS,
    CRITERIA,
    CRITERIA_CALIBRATION,
    CRITERION,
    CURVES,
    DECISIONS,
    PRECISION_RECALL,
    PREVALENCES,
    ROC,
    TENTHS,
    TREATED,
    TREATED_PREVALENCES,
)
from fundus_core.analyses.gap import GAP, GAP_CHECKS, REFERENCE_ERROR
from fundus_core.analyses.intervals import INTERVALS, INTERVALS_BY
from fundus_core.analyses.observations import (
    AGREEMENT,
    BASELINES,
    CALIBRATION,
    CALIBRATION_CURVE,
    DRAWN,
    ERRORS,
    RESIDUALS,
    RESIDUALS_OF_PREDICTION,
    SCATTER,
)
from fundus_core.analyses.over_time import CHANGE, COURSE, REPEATABILITY
from fundus_core.analyses.refused import DECIDED, MISSING, REFUSED, REFUSED_ALONG, WEIGHTED
from fundus_core.analyses.results import RESULTS, RESULTS_OF_CLASSES
from fundus_core.analyses.scores import BEYOND, POINTS, QUICK_SCORES, SCORES
from fundus_core.analyses.study import Analysis
from fundus_core.analyses.subgroups import EYES, NEIGHBOURS, SUBGROUP_DIFFERENCES, SUBGROUPS

SECTIONS: Sequence[Analysis[Any]] = (
    BEYOND,
    BASELINES,
    TREATED,
    SUBGROUPS,
    SUBGROUP_DIFFERENCES,
    INTERVALS,
    INTERVALS_BY,
    EYES,
    CHANGE,
    REPEATABILITY,
    REFERENCE_ERROR,
    DECIDED,
    WEIGHTED,
    MISSING,
    REFUSED_ALONG,
    GAP,
    GAP_CHECKS,
)
"""Tables of one target that stand below its estimates in a report."""

TABLES: Sequence[Analysis[Any]] = (
    BEYOND,
    BASELINES,
    TREATED,
    SUBGROUPS,
    SUBGROUP_DIFFERENCES,
    CALIBRATION,
    CALIBRATION_CURVE,
    ERRORS,
    EYES,
    CHANGE,
    REPEATABILITY,
    CRITERIA,
    TENTHS,
    TREATED_PREVALENCES,
    INTERVALS,
    INTERVALS_BY,
    REFERENCE_ERROR,
    DECIDED,
    WEIGHTED,
    MISSING,
    REFUSED,
    REFUSED_ALONG,
    GAP,
    GAP_CHECKS,
)
"""Analyses of one cohort that are exported as tables beside its estimates, in the order of their files."""

OF_ALL_TARGETS: Sequence[Analysis[Any]] = (RESULTS, RESULTS_OF_CLASSES)
"""Tables of all targets together, as a paper prints them."""

OF_ALL_CRITERIA: Sequence[Analysis[Any]] = (COUNTS, PREVALENCES, CRITERIA_CALIBRATION, TREATED_PREVALENCES)
"""Tables of all criteria together, as pages and reports show them."""

FIGURES: Sequence[Analysis[Any]] = (SCATTER, AGREEMENT, CALIBRATION, ERRORS, RESIDUALS, SUBGROUPS, CHANGE)
"""Figures of one target that a page offers."""

PRINTED: Sequence[Analysis[Any]] = (
    SCATTER,
    AGREEMENT,
    CALIBRATION,
    ERRORS,
    RESIDUALS,
    RESIDUALS_OF_PREDICTION,
    SUBGROUPS,
    CHANGE,
    INTERVALS,
    GAP,
)
"""Figures of one target that a report prints."""
