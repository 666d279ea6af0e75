"""What a number is called is part of the number: a name that belongs to another estimate is a wrong result."""

import re

import pytest

from fundus_core.analyses import labels
from fundus_core.analyses.labels import ESTIMATES, Kind
from pages.parts.shell import language

CALLED = {
    "mae": ("^MAE$", "MAE"), "rmse": ("^RMSE$", "RMSE"), "medae": ("median absolute", "中央値"),
    "bias": ("^bias .*predicted − true", "推定.*−|バイアス"), "r2": ("^R²", "R²"), "pearson": ("Pearson", "Pearson"),
    "spearman": ("Spearman", "Spearman"), "ccc": ("concordance", "一致"),
    "slope": ("^slope", "傾き"), "intercept": ("^intercept", "切片"),
    "calibration_slope": ("slope", "傾き"), "calibration_intercept": ("intercept", "切片"),
    "loa_low": ("lower limit", "下限"), "loa_high": ("upper limit", "上限"),
    "repeated_loa_low": ("lower limit", "下限"), "repeated_loa_high": ("upper limit", "上限"),
    "mae_null": ("^MAE of predicting the mean", "平均"), "mae_median": ("^MAE of predicting the median", "中央値"),
    "mae_over_null": ("^MAE ÷ .*mean", "平均"), "mae_over_median": ("^MAE ÷ .*median", "中央値"),
    "mae_age_sex": ("^MAE of age and sex", "年齢.*性別"),
    "rmse_null": ("^RMSE of predicting the mean", "RMSE.*平均|平均.*RMSE"),
    "sd_truth": ("SD of true", "測定|実測|真"), "sd_predicted": ("SD of predictions", "推定"),
    "coverage": ("coverage of the 90 %", "90"), "interval_width": ("width of the 90 %", "幅"),
    "auc": ("^AUC$", "AUC"), "accuracy": ("^accuracy$", "正答|正解|正確"), "sensitivity": ("^sensitivity$", "感度"),
    "specificity": ("^specificity$", "特異度"), "ppv": ("^PPV$", "陽性"), "npv": ("^NPV$", "陰性"),
    "brier": ("^Brier score$", "Brier"), "icc": ("^ICC", "ICC|級内"),
    "prevalence": ("^observed prevalence", "観測|実測|測定"),
    "called": ("predicted prevalence .threshold", "閾値|しきい"),
    "expected": ("predicted prevalence .probability", "確率"),
}  # fmt: skip
"""What the name of an estimate must say, in English and in Japanese."""
IN_UNITS = (
    "mae rmse medae bias intercept loa_low loa_high mae_null mae_median mae_age_sex rmse_null rmse_age_sex "
    "mae_baseline mae_gain interval_width sd_truth sd_predicted mean_absolute_difference change_mae change_mae_null "
    "change_bias repeated_bias repeated_sd_within repeated_sd_between repeated_loa_low repeated_loa_high "
    "repeat_sd repeat_coefficient"
).split()
"""Estimates that are so many mmHg, mg/dL or cm; a ratio, a slope or a correlation has no unit."""
SHARES = ("accuracy accuracy_majority coverage sensitivity specificity prevalence called expected ppv npv").split()
SIGNED = ("bias r2_gain mae_gain calibration_intercept change_bias repeated_bias").split()


@pytest.mark.parametrize("estimate", CALLED)
def test_an_estimate_is_called_what_it_is(estimate):
    english, japanese = CALLED[estimate]
    assert re.search(english, labels.name(estimate))
    assert re.search(japanese, language.catalogue("ja")[labels.name(estimate)])


def test_no_two_estimates_have_one_name():
    names = [word.name for word in ESTIMATES.values()]
    assert sorted(names) == sorted(set(names))


def test_units_percentages_and_signs_stand_where_they_belong():
    assert {name for name, word in ESTIMATES.items() if word.kind is Kind.UNIT} >= set(IN_UNITS)
    ratios = {name for name in ESTIMATES if re.search("_over_|slope$|r2|icc|^auc|pearson|spearman|ccc", name)}
    assert not {name for name in ratios if ESTIMATES[name].kind in (Kind.UNIT, Kind.SHARE)}
    assert {name for name, word in ESTIMATES.items() if word.kind is Kind.SHARE} >= set(SHARES)
    assert {name for name, word in ESTIMATES.items() if word.signed} >= set(SIGNED)
