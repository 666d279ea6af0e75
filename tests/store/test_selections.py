"""Selections in the store: one key for one rule of one cohort, whatever either is called, as long as it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fundus_core.errors import UsageError
from fundus_core.records import Rule
from fundus_core.store import NewPhotograph, Store, Where

NORTH = Rule(column="site", words=("north",))
LASSO = Rule(level="patient", names=("佐藤 · 1", "O'Brien", 'a "b" \\ %'))


def test_a_selection_is_found_by_its_key_and_the_same_rule_has_the_same_key(store: Store) -> None:
    store.create_cohort("a")
    for rule in (NORTH, LASSO):
        made = store.keep_selection("a", rule)
        assert store.selection(made.key) == made
        assert made.rule == rule
        assert store.keep_selection("a", rule) == made
    assert store.selections("a") == []
    assert not any(who in made.key for who in LASSO.names)


def test_renaming_the_selection_or_its_cohort_keeps_the_key(store: Store) -> None:
    store.create_cohort("a")
    key = store.keep_selection("a", NORTH).key
    store.name_selection(key, " North ")
    store.rename("a", "b")
    store.name_selection(key, "Sapporo")
    assert store.keep_selection("b", NORTH).key == key, "selected again, it is the same one"
    assert [each.name for each in store.selections("b")] == ["Sapporo"] == [each.name for each in store.selections()]
    store.name_selection(key, "")
    assert store.selections("b") == []
    assert store.selection(key) is not None, "its link stays"


def test_two_selections_of_a_cohort_have_two_names(store: Store) -> None:
    store.create_cohort("a")
    store.create_cohort("b")
    one, other = store.keep_selection("a", NORTH).key, store.keep_selection("a", LASSO).key
    store.name_selection(one, "some")
    with pytest.raises(UsageError, match="'some' already"):
        store.name_selection(other, "some")
    store.name_selection(store.keep_selection("b", NORTH).key, "some")


def test_a_selection_goes_with_its_cohort_and_a_new_cohort_of_that_name_does_not_bring_it_back(store: Store) -> None:
    """Attacked with a cohort that gets the id and the name of the one that was deleted."""
    old = store.create_cohort("a")
    key = store.keep_selection("a", NORTH).key
    store.delete("a")
    assert store.selection(key) is None
    with pytest.raises(UsageError, match="not there any more"):
        store.name_selection(key, "North")
    new = store.create_cohort("a")
    assert new.key != old.key
    assert store.keep_selection("a", NORTH).key != key


def test_any_number_of_photographs_is_selected_by_name(store: Store, tmp_path: Path) -> None:
    """Attacked with more names than PostgreSQL takes values, and with names that are not plain."""
    names = ["佐藤.jpg", "O'Brien.jpg", 'a"b\\%.jpg', "é🙂.jpg", "x.jpg"]
    store.create_cohort("a")
    store.add_photographs("a", [NewPhotograph(name, str(tmp_path / name)) for name in names])
    wanted = (*names[:4], *(f"nobody {number}" for number in range(70_000)))
    assert store.photographs("a", Where(names=wanted)).total == 4
    assert {item.name for item in store.photographs("a", Where(names=wanted)).items} == set(names[:4])
    assert store.select("a", "b", Where(names=wanted)).photographs == 4
