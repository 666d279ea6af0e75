"""What others reported, to stand beside a user's own numbers.

Only figures that were read at their source, or in a third party's account of it, are here; ``read`` says which. Another
population has another spread and therefore another error with the same model: :data:`SPREAD_SENTENCE` belongs beside
every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SPREAD_SENTENCE = (
    "Studies differ in who was photographed: a cohort that is more spread out has a larger mean absolute error and a "
    "larger R² with the same model, so these figures are context, not a ranking."
)
"""Stands beside every published figure."""

Read = Literal["at the source", "in a third party's account"]
"""Where a figure was read."""

_SOURCE: Read = "at the source"
_SECOND: Read = "in a third party's account"


@dataclass(frozen=True, slots=True)
class Study:
    """Who was examined, and where it was reported."""

    name: str
    """Short name with the year."""
    people: str
    """How many people or photographs the figures rest on, as far as it is known."""
    population: str
    """Who they were."""
    source: str
    """Where it was reported."""
    read: Read
    """Where the figures were read."""


@dataclass(frozen=True, slots=True)
class Published:
    """One published figure."""

    study: Study
    """Who and where."""
    target: str
    """Target id."""
    score: str
    """Score as in an evaluation: ``mae``, ``r2``, ``auc``, ``accuracy``, ``pearson``, ``within_5``, ..."""
    value: float
    """In the target's unit where the score has one."""
    low: float | None = None
    """Lower end of the 95 % interval, where one was reported."""
    high: float | None = None
    """Upper end."""
    baseline: float | None = None
    """The study's own baseline for that score, where reported."""
    note: str = ""
    """What a reader has to know."""


_UNKNOWN_N = "about 130,000 photographs in all; size of the validation not stated"
_JOIR = Study(
    "JOIR 2025",
    _UNKNOWN_N,
    "Japanese health check-ups, 17-94 years",
    "JOIR, NII and Nagoya University, press release 2025-05-12 (EfficientNet-B7)",
    _SOURCE,
)
_JOIR_AGE = Study(
    "JOIR 2023, age",
    "12,734 people in all; size of the validation not stated",
    "healthy Japanese check-up participants, 18-84 years",
    "JOIR and NII, announcement 2023-01-10; internal validation",
    _SOURCE,
)
_JOIR_SEX = Study(
    "JOIR 2023, sex",
    "131,031 photographs in all",
    "Japanese health check-ups, 17-94 years",
    "JOIR and NII, announcement 2023-12-07",
    _SOURCE,
)
_KAMEI = Study(
    "Kamei 2025",
    "6,070 people",
    "Nagahama study, Japan; the JOIR age model after fine-tuning on 2,261 healthy people",
    "Jpn J Ophthalmol 2025, doi:10.1007/s10384-025-01205-3 (abstract)",
    _SOURCE,
)
_POPLIN_UKB = Study(
    "Poplin 2018, UK Biobank",
    "12,026 people",
    "UK Biobank, mean age 56.9 years; held out, not external",
    "Nat Biomed Eng 2018;2:158-164, doi:10.1038/s41551-018-0195-0",
    _SECOND,
)
_POPLIN_EYEPACS = Study(
    "Poplin 2018, EyePACS-2K",
    "999 people",
    "EyePACS, mean HbA1c 8.2 %",
    "Nat Biomed Eng 2018;2:158-164, doi:10.1038/s41551-018-0195-0",
    _SECOND,
)
_GERRITS = Study("Gerrits 2020", "3,000 people", "Qatar", "Sci Rep 2020;10:9432 (abstract); person level", _SOURCE)
_BASIT = Study(
    "Basit 2025",
    "15,802 photographs of 5,653 people",
    "Qatar",
    "Eng Appl Artif Intell 2025, doi:10.1016/j.engappai.2025.111734",
    _SOURCE,
)
_UKB_BP = Study("UK Biobank 2025", "not stated in the abstract", "UK Biobank", "PMID 39830244 (abstract)", _SOURCE)
_PRENNER = Study("Prenner", "not stated in the abstract", "UK Biobank", "arXiv:2410.11535 (abstract)", _SOURCE)
_ZHANG = Study(
    "Zhang K 2021", "115,344 photographs of 57,672 people", "not recorded", "Nat Biomed Eng 2021;5:533", _SOURCE
)
_KIM = Study("Kim 2020", "24,366 photographs", "the test set", "Sci Rep 2020, s41598-020-61519-9", _SOURCE)
_KIM_HTN = Study(
    "Kim 2020, hypertension",
    "40,659 photographs",
    "people with hypertension",
    "Sci Rep 2020, s41598-020-61519-9",
    _SOURCE,
)
_KIM_DM = Study(
    "Kim 2020, diabetes", "14,189 photographs", "people with diabetes", "Sci Rep 2020, s41598-020-61519-9", _SOURCE
)
_KAKENHI = Study("KAKENHI 22K19671", "not stated", "Japan", "KAKENHI final report 22K19671", _SOURCE)
_JSAI = Study("JSAI 2025", "7,595 photographs", "JOIR data, Japan", "JSAI 2025, 1Win4-82 (abstract)", _SOURCE)
_RETFOUND = Study("RETFound fine-tuned 2025", "71,343 people", "UK Biobank", "preprint 2025, arXivLens 7074", _SOURCE)
_RETI_AGE = Study("Reti-age", "14,655 photographs", "not recorded", "IOVS abstract 2790697", _SOURCE)
_ZHU = Study("Zhu 2023", "46,969 people", "UK Biobank", "Zhu 2023, retinal age gap in the UK Biobank", _SOURCE)

