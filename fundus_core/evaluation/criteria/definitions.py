"""Clinical criteria that follow from several values: yes, no, or indeterminate.

A criterion is decided where every completion of what is unknown gives the same answer, and is indeterminate elsewhere.
Lipids, HbA1c and drugs are used where the table has a column of them. Without lipids their items are unknown; without
a column of drugs people are taken to be untreated; glucose is taken as fasting. For reading research data; not a
diagnosis.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.evaluation.observations.person_means import PersonMeans
from fundus_core.records import Floats
from fundus_core.tables.covariates import DRUGS, LIPIDS

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
    """Items that depend on lipids: 1 where triglycerides and HDL form one item (HDL below 40 mg/dL in both sexes),
    else 2 (below 40 in men, 50 in women)."""
    drugs: tuple[str, ...] = DRUGS
    """Drugs that count as their item."""


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
    further: tuple[str, ...] = ()
    """What it looks at beside targets and sex: lipids, which it cannot do without, and drugs and HbA1c where the table
    has them."""
    by_sex: bool = False
    """Whether a threshold depends on sex."""

    def missing(self, m: PersonMeans) -> tuple[str, ...]:
        """Return what it cannot do without and nobody has a column of."""
        return tuple(name for name in self.further if name in LIPIDS and name not in m.further)

    def complete(self, m: PersonMeans, *, without_lipids: bool = False) -> NDArray[np.bool_]:
        """Return who has everything measured that it looks at, whatever the values: n people.

        Who is judged must not depend on the verdict: somebody whose known items decide is not complete for that.
        ``without_lipids`` asks for what the table has columns of alone.
        """
        looks = (*self.needs, *(("sex",) if self.by_sex else ()))
        wanted = () if without_lipids else LIPIDS
        looks = (*looks, *(name for name in self.further if name in wanted or name in m.further))
        return np.asarray(np.isfinite([m.known(name) for name in looks]).all(axis=0))


def below(values: Floats, threshold: float) -> Floats:
    """Return 1 where values lie below the threshold, 0 where not, NaN where unknown."""
    return np.where(np.isnan(values), np.nan, values < threshold)


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


def low_hdl(hdl: Floats, sex: Floats) -> Floats:
    """Return 1 where HDL is below 40 (men) or 50 mg/dL (women); where sex is unknown, only if both agree."""
    male, female = below(hdl, 40), below(hdl, 50)
    return np.where(sex == 0, male, np.where(sex == 1, female, np.where(male == female, male, np.nan)))


def high_pressure(m: PersonMeans, sbp: float, dbp: float, *, drug: bool = True) -> Floats:
    """Return 1 where either pressure reaches its threshold, or a drug lowers it."""
    found = either(at_least(m.sbp, sbp), at_least(m.dbp, dbp))
    return either(found, m.known("pressure_drug")) if drug else found


def high_glucose(m: PersonMeans, threshold: float, *, hba1c: float | None = None, drug: bool = True) -> Floats:
    """Return 1 where glucose reaches its threshold, or HbA1c its own where the table has it, or under a drug."""
    found = at_least(m.glucose, threshold)
    if hba1c is not None and "hba1c" in m.further:
        found = either(found, at_least(m.known("hba1c"), hba1c))
    return either(found, m.known("glucose_drug")) if drug else found


def verdicts(item: Floats) -> Verdicts:
    """Turn 1, 0 and NaN into yes, no and indeterminate."""
    return np.asarray(np.where(np.isnan(item), _INDETERMINATE, np.where(item == 1, _YES, _NO)))


def syndrome(m: PersonMeans, definition: Syndrome) -> Verdicts:
    """Decide a metabolic syndrome.

    Counts the items that are met and those that might be: yes where enough are met, no where even all unknown ones
    would not be enough.
    """
    waist = large_waist(
        m.waist, m.sex, definition.waist_male, definition.waist_female, strict=definition.strict
    )  # fmt: skip
    drugs = definition.drugs
    items = [
        high_pressure(m, 130, 85, drug="pressure_drug" in drugs),
        high_glucose(m, definition.glucose, drug="glucose_drug" in drugs),
        *_lipid_items(m, definition),
        *([] if definition.mandatory else [waist]),
    ]
    met = sum((item == 1).astype(np.int8) for item in items)
    possible = met + sum(np.isnan(item).astype(np.int8) for item in items)
    yes, no = met >= definition.needed, possible < definition.needed
    if definition.mandatory:
        yes, no = yes & (waist == 1), no | (waist == 0)
    return np.asarray(np.where(yes, _YES, np.where(no, _NO, _INDETERMINATE)))


def _lipid_items(m: PersonMeans, definition: Syndrome) -> list[Floats]:
    hdl, fat = m.known("hdl"), at_least(m.known("triglycerides"), 150)
    items = [either(fat, below(hdl, 40))] if definition.lipids == 1 else [fat, low_hdl(hdl, m.sex)]
    drug = m.known("lipid_drug")
    return [either(item, drug) for item in items] if "lipid_drug" in definition.drugs else items


_FASTING = "glucose is taken as fasting"
_PRESSURE = ("sbp", "dbp")


def _syndrome(id: str, name: str, source: str, definition: Syndrome) -> Criterion:
    return Criterion(
        id,
        name,
        source,
        lambda m: syndrome(m, definition),
        _FASTING,
        ("sbp", "dbp", "glucose", "waist"),
        (*LIPIDS, *definition.drugs),
        by_sex=True,
    )


CRITERIA: Mapping[str, Criterion] = MappingProxyType(
    {
        criterion.id: criterion
        for criterion in (
            Criterion(
                "hypertension",
                "hypertension: SBP >= 140 or DBP >= 90 mmHg",
                "JSH 2019, office blood pressure, grade I or higher, or treated",
                lambda m: verdicts(high_pressure(m, 140, 90)),
                needs=_PRESSURE,
                further=("pressure_drug",),
            ),
            Criterion(
                "raised_pressure",
                "raised blood pressure: SBP >= 130 or DBP >= 85 mmHg",
                "blood pressure item of the metabolic syndrome",
                lambda m: verdicts(high_pressure(m, 130, 85)),
                needs=_PRESSURE,
                further=("pressure_drug",),
            ),
            Criterion(
                "hyperglycaemia",
                "hyperglycaemia: fasting glucose >= 110 mg/dL",
                "glucose item of the Japanese metabolic syndrome (2005)",
                lambda m: verdicts(high_glucose(m, 110)),
                _FASTING,
                ("glucose",),
                ("glucose_drug",),
            ),
            Criterion(
                "guidance_glucose",
                "raised glucose: fasting glucose >= 100 mg/dL or HbA1c >= 5.6 %",
                "glucose item of Japan's specific health guidance; HbA1c where the table has it",
                lambda m: verdicts(high_glucose(m, 100, hba1c=5.6)),
                _FASTING,
                ("glucose",),
                ("hba1c", "glucose_drug"),
            ),
            Criterion(
                "large_waist",
                "waist: men >= 85, women >= 90 cm",
                "waist item of the Japanese metabolic syndrome (2005)",
                lambda m: verdicts(large_waist(m.waist, m.sex, 85, 90)),
                needs=("waist",),
                by_sex=True,
            ),
            _syndrome(
                "mets_japan",
                "metabolic syndrome, Japan 2005",
                "Japanese Committee for Criteria of Metabolic Syndrome 2005: waist and two of three",
                Syndrome(85, 90, strict=False, mandatory=True, needed=2, glucose=110, lipids=1),
            ),
            _syndrome(
                "mets_idf",
                "metabolic syndrome, IDF 2005",
                "International Diabetes Federation 2005, Japanese waist: waist and two of four",
                Syndrome(85, 90, strict=False, mandatory=True, needed=2, glucose=100, lipids=2),
            ),
            _syndrome(
                "mets_atp3",
                "metabolic syndrome, NCEP-ATP III 2001",
                "National Cholesterol Education Program 2001: three of five, waist over 102 (men) or 88 cm (women); of "
                "drugs those against high blood pressure count",
                Syndrome(
                    102, 88, strict=True, mandatory=False, needed=3, glucose=110, lipids=2, drugs=("pressure_drug",)
                ),
            ),
            _syndrome(
                "mets_aha",
                "metabolic syndrome, AHA/NHLBI 2005",
                "American Heart Association and NHLBI 2005 (doi:10.1161/CIRCULATIONAHA.105.169404): three of five, "
                "waist from 102 (men) or 88 cm (women), glucose from 100 mg/dL",
                Syndrome(102, 88, strict=False, mandatory=False, needed=3, glucose=100, lipids=2),
            ),
            _syndrome(
                "mets_jis",
                "metabolic syndrome, joint interim statement 2009",
                "IDF, AHA/NHLBI and others 2009 (doi:10.1161/CIRCULATIONAHA.109.192644): three of five, waist from 85 "
                "(men) or 90 cm (women), its table's thresholds of the Japanese Obesity Society",
                Syndrome(85, 90, strict=False, mandatory=False, needed=3, glucose=100, lipids=2),
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
    'JSH 2019, office blood pressure, grade I or higher, or treated'
    """
    if criterion_id not in CRITERIA:
        raise UsageError(
            "There is no criterion '{criterion_id}'; the criteria are {criteria}.",
            criterion_id=criterion_id,
            criteria=CRITERIA,
        )
    return CRITERIA[criterion_id]
