"""Clinical criteria that follow from the targets: yes, no, or indeterminate.

The five targets and sex do not tell lipids, and nobody says who takes which drug: a metabolic syndrome is decided
where every completion of the unknown items gives the same answer, and is indeterminate elsewhere. People are taken to
be untreated and glucose to be fasting. For reading research data; not a diagnosis.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError, joined
from fundus_core.evaluation.observations.person_means import PersonMeans
from fundus_core.records import Floats

Verdicts = NDArray[np.int8]
"""1 yes, 0 no, -1 indeterminate."""

YES, NO, INDETERMINATE = 1, 0, -1
_YES, _NO, _INDETERMINATE = np.array([YES, NO, INDETERMINATE], dtype=np.int8)  # so that no verdict is eight bytes wide


@dataclass(frozen=True, slots=True)
class Syndrome:
    """A definition of the metabolic syndrome."""

    waist_male: float
    """Threshold in cm."""
    waist_female: float
    """Threshold in cm."""
    strict: bool
    """Whether waist must exceed the threshold rather than reach it."""
    mandatory: bool
    """Whether waist is required, and ``needed`` counts the other items only."""
    needed: int
    """How many items make the syndrome."""
    glucose: float
    """Threshold of fasting glucose in mg/dL."""
    lipids: int
    """Items that depend on lipids: 1 where triglycerides and HDL form one item, else 2."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """Something that is decided from a person's measures."""

    id: str
    """Stable word."""
    name: str
    """English name."""
    source: str
    """Whose definition."""
    decide: Callable[[PersonMeans], Verdicts]
    """From measures to a verdict per person."""
    note: str = ""
    """What a reader has to know."""
    needs: tuple[str, ...] = ()
    """Targets that it looks at."""


def at_least(values: Floats, threshold: float) -> Floats:
    """Return 1 where values reach the threshold, 0 where not, NaN where unknown."""
    return np.where(np.isnan(values), np.nan, values >= threshold)


def either(first: Floats, second: Floats) -> Floats:
    """Return 1 where one of two items is met, 0 where neither is, NaN where that cannot be told.

    >>> either(np.array([1.0, 0.0, 0.0]), np.array([np.nan, 0.0, np.nan])).tolist()
    [1.0, 0.0, nan]
    """
    met = (first == 1) | (second == 1)
    return np.where(met, 1.0, np.where(np.isnan(first) | np.isnan(second), np.nan, 0.0))


def large_waist(waist: Floats, sex: Floats, male: float, female: float, *, strict: bool = False) -> Floats:
    """Return 1 where waist reaches its sex's threshold; where sex is unknown, only if both thresholds agree."""
    known = [sex == 0, sex == 1]
    yes = np.select(known, [male, female], max(male, female))
    no = np.select(known, [male, female], min(male, female))
    large, small = (waist > yes, waist <= no) if strict else (waist >= yes, waist < no)
    return np.where(large, 1.0, np.where(small, 0.0, np.nan))


def high_pressure(m: PersonMeans, sbp: float, dbp: float) -> Floats:
    """Return 1 where either pressure reaches its threshold."""
    return either(at_least(m.sbp, sbp), at_least(m.dbp, dbp))


def verdicts(item: Floats) -> Verdicts:
    """Turn 1, 0 and NaN into yes, no and indeterminate."""
    return np.asarray(np.where(np.isnan(item), _INDETERMINATE, np.where(item == 1, _YES, _NO)))


def syndrome(m: PersonMeans, definition: Syndrome) -> Verdicts:
    """Decide a metabolic syndrome whose lipid items are unknown.

    Counts the items that are met and those that might be: yes where enough are met, no where even all unknown ones
    would not be enough.
    """
    waist = large_waist(
        m.waist, m.sex, definition.waist_male, definition.waist_female, strict=definition.strict
    )  # fmt: skip
    items = [high_pressure(m, 130, 85), at_least(m.glucose, definition.glucose)]
    items += [] if definition.mandatory else [waist]
    met = sum((item == 1).astype(np.int8) for item in items)
    possible = met + sum(np.isnan(item).astype(np.int8) for item in items) + definition.lipids
    yes, no = met >= definition.needed, possible < definition.needed
    if definition.mandatory:
        yes, no = yes & (waist == 1), no | (waist == 0)
    return np.asarray(np.where(yes, _YES, np.where(no, _NO, _INDETERMINATE)))


