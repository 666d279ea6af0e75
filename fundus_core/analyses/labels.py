"""What every estimate and column is called, how its numbers are written, and how to read it: one place for all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from fundus_core.evaluation import Estimate
from fundus_core.targets import Target

Say = Callable[[str], str]
"""Puts an English sentence or word into the reader's language."""


class Kind(StrEnum):
    """How a number is written."""

    UNIT = "unit"
    """In the target's unit, two decimals, as errors are published."""
    PLAIN = "plain"
    """Without a unit, two decimals."""
    SHARE = "share"
    """From 0 to 1, written as a percentage with one decimal."""
    FINE = "fine"
    """Without a unit, three decimals."""
    P = "p"
    """A p value."""
    COUNT = "count"
    """A whole number."""
    TEXT = "text"
    """A word of the program."""
    NAME = "name"
    """What somebody called a cohort, a group or a model."""
    ESTIMATE = "estimate"
    """The id of an estimate."""


@dataclass(frozen=True, slots=True)
class Word:
    """An estimate or a column."""

    name: str
    """In English; the same on pages, figures, slides and in reports."""
    kind: Kind = Kind.TEXT
    """How its numbers are written."""
    says: str = ""
    """One sentence on how to read it; empty where the name says it."""
    signed: bool = False
    """Whether a plus sign stands before what is above zero."""
    drawn: bool = False
    """Whether cohorts are drawn by it, one below another."""
    short: str = ""
    """The name where there is little room, as beside a slide's figure; empty where it is short already."""


