"""Predicted against true: scores with honest intervals, baselines beside them, cohorts compared fairly."""

from fundus_core.evaluation.agreement import SLOPE_NOTE, BetweenEyes, BlandAltman, between_eyes, bland_altman
from fundus_core.evaluation.alike import Answers, answers, nearest
from fundus_core.evaluation.bootstrap import draws_for
from fundus_core.evaluation.calibration import Bin, Bins, deciles, reliability
from fundus_core.evaluation.casemix import Characteristic, Imbalance, imbalance, table_one
from fundus_core.evaluation.classification import (
    SHRUNKEN_NOTE,
    THRESHOLDS,
    AtThreshold,
    Classification,
    CurvePoints,
    assess_criterion,
    classify,
    shares,
)
from fundus_core.evaluation.comparison import SPREAD_NOTE, Comparison, Equivalence, TargetComparison, compare
from fundus_core.evaluation.contrasts import Difference
from fundus_core.evaluation.criteria import CRITERIA, Criterion, criterion, pressure_grade
from fundus_core.evaluation.curve import Curve, smooth
from fundus_core.evaluation.derived import (
    CURVE,
    Counts,
    Derived,
    Seen,
    able,
    at_thresholds,
    derive,
    derive_all,
    judge,
    see,
)
from fundus_core.evaluation.distribution import QUANTILES, ErrorDistribution, error_distribution
from fundus_core.evaluation.estimate import NUMBER_OF_DRAWS, SEED, Estimate, Method, rows
from fundus_core.evaluation.grouping import grouping
from fundus_core.evaluation.measures import Measures, measures
from fundus_core.evaluation.one_cohort import evaluate, points
from fundus_core.evaluation.paired import ModelComparison, against_baselines, compare_models
from fundus_core.evaluation.planner import Plan, people_for_mae, people_for_r2, people_for_slope
from fundus_core.evaluation.probability import ErrorModel, Probabilities, fit_errors, probabilities
from fundus_core.evaluation.published import PUBLISHED, SPREAD_SENTENCE, Published, Study, published
from fundus_core.evaluation.recalibration import Recalibration, fit_recalibration, recalibrate, recalibration_effect
from fundus_core.evaluation.result import Evaluation, TargetResult
from fundus_core.evaluation.sample import Level, Sample, canonical, draw_sample, people, subset
from fundus_core.evaluation.scores import TOLERANCES
from fundus_core.evaluation.shift import PSI_NOTE, OutOfDistribution, Shift, out_of_distribution, prediction_shift
from fundus_core.evaluation.standardise import Balance, Standardised, WeightedCohort, standardised
from fundus_core.evaluation.subgroups import Subgroup, Subgroups, subgroups
from fundus_core.evaluation.transfer import Transfer, transfer, transfers
from fundus_core.evaluation.values import from_values

__all__ = [
    "CRITERIA",
    "CURVE",
    "NUMBER_OF_DRAWS",
    "PSI_NOTE",
    "PUBLISHED",
    "QUANTILES",
    "SEED",
    "SHRUNKEN_NOTE",
    "SLOPE_NOTE",
    "SPREAD_NOTE",
    "SPREAD_SENTENCE",
    "THRESHOLDS",
    "TOLERANCES",
    "Answers",
    "AtThreshold",
    "Balance",
    "BetweenEyes",
    "Bin",
    "Bins",
    "BlandAltman",
    "Characteristic",
    "Classification",
    "Comparison",
    "Counts",
    "Criterion",
    "Curve",
    "CurvePoints",
    "Derived",
    "Difference",
    "Equivalence",
    "ErrorDistribution",
    "ErrorModel",
    "Estimate",
    "Evaluation",
    "Imbalance",
    "Level",
    "Measures",
    "Method",
    "ModelComparison",
    "OutOfDistribution",
    "Plan",
    "Probabilities",
    "Published",
    "Recalibration",
    "Sample",
    "Seen",
    "Shift",
    "Standardised",
    "Study",
    "Subgroup",
    "Subgroups",
    "TargetComparison",
    "TargetResult",
    "Transfer",
    "WeightedCohort",
    "able",
    "against_baselines",
    "answers",
    "assess_criterion",
    "at_thresholds",
    "between_eyes",
    "bland_altman",
    "canonical",
    "classify",
    "compare",
    "compare_models",
    "criterion",
    "deciles",
    "derive",
    "derive_all",
    "draw_sample",
    "draws_for",
    "error_distribution",
    "evaluate",
    "fit_errors",
    "fit_recalibration",
    "from_values",
    "grouping",
    "imbalance",
    "judge",
    "measures",
    "nearest",
    "out_of_distribution",
    "people",
    "people_for_mae",
    "people_for_r2",
    "people_for_slope",
    "points",
    "prediction_shift",
    "pressure_grade",
    "probabilities",
    "published",
    "recalibrate",
    "recalibration_effect",
    "reliability",
    "rows",
    "see",
    "shares",
    "smooth",
    "standardised",
    "subgroups",
    "subset",
    "table_one",
    "transfer",
    "transfers",
]
