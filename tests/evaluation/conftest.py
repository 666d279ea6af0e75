"""Random cohorts with everything a real one has: two eyes, ties, gaps, refusals, rows in any order."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fundus_core.evaluation import CriterionAssessment, assess, both_person_means
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.records import CohortTable

CENTRE = {"sbp": (130, 17.5), "dbp": (77, 11), "glucose": (96, 14), "waist": (84, 11), "bmi": (23.5, 3.7)}


def assess_cohort(table: CohortTable, criterion: str, **more) -> CriterionAssessment:
    return assess(both_person_means(table), criterion, **more)


def cohort(people: int = 60, seed: int = 0, gaps: float = 0.1, spread: float = 1.0, bias: float = 0.0) -> CohortTable:
    rng = np.random.default_rng(seed)
    per_person = rng.integers(1, 4, size=people)
    who = np.repeat(np.arange(people), per_person)
    n = len(who)
    eye = np.concatenate([np.array(["right", "left", "right"])[:k] for k in per_person])
    sex, age = rng.integers(0, 2, people).astype(float), rng.normal(58, 12, people).round()
    truth, predicted, low, high = {"age": age[who], "sex": sex[who]}, {}, {}, {}
    for name, (centre, sd) in CENTRE.items():
        y = np.round(centre + spread * sd * rng.normal(size=people) + 0.3 * (age - 58) + 2 * sex)
        p = centre + 0.4 * (y - centre) + 0.45 * sd * rng.normal(size=people)
        truth[name] = y[who]
        predicted[name] = np.round(p[who] + 0.1 * sd * rng.normal(size=n) + bias)
        low[name], high[name] = predicted[name] - 1.5 * sd, predicted[name] + 1.5 * sd
    predicted["age"] = np.round(age[who] + rng.normal(0, 4, n))
    low["age"], high["age"] = predicted["age"] - 6, predicted["age"] + 6
    predicted["sex"] = np.clip(np.round(0.5 + 0.3 * (2 * sex[who] - 1) + 0.25 * rng.normal(size=n), 1), 0, 1)
    for columns in (truth, predicted):
        for name in columns:
            columns[name] = np.where(rng.random(n) < gaps, np.nan, columns[name])
    status = np.where(rng.random(n) < gaps / 2, "refused", "predicted")
    table = CohortTable(
        photograph=np.array([f"photo_{k:05d}.jpg" for k in range(n)]),
        patient_id=np.array([f"P{k:04d}" for k in who]),
        eye=eye,
        status=status,
        reason=np.where(status == "refused", "too dark", ""),
        quality=rng.random(n),
        out_of_distribution=rng.random(n) * 1.3,
        truth=truth,
        predicted=predicted,
        low=low,
        high=high,
        covariates={
            "site": np.array(["A", "B", "C"])[who % 3],
            "camera": np.array(["X", "Y"])[rng.integers(0, 2, n)],
        },
    )
    return select_rows(table, rng.permutation(n))


@pytest.fixture(name="cohort")
def cohort_fixture() -> Callable[..., CohortTable]:
    return cohort


def pairs(y: object, p: object, patient: object = None, **truth: object) -> CohortTable:
    """A cohort of systolic pressures from two lists, a person per row unless told otherwise."""
    y, p = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    n = len(y)
    names = np.array([f"{k:05d}" for k in range(n)], dtype=np.str_)
    words = np.full(n, "", dtype=np.str_)
    return CohortTable(
        photograph=names,
        patient_id=names if patient is None else np.asarray(patient, dtype=np.str_),
        eye=words,
        status=np.full(n, "predicted", dtype="<U9"),
        reason=words,
        quality=np.ones(n),
        out_of_distribution=np.zeros(n),
        truth={"sbp": y} | {name: np.asarray(column, dtype=float) for name, column in truth.items()},
        predicted={"sbp": p},
        low={},
        high={},
    )


@pytest.fixture(name="pairs")
def pairs_fixture() -> Callable[..., CohortTable]:
    return pairs


@pytest.fixture(name="shuffled")
def shuffled_fixture() -> Callable[[CohortTable, int], CohortTable]:
    def shuffle(table: CohortTable, seed: int) -> CohortTable:
        return replace(select_rows(table, np.random.default_rng(seed).permutation(len(table))))

    return shuffle


@pytest.fixture(name="two")
def two_cohorts(cohort):
    a, b = cohort(people=250, seed=1, gaps=0.02), cohort(people=200, seed=2, gaps=0.02)
    return a, replace(b, patient_id=np.char.add("Q", b.patient_id))
