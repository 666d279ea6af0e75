"""Predicted against true: scores with honest intervals, baselines beside them, cohorts compared fairly."""

from fundus_core.evaluation.agreement import SLOPE_NOTE, BetweenEyes, BlandAltman, between_eyes, bland_altman
from fundus_core.evaluation.calibration import Bin, Bins, deciles, reliability
from fundus_core.evaluation.contrasts import Difference
from fundus_core.evaluation.curve import Curve, smooth
from fundus_core.evaluation.estimate import NUMBER_OF_DRAWS, SEED, Estimate, Method, rows
from fundus_core.evaluation.grouping import grouping
from fundus_core.evaluation.one_cohort import evaluate
from fundus_core.evaluation.paired import ModelComparison, against_baselines, compare_models
from fundus_core.evaluation.result import Evaluation, TargetResult
from fundus_core.evaluation.sample import Level, Sample, canonical, draw_sample, people, subset
from fundus_core.evaluation.scores import TOLERANCES
from fundus_core.evaluation.subgroups import Subgroup, Subgroups, subgroups

__all__ = [
    "NUMBER_OF_DRAWS",
    "SEED",
    "SLOPE_NOTE",
    "TOLERANCES",
    "BetweenEyes",
    "Bin",
    "Bins",
    "BlandAltman",
    "Curve",
    "Difference",
    "Estimate",
    "Evaluation",
    "Level",
    "Method",
    "ModelComparison",
    "Sample",
    "Subgroup",
    "Subgroups",
    "TargetResult",
    "against_baselines",
    "between_eyes",
    "bland_altman",
    "canonical",
    "compare_models",
    "deciles",
    "draw_sample",
    "evaluate",
    "grouping",
    "people",
    "reliability",
    "rows",
    "smooth",
    "subgroups",
    "subset",
]