ESTIMATES: Mapping[str, Word] = MappingProxyType(
    {
        "mae": Word(
            "MAE",
            Kind.UNIT,
            "Mean absolute error: how far predictions lie from measured values on average.",
            drawn=True,
        ),
        "rmse": Word("RMSE", Kind.UNIT, "Like the MAE, but large errors weigh more."),
        "medae": Word("median absolute error", Kind.UNIT, "Half of the people have a smaller error."),
        "bias": Word(
            "bias (predicted − true)",
            Kind.UNIT,
            "Above zero the model predicts too much.",
            signed=True,
            drawn=True,
            short="bias",
        ),
        "r2": Word(
            "R² (1 − SSE/SST)",
            Kind.PLAIN,
            "Share of the spread of true values that is explained; below zero the mean predicts better.",
            drawn=True,
            short="R²",
        ),
        "pearson": Word("Pearson r", Kind.PLAIN, "How well the order and spacing agree; blind to bias and scale."),
        "spearman": Word("Spearman ρ", Kind.PLAIN, "How well the order agrees."),
        "ccc": Word(
            "concordance (CCC)", Kind.PLAIN, "Agreement with the diagonal: 1 only where prediction equals truth."
        ),
        "slope": Word(
            "slope of truth on prediction",
            Kind.PLAIN,
            "1: a predicted difference is a real one; above 1 predictions shrink toward the mean too much.",
            drawn=True,
            short="Slope",
        ),
        "intercept": Word("intercept of truth on prediction", Kind.UNIT, "0 together with a slope of 1: calibrated."),
        "loa_low": Word(
            "lower limit of agreement", Kind.UNIT, "95 % of differences lie between the two limits of agreement."
        ),
        "loa_high": Word("upper limit of agreement", Kind.UNIT),
        "mae_null": Word(
            "MAE of predicting the mean",
            Kind.UNIT,
            "MAE if everyone were assigned the mean, which is not the best constant for an absolute error.",
        ),
        "mae_median": Word(
            "MAE of predicting the median",
            Kind.UNIT,
            "MAE if everyone were assigned the median, the best constant for an absolute error.",
            short="MAE, median",
        ),
        "mae_age_sex": Word(
            "MAE of age and sex only",
            Kind.UNIT,
            "MAE of a curve of age for each sex (median regression, cross-validated).",
            short="MAE, age and sex",
        ),
        "mae_over_median": Word(
            "MAE ÷ MAE of predicting the median",
            Kind.PLAIN,
            "Below 1 errors are smaller than the median's; a function of age and sex can do that.",
            drawn=True,
        ),
        "mae_over_null": Word(
            "MAE ÷ MAE of predicting the mean",
            Kind.PLAIN,
            "Noise alone can bring it below 1 where values are skewed: compare with the median.",
        ),
        "mae_over_age_sex": Word(
            "MAE ÷ MAE of age and sex only",
            Kind.PLAIN,
            "No test: what the photograph adds to age and sex is the gain beyond them.",
        ),
        "rmse_null": Word(
            "RMSE of predicting the mean", Kind.UNIT, "RMSE if everyone were assigned the mean; compare the RMSE."
        ),
        "rmse_age_sex": Word(
            "RMSE of age and sex only",
            Kind.UNIT,
            "RMSE of a curve of age for each sex (least squares, cross-validated); compare the RMSE.",
        ),
        "r2_age_sex": Word(
            "R² of age and sex only", Kind.PLAIN, "That of the same curve, on people it was not fitted to."
        ),
        "partial_r": Word(
            "partial correlation",
            Kind.PLAIN,
            "Of truth and prediction, both freed of the baseline; 0: the prediction adds nothing.",
            short="partial r beyond",
        ),
        "r2_baseline": Word("R² of the baseline", Kind.FINE, "Cross-validated; below zero: worse than the mean."),
        "r2_gain": Word(
            "gain in R²",
            Kind.FINE,
            "R² of baseline and prediction together minus that of the baseline alone.",
            signed=True,
        ),
        "mae_baseline": Word("MAE of the baseline", Kind.UNIT),
        "mae_gain": Word(
            "gain in MAE",
            Kind.UNIT,
            "MAE of the baseline alone minus that of baseline and prediction together.",
            signed=True,
        ),
        "accuracy_majority": Word(
            "accuracy of saying the majority's class", Kind.SHARE, "The least that an accuracy must beat."
        ),
        "brier_null": Word(
            "Brier score of saying the prevalence",
            Kind.FINE,
            "The least that a Brier score must beat.",
            short="Brier, prevalence",
        ),
        "brier_age_sex": Word(
            "Brier score of age and sex only",
            Kind.FINE,
            "That of a curve of age for each sex (logistic regression, cross-validated).",
        ),
        "calibration_intercept": Word(
            "calibration intercept",
            Kind.PLAIN,
            "0 is ideal; above it positives are more frequent than predicted.",
            signed=True,
        ),
        "calibration_slope": Word(
            "calibration slope", Kind.PLAIN, "1 is ideal; below it the probabilities are too sure."
        ),
        "coverage": Word(
            "coverage of the 90 % prediction intervals",
            Kind.SHARE,
            "Should be near 90 %: of each observation's interval, which for a mean of several photographs is narrower.",
        ),
        "interval_width": Word("width of the 90 % prediction intervals", Kind.UNIT),
        "interval_score": Word(
            "interval score", Kind.UNIT, "The width, and 20 times what lies outside: lower is better (Gneiting 2007)."
        ),
        "interval_score_constant": Word(
            "interval score without the photograph",
            Kind.UNIT,
            "That of the interval between the 5th and 95th percentile of other people's measured values.",
        ),
        "interval_score_ratio": Word(
            "interval score ÷ that without the photograph",
            Kind.PLAIN,
            "Below 1 the photograph makes the interval better.",
        ),
        "sd_truth": Word(
            "SD of true values",
            Kind.UNIT,
            "Interpret the MAE relative to this: a narrow cohort makes errors small.",
        ),
        "sd_predicted": Word("SD of predictions", Kind.UNIT, "Smaller than that of the truth in a calibrated model."),
        "auc": Word(
            "AUC",
            Kind.FINE,
            "Chance that a positive person gets the higher probability than a negative one; 0.5 is guessing.",
            drawn=True,
        ),
        "accuracy": Word("accuracy", Kind.SHARE, drawn=True),
        "sensitivity": Word("sensitivity", Kind.SHARE),
        "specificity": Word("specificity", Kind.SHARE),
        "brier": Word(
            "Brier score",
            Kind.FINE,
            "Mean squared error of the probability; 0.25 is always saying one half.",
        ),
        "icc": Word("ICC(A,1)", Kind.PLAIN, "Intraclass correlation, absolute agreement, of a single eye."),
        "mean_absolute_difference": Word("mean absolute difference, right − left", Kind.UNIT),
        "change_r": Word(
            "correlation within people (rmcorr)",
            Kind.PLAIN,
            "Do predictions move with measured values in the same person? Differences between people do not count.",
        ),
        "change_slope": Word(
            "slope of measured on predicted change", Kind.PLAIN, "1: a predicted change is a real one of that size."
        ),
        "change_response": Word(
            "slope of predicted on measured change", Kind.PLAIN, "The share of a real change that predictions show."
        ),
        "change_mae": Word("MAE of the change between visits", Kind.UNIT),
        "change_mae_null": Word(
            "MAE of predicting no change", Kind.UNIT, "The least that a model of change must beat."
        ),
        "change_bias": Word("bias of the change (predicted − measured)", Kind.UNIT, signed=True),
        "repeated_bias": Word("bias over all visits (predicted − true)", Kind.UNIT, signed=True),
        "repeated_sd_within": Word(
            "SD of errors within people", Kind.UNIT, "How far errors of one person's visits differ."
        ),
        "repeated_sd_between": Word(
            "SD of errors between people", Kind.UNIT, "How far people's own mean errors differ."
        ),
        "repeated_loa_low": Word(
            "lower limit of agreement, repeated visits",
            Kind.UNIT,
            "95 % of differences at a visit of a person lie between the limits (Bland & Altman 2007).",
        ),
        "repeated_loa_high": Word("upper limit of agreement, repeated visits", Kind.UNIT),
        "repeat_sd": Word("within-person SD of repeated photographs", Kind.UNIT),
        "repeat_coefficient": Word(
            "repeatability coefficient",
            Kind.UNIT,
            "Two photographs of one eye at one visit differ by less in 95 % of pairs.",
        ),
        "repeat_icc": Word(
            "ICC(1,1) of repeated photographs",
            Kind.PLAIN,
            "1: photographs of one eye at one visit give one prediction.",
        ),
        "prevalence": Word("observed prevalence", Kind.SHARE, "By measured values."),
        "called": Word(
            "predicted prevalence (threshold)",
            Kind.SHARE,
            "By cutting the predictions at the criterion's own thresholds.",
            short="predicted (threshold)",
        ),
        "expected": Word(
            "predicted prevalence (probability)",
            Kind.SHARE,
            "Mean of the probabilities.",
            short="predicted (probability)",
        ),
        "prevalence_least": Word(
            "observed prevalence, at least", Kind.SHARE, "Of everybody: meets the criterion for certain."
        ),
        "prevalence_most": Word(
            "observed prevalence, at most", Kind.SHARE, "Of everybody: meets the criterion, or cannot be told."
        ),
        "expected_least": Word("predicted prevalence (probability), at least", Kind.SHARE),
        "expected_most": Word("predicted prevalence (probability), at most", Kind.SHARE),
        "complete_cases": Word(
            "complete cases", Kind.COUNT, "Everything measured that the criterion looks at, whatever the values."
        ),
        "average_precision": Word("average precision", Kind.FINE),
        "ppv": Word("PPV", Kind.SHARE),
        "npv": Word("NPV", Kind.SHARE),
        "net_benefit": Word("net benefit", Kind.FINE),
        "treat_all": Word("net benefit of acting for everybody", Kind.FINE),
    }
)
"""Every estimate by its id, as ``metrics.json`` and tables name it; ``within_N`` are made by :func:`word`."""

