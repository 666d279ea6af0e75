"""The split: a person on one side only, whatever the order of the rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core.errors import UsageError
from fundus_core.training.split import PARTS, split

SHARES = (0.1, 0.1, 0.1)


def people(count, seed=0):
    generator = np.random.default_rng(seed)
    patients = np.repeat([f"P{k:04d}" for k in range(count)], generator.integers(1, 4, count))
    return patients, {"age": np.repeat(generator.normal(60, 12, len(set(patients))), 1)[: len(set(patients))]}


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 200), st.integers(0, 2**31), st.floats(0.05, 0.25))
def test_every_person_is_in_one_part_and_parts_have_their_shares(count, seed, share):
    generator = np.random.default_rng(seed)
    patients = np.repeat([f"P{k}" for k in range(count)], generator.integers(1, 4, count))
    values = {"age": generator.normal(60, 12, len(patients)), "sbp": np.full(len(patients), np.nan)}
    part = split(patients, values, (share,) * 3, seed=seed)
    of = {patient: set(part[patients == patient]) for patient in patients}
    assert all(len(parts) == 1 for parts in of.values())
    sizes = [sum(parts == {name} for parts in of.values()) for name in PARTS]
    assert sum(sizes) == count
    assert sizes[1:] == pytest.approx([share * count] * 3, abs=1.01)


def test_the_order_of_the_rows_changes_nothing():
    generator = np.random.default_rng(3)
    patients = np.repeat([f"P{k}" for k in range(90)], 2)
    age = generator.normal(60, 12, len(patients))
    order = generator.permutation(len(patients))
    part = split(patients, {"age": age}, SHARES, seed=5)
    assert (split(patients[order], {"age": age[order]}, SHARES, seed=5) == part[order]).all()


def test_the_seed_fixes_it_and_another_seed_gives_another():
    patients = [f"P{k}" for k in range(200)]
    values = {"age": np.random.default_rng(0).normal(size=200)}
    one, two = split(patients, values, SHARES, seed=1), split(patients, values, SHARES, seed=2)
    assert (one == split(patients, values, SHARES, seed=1)).all()
    assert (one != two).any()


def test_strata_keep_the_parts_alike():
    generator = np.random.default_rng(0)
    age = generator.normal(60, 12, 2000)
    spread = [
        np.std([age[split([f"P{k}" for k in range(2000)], {"age": age}, SHARES, seed=seed) == name].mean()
                for name in PARTS])
        for seed in range(10)
    ]  # fmt: skip
    by_chance = 12 / np.sqrt(200)
    assert np.mean(spread) < 0.75 * by_chance


def test_too_few_people_are_refused():
    with pytest.raises(UsageError, match="at least 8"):
        split(["a", "b"], {}, SHARES, seed=0)
