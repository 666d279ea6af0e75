"""Predicted against true: scores with honest intervals, baselines beside them, cohorts compared fairly."""

from fundus_core.evaluation.estimate import NUMBER_OF_DRAWS, SEED, Estimate, Method, rows
from fundus_core.evaluation.one_cohort import evaluate
from fundus_core.evaluation.result import Evaluation, TargetResult
from fundus_core.evaluation.sample import Level, Sample, canonical, draw_sample, people, subset

__all__ = [
    "NUMBER_OF_DRAWS",
    "SEED",
    "Estimate",
    "Evaluation",
    "Level",
    "Method",
    "Sample",
    "TargetResult",
    "canonical",
    "draw_sample",
    "evaluate",
    "people",
    "rows",
    "subset",
]
