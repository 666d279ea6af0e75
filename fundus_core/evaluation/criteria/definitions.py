"""Clinical criteria that follow from several values: yes, no, or indeterminate.

A criterion is decided where every completion of what is unknown gives the same answer, and is indeterminate elsewhere.
Lipids, HbA1c and drugs are used where the table has a column of them. Without lipids their items are unknown; without
a column of drugs people are taken to be untreated; glucose is taken as fasting. For reading research data; not a
diagnosis.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError, say
from fundus_core.evaluation.observations.person_means import PersonMeans
from fundus_core.records import Floats
from fundus_core.tables.covariates import DRUGS, LIPIDS, MEASURES, Further

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


def _defined(id: str, name: str, source: str, **by: Any) -> Criterion:
    """Return a criterion as ``criteria.toml`` defines it: by one item, or as a syndrome."""
    if "pressure" in by:
        sbp, dbp = by["pressure"]
        decide: Callable[[PersonMeans], Verdicts] = lambda m: verdicts(high_pressure(m, sbp, dbp))  # noqa: E731
        return Criterion(id, name, source, decide, needs=("sbp", "dbp"), further=("pressure_drug",))
    if "glucose" in by:
        threshold, hba1c = by["glucose"], by.get("hba1c")
        further = (*(("hba1c",) if hba1c else ()), "glucose_drug")
        decide = lambda m: verdicts(high_glucose(m, threshold, hba1c=hba1c))  # noqa: E731
        return Criterion(id, name, source, decide, _FASTING, ("glucose",), further)
    if "waist" in by:
        male, female = by["waist"]
        decide = lambda m: verdicts(large_waist(m.waist, m.sex, male, female))  # noqa: E731
        return Criterion(id, name, source, decide, needs=("waist",), by_sex=True)
    of = Syndrome(**{**by["syndrome"], "drugs": tuple(by["syndrome"].get("drugs", DRUGS))})
    needs, further = ("sbp", "dbp", "glucose", "waist"), (*LIPIDS, *of.drugs)
    return Criterion(id, name, source, lambda m: syndrome(m, of), _FASTING, needs, further, by_sex=True)


CRITERIA: Mapping[str, Criterion] = MappingProxyType(
    {
        id: _defined(id, **row)
        for id, row in tomllib.loads(Path(__file__).with_name("criteria.toml").read_text(encoding="utf-8")).items()
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


_STATINS = (
    "A lipid-lowering drug counts as one for triglycerides and HDL; leave out of its column who takes a statin alone."
)


def nobody_complete(truth: PersonMeans, chosen: Criterion) -> str:
    """Say why nobody is a complete case.

    Args:
        truth: What was measured.
        chosen: The criterion.
    """
    missing = [say(MEASURES[name].name) for name in chosen.missing(truth)]
    if missing:
        return say("the table has no column of {missing:and}, so that nobody is a complete case", missing=missing)
    return say("nobody has everything measured and predicted that the criterion looks at")


def remarks(truth: PersonMeans, columns: Sequence[Further], chosen: Criterion) -> tuple[str, ...]:
    """Say which columns a criterion was decided on beside the targets, and what is taken for granted without one.

    Args:
        truth: What was measured.
        columns: Further columns of the table, used or not.
        chosen: The criterion.
    """
    read = [each.note for each in columns if each.measure in chosen.further]
    absent = [say(MEASURES[name].name) for name in chosen.missing(truth)]
    untreated = [say(MEASURES[name].name) for name in chosen.further if name in DRUGS and name not in truth.further]
    if absent:
        read.append(say("No column of {absent:and}: their items cannot be told.", absent=absent))
    if untreated:
        read.append(say("No column says who takes {drugs:and}: people are taken to be untreated.", drugs=untreated))
    if "hba1c" in chosen.further and "hba1c" not in truth.further:
        read.append(say("No column of HbA1c: glucose alone decides."))
    if "lipid_drug" in truth.further and "lipid_drug" in chosen.further:
        read.append(say(_STATINS))
    return tuple(read)