def _syndrome(definition: Syndrome) -> Callable[[PersonMeans], Verdicts]:
    return lambda m: syndrome(m, definition)


_NO_LIPIDS = "lipids and drugs are unknown: indeterminate where they would decide; glucose is taken as fasting"
_UNTREATED = "people are taken to be untreated"
_PRESSURE = ("sbp", "dbp")
_SYNDROME = ("sbp", "dbp", "glucose", "waist")

CRITERIA: Mapping[str, Criterion] = MappingProxyType(
    {
        criterion.id: criterion
        for criterion in (
            Criterion(
                "hypertension",
                "hypertension: SBP >= 140 or DBP >= 90 mmHg",
                "JSH 2019, office blood pressure, grade I or higher",
                lambda m: verdicts(high_pressure(m, 140, 90)),
                _UNTREATED,
                _PRESSURE,
            ),
            Criterion(
                "raised_pressure",
                "raised blood pressure: SBP >= 130 or DBP >= 85 mmHg",
                "blood pressure item of the metabolic syndrome",
                lambda m: verdicts(high_pressure(m, 130, 85)),
                _UNTREATED,
                _PRESSURE,
            ),
            Criterion(
                "hyperglycaemia",
                "hyperglycaemia: fasting glucose >= 110 mg/dL",
                "glucose item of the Japanese metabolic syndrome (2005)",
                lambda m: verdicts(at_least(m.glucose, 110)),
                joined(["glucose is taken as fasting", _UNTREATED], ";"),
                ("glucose",),
            ),
            Criterion(
                "large_waist",
                "waist: men >= 85, women >= 90 cm",
                "waist item of the Japanese metabolic syndrome (2005)",
                lambda m: verdicts(large_waist(m.waist, m.sex, 85, 90)),
                needs=("waist",),
            ),
            Criterion(
                "mets_japan",
                "metabolic syndrome, Japan 2005",
                "Japanese Committee for Criteria of Metabolic Syndrome 2005: waist and two of three",
                _syndrome(Syndrome(85, 90, strict=False, mandatory=True, needed=2, glucose=110, lipids=1)),
                _NO_LIPIDS,
                _SYNDROME,
            ),
            Criterion(
                "mets_idf",
                "metabolic syndrome, IDF 2005",
                "International Diabetes Federation 2005, Japanese waist: waist and two of four",
                _syndrome(Syndrome(85, 90, strict=False, mandatory=True, needed=2, glucose=100, lipids=2)),
                _NO_LIPIDS,
                _SYNDROME,
            ),
            Criterion(
                "mets_atp3",
                "metabolic syndrome, NCEP-ATP III 2001",
                "National Cholesterol Education Program 2001: three of five, waist over 102 (men) or 88 cm (women)",
                _syndrome(Syndrome(102, 88, strict=True, mandatory=False, needed=3, glucose=110, lipids=2)),
                _NO_LIPIDS,
                _SYNDROME,
            ),
            Criterion(
                "mets_jis",
                "metabolic syndrome, joint interim statement 2009",
                "IDF, AHA/NHLBI and others 2009 (Alberti 2009): three of five, waist by country",
                _syndrome(Syndrome(85, 90, strict=False, mandatory=False, needed=3, glucose=100, lipids=2)),
                joined([_NO_LIPIDS, "waist thresholds for Japan (men 85, women 90 cm) are unverified"], ";"),
                _SYNDROME,
            ),
        )
    }
)
"""Every criterion by its id."""


def criterion(criterion_id: str) -> Criterion:
    """Return the criterion of that id.

    Raises:
        UsageError: None has that id; the message lists those that exist.

    >>> criterion("hypertension").source
    'JSH 2019, office blood pressure, grade I or higher'
    """
    if criterion_id not in CRITERIA:
        raise UsageError(
            "There is no criterion '{criterion_id}'; the criteria are {criteria}.",
            criterion_id=criterion_id,
            criteria=CRITERIA,
        )
    return CRITERIA[criterion_id]
