"""Every interval that is shown holds the true value 93 to 97 times of 100, within what 400 cohorts can tell."""

import pytest

from tests.evaluation.coverage import LEVELS, PEOPLE, coverage

COHORTS = 400
REACH = 0.035
"""More than three standard errors of a coverage of 95 % in as many cohorts."""
DISCRETE = ("within", "accuracy", "sensitivity", "specificity", "prevalence", "medae")
"""Shares and order statistics, whose coverage goes in steps: never too low, but it may be above 97 %."""


@pytest.mark.slow
@pytest.mark.parametrize("target", ["sbp", "sex"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("people", PEOPLE)
def test_intervals_cover_where_errors_are_normal(people, level, target):
    for name, (hit, shown) in coverage(people, "normal", level, COHORTS, target).items():
        if shown > 0.25:
            assert hit >= 0.93 - REACH, (name, hit, shown)
            assert hit <= 0.97 + REACH or name.startswith(DISCRETE), (name, hit, shown)


@pytest.mark.slow
@pytest.mark.parametrize("people", PEOPLE)
def test_what_is_too_heavily_skewed_has_no_interval_or_one_that_covers(people):
    for name, (hit, shown) in coverage(people, "heavily skewed", "eye", COHORTS).items():
        assert shown < 0.1 or hit >= 0.93 - REACH, (name, hit, shown)
        assert shown < 0.25 or name in ("mae", "bias", "medae", "spearman") or name.startswith(("within", "mae_"))