COLUMNS: Mapping[str, Word] = MappingProxyType(
    {
        "target": Word("Target"),
        "unit": Word("Unit"),
        "estimate": Word("Estimate", Kind.ESTIMATE),
        "score": Word("Estimate", Kind.ESTIMATE),
        "value": Word("Value", Kind.PLAIN),
        "by": Word("By"),
        "group": Word("Group"),
        "cohort": Word("Cohort", Kind.NAME),
        "first": Word("First", Kind.NAME),
        "second": Word("Second", Kind.NAME),
        "fitted_on": Word("Fitted on", Kind.NAME),
        "tested_on": Word("Tested on", Kind.NAME),
        "n": Word("n", Kind.COUNT),
        "people": Word("People", Kind.COUNT),
        "beyond": Word("Beyond"),
        "n_patients": Word("People", Kind.COUNT),
        "sites": Word("Sites", Kind.COUNT),
        "new_site": Word("At a new site", Kind.PLAIN, "In brackets the 95 % prediction interval of one more site."),
        "i2": Word("I²", Kind.SHARE, "Share of the spread of sites' estimates that is no chance."),
        "tau": Word("τ", Kind.FINE, "SD of sites' true values, on the scale on which they are pooled."),
        "weight": Word("Weight", Kind.SHARE, "In the mean over sites; –: left out."),
        "without": Word("Mean without it", Kind.PLAIN),
        "events": Word("Positive", Kind.COUNT, "Observations that are positive by measured values."),
        "visit": Word("Visit"),
        "visits": Word("Visits", Kind.COUNT),
        "repeated": Word("Eyes photographed repeatedly", Kind.COUNT),
        "true": Word("True", Kind.UNIT),
        "predicted": Word("Predicted", Kind.UNIT),
        "n_photographs": Word("Photographs", Kind.COUNT),
        "effective_n": Word(
            "Effective n", Kind.COUNT, "How many equally weighted people would give as narrow an interval."
        ),
        "difference": Word(
            "Difference",
            Kind.PLAIN,
            "First minus second, with its 95 % interval; no interval: too few people.",
            signed=True,
        ),
        "effect": Word(
            "Effect size",
            Kind.PLAIN,
            "The difference in standard deviations of the errors (Hedges' g): 0.2 is small, 0.8 large.",
            signed=True,
        ),
        "p": Word("p", Kind.P),
        "p_adjusted": Word(
            "p, corrected",
            Kind.P,
            "Of a planned test: corrected after Holm for all planned tests of the report, those of other targets too.",
        ),
        "q": Word(
            "q",
            Kind.P,
            "Of an exploratory test: of the tests with a q up to this one, the share expected to be false alarms.",
        ),
        "margin": Word("Margin", Kind.PLAIN),
        "verdict": Word("Verdict"),
        "variable": Word("Variable"),
        "smd": Word(
            "Standardised difference",
            Kind.PLAIN,
            "Difference of the means in standard deviations: comparable between variables.",
            signed=True,
        ),
        "sd_ratio": Word("Ratio of SDs", Kind.PLAIN),
        "overlap": Word(
            "Overlap", Kind.PLAIN, "Share that two distributions have in common; 1: the same distribution."
        ),
        "mean_difference": Word("Mean difference", Kind.UNIT, signed=True),
        "ks": Word(
            "KS",
            Kind.PLAIN,
            "Kolmogorov-Smirnov: largest distance between the two distributions; 0: the same.",
        ),
        "psi": Word("PSI", Kind.PLAIN, "Population stability index: how far a distribution has moved; 0: not at all."),
        "wasserstein_sd": Word(
            "Wasserstein distance (SD)",
            Kind.PLAIN,
            "How far values would have to move, in standard deviations of the first cohort.",
        ),
        "share": Word(
            "Beyond the model's limit",
            Kind.SHARE,
            "Photographs unlike those that the model was trained on; 1 is its limit.",
        ),
        "intercept": Word("Intercept", Kind.UNIT, signed=True),
        "slope": Word(
            "Slope", Kind.PLAIN, "Of truth on prediction: 1 is ideal; below 1 predictions are too far apart."
        ),
        "mae_before": Word("MAE as it is", Kind.UNIT),
        "mae_after": Word("MAE recalibrated", Kind.UNIT),
        "mae_change": Word("Change of the MAE", Kind.UNIT, signed=True),
        "bias_before": Word("Bias as it is", Kind.UNIT, signed=True),
        "bias_after": Word("Bias recalibrated", Kind.UNIT, signed=True),
        "mean": Word("Mean", Kind.PLAIN),
        "sd": Word("SD", Kind.PLAIN),
        "weighted_mean": Word("Weighted mean", Kind.PLAIN),
        "weighted_sd": Word("Weighted SD", Kind.PLAIN),
        "standard_mean": Word("Common mean", Kind.PLAIN),
        "standard_sd": Word("Common SD", Kind.PLAIN),
        "threshold": Word("Threshold probability", Kind.PLAIN),
        "criterion": Word("Criterion"),
        "complete": Word("Complete cases", Kind.PLAIN),
        "least": Word("At least", Kind.PLAIN, "The smallest that it can be over everybody."),
        "most": Word("At most", Kind.PLAIN, "The largest that it can be over everybody."),
        "lowest": Word("Lowest probability", Kind.SHARE),
        "highest": Word("Highest probability", Kind.SHARE),
        "observed": Word("Observed share", Kind.SHARE),
        "handling": Word("Treated people"),
        "treated": Word("Of them treated", Kind.COUNT),
        "measured_yes": Word("Measured: yes", Kind.COUNT),
        "measured_no": Word("Measured: no", Kind.COUNT),
        "measured_indeterminate": Word("Measured: indeterminate", Kind.COUNT),
        "predicted_yes": Word("Predicted: yes", Kind.COUNT),
        "predicted_no": Word("Predicted: no", Kind.COUNT),
        "predicted_indeterminate": Word("Predicted: indeterminate", Kind.COUNT),
        "what": Word("What"),
        "family": Word("Family"),
        "planned": Word("Planned"),
        "why": Word("Why not"),
        "study": Word("Study"),
        "size": Word("People"),
        "population": Word("Population"),
        "source": Word("Source"),
    }
)
"""Every column that a reader sees, by its name in the exported table."""

