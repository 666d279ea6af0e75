"""What was published is typed a second time here: an error of the hand in a target's file would stand on every figure.

Values as the papers, announcements and reports print them, with the interval and the baseline where they print one.
"""

import pytest

from fundus_core.targets import TARGETS

PRINTED = {
    "sbp": """
        JOIR 2025: mae 10.34
        Poplin 2018, UK Biobank: mae 11.35 (11.18 to 11.51) over 14.57
        Gerrits 2020: mae 8.96
        Basit 2025: mae 8.02; r2 0.49
        UK Biobank 2025: mae 9.81; r2 0.36
        Prenner: r2 0.39
        KAKENHI 22K19671: within_5 0.244; within_10 0.471; within_15 0.652
    """,
    "dbp": """
        JOIR 2025: mae 7.09
        Poplin 2018, UK Biobank: mae 6.42 (6.33 to 6.52) over 7.83
        Basit 2025: mae 6.06; r2 0.45
        UK Biobank 2025: mae 6.0; r2 0.3
        KAKENHI 22K19671: within_3 0.255; within_5 0.415; within_10 0.717
    """,
    "glucose": """
        JOIR 2025: mae 8.71
        Zhang K 2021: mae 11.7; mae 19.8
    """,
    "waist": """
        JOIR 2025: mae 7.18
    """,
    "bmi": """
        JOIR 2025: mae 2.53
        Poplin 2018, UK Biobank: mae 3.29 (3.24 to 3.34) over 3.62
    """,
    "age": """
        JOIR 2023, age: mae 2.39
        Kamei 2025: mae 3.0; mae 3.42
        Poplin 2018, UK Biobank: mae 3.26 (3.22 to 3.31) over 7.06; r2 0.74 (0.73 to 0.75) over 0.0
        Poplin 2018, EyePACS-2K: mae 3.42 (3.23 to 3.61) over 8.48; r2 0.82 (0.79 to 0.84) over 0.0
        Gerrits 2020: mae 2.78
        Basit 2025: mae 2.56; r2 0.93
        Prenner: r2 0.81
        Kim 2020: mae 3.06; r2 0.92
        Kim 2020, hypertension: mae 3.46; r2 0.74
        Kim 2020, diabetes: mae 3.55; r2 0.75
        RETFound fine-tuned 2025: mae 2.85
        Reti-age: mae 3.32; r2 0.91
        Zhu 2023: mae 3.55; pearson 0.81
    """,
    "sex": """
        JOIR 2023, sex: accuracy 0.92; accuracy 0.912
        Poplin 2018, UK Biobank: auc 0.97 (0.966 to 0.971) over 0.5
        Poplin 2018, EyePACS-2K: auc 0.97 (0.96 to 0.98) over 0.5
        Gerrits 2020: auc 0.97
        Basit 2025: accuracy 0.96; auc 0.94
        Kim 2020: auc 0.96
        JSAI 2025: auc 0.85
    """,
}
TOLERANCES = {
    "sbp": (5, 10, 15), "dbp": (3, 5, 10), "glucose": (5, 10, 15), "waist": (3, 5, 10), "bmi": (1, 2, 3),
    "age": (1, 3, 5), "sex": (),
}  # fmt: skip
PLAUSIBLE = {
    "sbp": (60, 260), "dbp": (30, 160), "glucose": (30, 600), "waist": (40, 180), "bmi": (10, 70), "age": (0, 120),
    "sex": (0, 1),
}  # fmt: skip


def as_printed(target):
    lines = {}
    for each in target.published:
        ends = "" if each.low is None else f" ({each.low} to {each.high})"
        over = "" if each.baseline is None else f" over {each.baseline}"
        lines.setdefault(each.study.name, []).append(f"{each.score} {each.value}{ends}{over}")
    return {f"{study}: {'; '.join(scores)}" for study, scores in lines.items()}


@pytest.mark.parametrize("name", TARGETS)
def test_published_figures_are_those_that_were_printed(name):
    assert as_printed(TARGETS[name]) == {line.strip() for line in PRINTED[name].strip().splitlines()}


@pytest.mark.parametrize("name", TARGETS)
def test_tolerances_and_plausible_ranges_are_the_documented_ones(name):
    assert TARGETS[name].tolerances == TOLERANCES[name]
    assert (TARGETS[name].low, TARGETS[name].high) == PLAUSIBLE[name]
