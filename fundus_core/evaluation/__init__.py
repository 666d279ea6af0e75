"""Predicted against true: scores with honest intervals, baselines beside them, cohorts compared fairly."""

from fundus_core.evaluation.cohorts.case_mix import Characteristic, Imbalance, imbalance, table_one
from fundus_core.evaluation.cohorts.compare import (
    SPREAD_SENTENCE,
    Comparison,
    TargetComparison,
    compare,
    main_differences,
    published,
)
from fundus_core.evaluation.cohorts.distribution_shift import (
    PSI_NOTE,
    OutOfDistribution,
    Shift,
    out_of_distribution,
    prediction_shift,
)
from fundus_core.evaluation.cohorts.recalibration import FittedLine, Transfer, fit_line, transfers
from fundus_core.evaluation.cohorts.standardise import Balance, Standardised, WeightedCohort
from fundus_core.evaluation.criteria.bounds import Bound
from fundus_core.evaluation.criteria.calibration import Tenth
from fundus_core.evaluation.criteria.classification import SHRUNKEN_NOTE, AtThreshold, Classification, CurvePoints
from fundus_core.evaluation.criteria.criterion_assessment import (
    EVERYBODY,
    Counts,
    CriterionAssessment,
    applicable_criteria,
    assess,
    at_thresholds,
    both_person_means,
)
from fundus_core.evaluation.criteria.definitions import CRITERIA, Criterion, criterion
from fundus_core.evaluation.criteria.probability import PARTS
from fundus_core.evaluation.criteria.treatment import ADDED as TREATED_TARGETS
from fundus_core.evaluation.criteria.treatment import TreatedErrors, TreatedPrevalence, treated_errors
from fundus_core.evaluation.gap.association import EFFECTS, Association, association
from fundus_core.evaluation.gap.decided import Decided, as_read, decided
from fundus_core.evaluation.gap.missing import OF_PHOTOGRAPHS, MissingIn, missing
from fundus_core.evaluation.gap.outcomes import Choices, choices
from fundus_core.evaluation.gap.reference_error import Corrected, asked_of, reference_error
from fundus_core.evaluation.gap.refused import RefusedIn, refused, refused_along
from fundus_core.evaluation.gap.weighted import Weighted, weighted
from fundus_core.evaluation.intervals.contrasts import CORRECTIONS, Difference, Equivalence, adjusted
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Cell, Estimate, as_number, rows
from fundus_core.evaluation.observations.from_arrays import from_values
from fundus_core.evaluation.observations.grouping import distinct, grouping
from fundus_core.evaluation.observations.sample import (
    INTERVAL,
    Level,
    Sample,
    bootstrap_population,
    check_level,
    named,
    person_ids,
    select_rows,
    sort_rows,
    unit_names,
    units_of_analysis,
    usual_level,
)
from fundus_core.evaluation.one_cohort.agreement import (
    QUANTILES,
    BetweenEyes,
    ErrorDistribution,
    between_eyes,
    error_distribution,
)
from fundus_core.evaluation.one_cohort.beyond import Beyond, beyond
from fundus_core.evaluation.one_cohort.binary import log_odds
from fundus_core.evaluation.one_cohort.bootstrap_scores import ranked_estimates
from fundus_core.evaluation.one_cohort.calibration import (
    Bin,
    Bins,
    CalibrationCurve,
    deciles,
    reliability,
    smooth_calibration,
)
from fundus_core.evaluation.one_cohort.change_over_time import Change, Repeatability, change_over_time, repeatability
from fundus_core.evaluation.one_cohort.evaluate import Evaluation, TargetResult, evaluate, point_estimates
from fundus_core.evaluation.one_cohort.evaluation_diff import Snapshot, changes, changes_in_words, differs
from fundus_core.evaluation.one_cohort.models import (
    ModelComparison,
    against_baselines,
    compare_models,
    equivalence_of_means,
    not_shown,
)
from fundus_core.evaluation.one_cohort.neighbours import (
    StandardisedPredictions,
    nearest_neighbours,
    standardised_predictions,
)
from fundus_core.evaluation.one_cohort.outline import Outline, outline
from fundus_core.evaluation.one_cohort.prediction_intervals import IntervalsOf, prediction_intervals
from fundus_core.evaluation.one_cohort.sample_size import (
    Plan,
    people_for_equivalence,
    people_for_mae,
    people_for_r2,
    people_for_slope,
    sites_for_mean,
)
from fundus_core.evaluation.one_cohort.selection import Split, selected, selected_rows, split
from fundus_core.evaluation.one_cohort.subgroups import Subgroup, Subgroups, subgroups
from fundus_core.evaluation.sites.meta_analysis import (
    AcrossSites,
    OverSites,
    SiteInMean,
    no_values,
    not_independent,
    other_level,
    over_sites,
)
from fundus_core.evaluation.sites.shared import NO_OVERLAP, Identity, Shared
from fundus_core.evaluation.sites.shared_file import LARGEST as LARGEST_SHARED
from fundus_core.evaluation.sites.shared_file import as_text, from_text
from fundus_core.evaluation.sites.sharing import identity_of, share, told_model
from fundus_core.evaluation.sites.site_estimates import TargetAtSite, at_site