_SENTENCES = ("Notes", "How to read it", "{low} to {high}", "share within ±{n} {unit}")


def sentences() -> set[str]:
    """Return all that this room says, for catalogues of other languages."""
    words = [*ESTIMATES.values(), *COLUMNS.values()]
    return {text for word in words for text in (word.name, word.says, word.short) if text} | set(_SENTENCES)


def word(estimate: str, own: Mapping[str, Word] = MappingProxyType({})) -> Word:
    """Return an estimate's word, of a table's own first; one of no known kind keeps its id as its name."""
    if estimate.startswith("within_"):
        return Word(estimate, Kind.SHARE)
    return own.get(estimate) or ESTIMATES.get(estimate) or Word(estimate.replace("_", " "), Kind.PLAIN)


def name(
    estimate: str, target: Target | None = None, say: Say = str, own: Mapping[str, Word] = MappingProxyType({})
) -> str:
    """Return what an estimate is called, with its unit where it has one.

    >>> from fundus_core.targets import TARGETS
    >>> name("mae", TARGETS["sbp"]), name("r2", TARGETS["sbp"]), name("within_5", TARGETS["sbp"])
    ('MAE (mmHg)', 'R² (1 − SSE/SST)', 'share within ±5 mmHg')
    """
    unit = say(target.unit) if target and target.unit else ""
    if estimate.startswith("within_"):
        return say("share within ±{n} {unit}").format(n=estimate.removeprefix("within_"), unit=unit)
    found = word(estimate, own)
    return f"{say(found.name)} ({unit})" if unit and found.kind is Kind.UNIT else say(found.name)