PUBLISHED: tuple[Published, ...] = (
    Published(_JOIR, "sbp", "mae", 10.34),
    Published(_JOIR, "dbp", "mae", 7.09),
    Published(_JOIR, "glucose", "mae", 8.71, note="whether glucose was fasting is not stated"),
    Published(_JOIR, "waist", "mae", 7.18),
    Published(_JOIR, "bmi", "mae", 2.53),
    Published(_JOIR_AGE, "age", "mae", 2.39),
    Published(_JOIR_SEX, "sex", "accuracy", 0.920, note="EfficientNet-B7"),
    Published(_JOIR_SEX, "sex", "accuracy", 0.912, note="MobileNet"),
    Published(_KAMEI, "age", "mae", 3.00, note="lower end of the range reported"),
    Published(_KAMEI, "age", "mae", 3.42, note="upper end of the range reported"),
    Published(_POPLIN_UKB, "age", "mae", 3.26, 3.22, 3.31, 7.06),
    Published(_POPLIN_UKB, "age", "r2", 0.74, 0.73, 0.75, 0.0),
    Published(_POPLIN_UKB, "sex", "auc", 0.97, 0.966, 0.971, 0.5),
    Published(_POPLIN_UKB, "sbp", "mae", 11.35, 11.18, 11.51, 14.57, "preprint table 2; both abstracts say 11.23"),
    Published(_POPLIN_UKB, "dbp", "mae", 6.42, 6.33, 6.52, 7.83),
    Published(_POPLIN_UKB, "bmi", "mae", 3.29, 3.24, 3.34, 3.62),
    Published(_POPLIN_EYEPACS, "age", "mae", 3.42, 3.23, 3.61, 8.48),
    Published(_POPLIN_EYEPACS, "age", "r2", 0.82, 0.79, 0.84, 0.0),
    Published(_POPLIN_EYEPACS, "sex", "auc", 0.97, 0.96, 0.98, 0.5),
    Published(_GERRITS, "age", "mae", 2.78),
    Published(_GERRITS, "sex", "auc", 0.97),
    Published(_GERRITS, "sbp", "mae", 8.96),
    Published(_BASIT, "age", "mae", 2.56),
    Published(_BASIT, "age", "r2", 0.93),
    Published(_BASIT, "sex", "accuracy", 0.96),
    Published(_BASIT, "sex", "auc", 0.94),
    Published(_BASIT, "sbp", "mae", 8.02),
    Published(_BASIT, "sbp", "r2", 0.49),
    Published(_BASIT, "dbp", "mae", 6.06),
    Published(_BASIT, "dbp", "r2", 0.45),
    Published(_UKB_BP, "sbp", "mae", 9.81),
    Published(_UKB_BP, "sbp", "r2", 0.36),
    Published(_UKB_BP, "dbp", "mae", 6.00),
    Published(_UKB_BP, "dbp", "r2", 0.30),
    Published(_PRENNER, "age", "r2", 0.81),
    Published(_PRENNER, "sbp", "r2", 0.39),
    Published(_ZHANG, "glucose", "mae", 11.7, note="0.65 mmol/L, lower end of the range reported"),
    Published(_ZHANG, "glucose", "mae", 19.8, note="1.1 mmol/L, upper end of the range reported"),
    Published(_KIM, "age", "mae", 3.06),
    Published(_KIM, "age", "r2", 0.92),
    Published(_KIM, "sex", "auc", 0.96, note="reported as above 0.96"),
    Published(_KIM_HTN, "age", "mae", 3.46),
    Published(_KIM_HTN, "age", "r2", 0.74),
    Published(_KIM_DM, "age", "mae", 3.55),
    Published(_KIM_DM, "age", "r2", 0.75),
    Published(_KAKENHI, "sbp", "within_5", 0.244),
    Published(_KAKENHI, "sbp", "within_10", 0.471),
    Published(_KAKENHI, "sbp", "within_15", 0.652),
    Published(_KAKENHI, "dbp", "within_3", 0.255),
    Published(_KAKENHI, "dbp", "within_5", 0.415),
    Published(_KAKENHI, "dbp", "within_10", 0.717),
    Published(_JSAI, "sex", "auc", 0.85),
    Published(_RETFOUND, "age", "mae", 2.85),
    Published(_RETI_AGE, "age", "mae", 3.32),
    Published(_RETI_AGE, "age", "r2", 0.91),
    Published(_ZHU, "age", "mae", 3.55),
    Published(_ZHU, "age", "pearson", 0.81),
)  # fmt: skip
"""Every published figure; no other waist error was found than JOIR's."""


def published(target: str, score: str | None = None) -> tuple[Published, ...]:
    """Return the published figures of a target, of one score or of all.

    >>> [(each.study.name, each.value) for each in published("waist", "mae")]
    [('JOIR 2025', 7.18)]
    """
    return tuple(each for each in PUBLISHED if each.target == target and score in (None, each.score))
