"""What estimates are called for a reader, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass

from fundus_core.evaluation import Estimate
from fundus_core.targets import Target

WORDS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "medae": "median absolute error",
    "bias": "bias (predicted − true)",
    "r2": "R² (1 − SSE/SST)",
    "pearson": "Pearson r",
    "spearman": "Spearman ρ",
    "ccc": "concordance (CCC)",
    "slope": "slope of truth on prediction",
    "intercept": "intercept of truth on prediction",
    "loa_low": "lower limit of agreement",
    "loa_high": "upper limit of agreement",
    "mae_over_null": "MAE ÷ MAE of predicting the mean",
    "mae_over_age_sex": "MAE ÷ MAE of age and sex only",
    "interval_width": "width of the 90 % intervals",
    "mae_null": "MAE of predicting the mean",
    "mae_age_sex": "MAE of age and sex only",
    "coverage": "coverage of the 90 % intervals",
    "sd_truth": "SD of true values",
    "sd_predicted": "SD of predictions",
    "auc": "AUC",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "brier": "Brier score",
}
"""What an estimate is called for a reader; others keep their names."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table of estimates."""

    name: str
    """For a reader."""
    value: str
    """The number, or why there is none."""
    interval: str
    """Its interval; empty where there is none."""
    method: str
    """How the interval was made."""


def line_of(key: str, estimate: Estimate, target: Target) -> Line:
    """Return an estimate as a row of a table."""
    name = _name(key, target)
    if estimate.value is None:
        return Line(name, estimate.note, "", "")
    digits = max(target.decimals, 2)
    value = f"{estimate.value:.{digits}f}"
    known = estimate.low is not None and estimate.high is not None
    interval = f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}" if known else estimate.note
    return Line(name, minus(value), minus(interval), estimate.method)


def _name(key: str, target: Target) -> str:
    if key.startswith("within_"):
        return f"share within ±{key.removeprefix('within_')} {target.unit}"
    return WORDS.get(key, key.replace("_", " "))


def minus(text: str) -> str:
    """Return text with true minus signs."""
    return text.replace("-", "−")