def written(value: float | None, kind: Kind, *, signed: bool = False) -> str:
    """Return a number as it is written everywhere.

    >>> written(10.3391, Kind.UNIT), written(-0.001, Kind.PLAIN, signed=True), written(0.9771, Kind.SHARE)
    ('10.34', '0.00', '97.7 %')
    >>> written(0.0000123, Kind.P), written(0.0312, Kind.P), written(None, Kind.P), written(12345.6, Kind.COUNT)
    ('< 0.001', '0.031', '–', '12,346')
    """
    if value is None:
        return "–"
    if kind is Kind.P:
        return "< 0.001" if value < 0.001 else f"{value:.3f}"
    if kind is Kind.COUNT:
        return f"{value:,.0f}"
    decimals = {Kind.SHARE: 1, Kind.FINE: 3}.get(kind, 2)
    rounded = round(100 * value if kind is Kind.SHARE else value, decimals) or 0.0  # a zero has no sign
    text = f"{rounded:+.{decimals}f}" if signed and rounded else f"{rounded:.{decimals}f}"
    return text.replace("-", "−") + (" %" if kind is Kind.SHARE else "")


def interval(low: float | None, high: float | None, of: Word, say: Say = str) -> str:
    """Return an interval; empty where there is none.

    >>> interval(9.1, 11.25, ESTIMATES["mae"]), interval(None, None, ESTIMATES["mae"])
    ('9.10 to 11.25', '')
    """
    if low is None or high is None:
        return ""
    ends = (written(end, of.kind, signed=of.signed) for end in (low, high))
    return say("{low} to {high}").format(**dict(zip(("low", "high"), ends, strict=True)))


def with_interval(estimate: Estimate, of: Word, say: Say = str) -> str:
    """Return an estimate with its interval as one cell.

    >>> with_interval(Estimate(0.5, -1.0, 2.0), ESTIMATES["bias"])
    '+0.50 (−1.00 to +2.00)'
    """
    around = interval(estimate.low, estimate.high, of, say)
    shown = written(estimate.value, of.kind, signed=of.signed)
    return f"{shown} ({around})" if around else shown


def remarked(text: str, note: str, say: Say = str) -> str:
    """Return a number as it is written, with the remark that belongs to it: no reader sees the one without the other.

    >>> remarked("MAE 12.83", "rests on 139 of 163"), remarked("MAE 12.83", "")
    ('MAE 12.83 (rests on 139 of 163)', 'MAE 12.83')
    """
    return f"{text} ({say(note)})" if note else text
