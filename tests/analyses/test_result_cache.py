"""What is kept of a large cohort is what was computed, and goes when the cohort changes."""

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fundus_core import evaluation, jobs, owner_only
from fundus_core.analyses import Disk, Memory, NotYetError, only_looking, result_cache, serialise
from fundus_core.records import CohortTable
from fundus_core.store import NewPhotograph, Store, TruthRow
from tests.evaluation.conftest import assess_cohort


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of one cohort that counts as a large one."""
    monkeypatch.setattr(result_cache, "MANY", 1)
    with Store.open(tmp_path / "store") as opened:
        opened.create_cohort("clinic")
        opened.add_photographs("clinic", [NewPhotograph(f"{n}.jpg", f"/away/{n}.jpg") for n in range(3)])
        yield opened


def table(people: int = 60) -> CohortTable:
    """People with two eyes, a truth of everything, and a refusal."""
    rng = np.random.default_rng(2)
    who, n = np.repeat(np.arange(people), 2), 2 * people
    truth = {"sbp": rng.normal(125, 15, people)[who], "sex": (np.arange(people) % 2.0)[who]}
    predicted = {"sbp": truth["sbp"] + rng.normal(0, 9, n), "sex": rng.random(n)}
    return CohortTable(
        photograph=np.array([f"{k}.jpg" for k in range(n)]),
        patient_id=np.array([f"P{k}" for k in who]),
        eye=np.where(np.arange(n) % 2, "left", "right"),
        status=np.where(np.arange(n) == 5, "refused", "predicted"),
        reason=np.where(np.arange(n) == 5, "Out of focus; take it again.", ""),
        quality=rng.random(n),
        out_of_distribution=rng.random(n),
        truth=truth,
        predicted=predicted,
        low={"sbp": predicted["sbp"] - 20},
        high={"sbp": predicted["sbp"] + 20},
        covariates={"site": np.array(["Sendai", "東京"])[who % 2]},
    )


def same(one: object, other: object) -> bool:
    """Whether two results are equal, arrays and all."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if hasattr(one, "__dataclass_fields__"):
        names = [field.name for field in fields(one)]
        return type(one) is type(other) and all(same(getattr(one, name), getattr(other, name)) for name in names)
    if hasattr(one, "items"):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return one == other or (one != one and other != other)


FEW = {"draws": 20}
RESULTS = {
    "table": lambda t: t,
    "evaluation": lambda t: evaluation.evaluate(t, **FEW),
    "points": evaluation.point_estimates,
    "subgroups": lambda t: evaluation.subgroups(t, "site", "sbp", **FEW),
    "deciles": lambda t: evaluation.deciles(t, "sbp"),
    "reliability": lambda t: evaluation.reliability(t),
    "curve": lambda t: evaluation.smooth_calibration(t, "sbp", **FEW),
    "errors": lambda t: evaluation.error_distribution(t, "sbp"),
    "eyes": lambda t: evaluation.between_eyes(t, "sbp"),
    "criterion": lambda t: assess_cohort(replace(t, truth=t.truth, predicted=t.predicted), "large_waist"),
    "words": lambda t: ["site", "eye"],
}


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("people", [60, 400])
def test_what_is_unpacked_equals_what_was_packed(name, people):
    made = RESULTS[name](table(people))
    assert same(serialise.unpack(serialise.pack(made)), made)


def test_a_criterion_comes_back_with_its_rule():
    waists = replace(
        table(), truth={"waist": np.linspace(70, 110, 120)}, predicted={"waist": np.linspace(75, 105, 120)}
    )
    made = assess_cohort(replace(waists, low={}, high={}), "large_waist")
    found = serialise.unpack(serialise.pack(made))
    assert found.criterion is evaluation.criterion("large_waist")
    assert found.rows() == made.rows()


def test_only_listed_classes_are_packed():
    with pytest.raises(TypeError, match="BytesIO cannot be packed; list it"):
        serialise.pack(io.BytesIO())


def test_an_array_of_objects_cannot_come_in():
    out = io.BytesIO()
    np.savez(out, tree=np.array([{"kind": "Estimate"}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        serialise.unpack(out.getvalue())


def asked(store: Store, calls: list[str], name: str = "n", model: str = "m") -> object:
    disk = Disk(store, (store.cohort("clinic"),), model)
    return disk.kept(name, list, lambda: calls.append(name) or [len(calls)])


def test_a_result_is_made_once_and_by_each_name_and_model(store):
    calls: list[str] = []
    assert [asked(store, calls), asked(store, calls)] == [[1], [1]]
    assert asked(store, calls, "other") == [2]
    assert asked(store, calls, model="another") == [3]


def test_a_restart_finds_what_was_kept(store, tmp_path):
    calls: list[str] = []
    asked(store, calls)
    store.close()
    with Store.open(tmp_path / "store") as again:
        assert asked(again, calls) == [1]


def test_a_changed_truth_asks_anew_and_leaves_nothing_behind(store):
    calls: list[str] = []
    asked(store, calls)
    store.set_truth("clinic", [TruthRow("1.jpg", {"sbp": 120.0})])
    assert asked(store, calls) == [2]
    assert len(list((store.shelf.folder / "kept").glob("*"))) == 1


def test_a_deleted_cohort_takes_everything_along_and_its_successor_starts_fresh(store):
    calls: list[str] = []
    asked(store, calls)
    before = store.cohort("clinic")
    store.delete("clinic")
    assert not list((store.shelf.folder / "kept").glob("*"))
    store.create_cohort("clinic")
    store.add_photographs("clinic", [NewPhotograph("1.jpg", "/away/1.jpg")])
    assert store.cohort("clinic").id == before.id, "SQLite gives a number again, so this test tests something"
    assert asked(store, calls) == [2]


def test_what_was_computed_while_the_cohort_was_deleted_is_not_left_behind(store):
    disk = Disk(store, (store.cohort("clinic"),), "m")
    assert disk.kept("n", list, lambda: store.delete("clinic") or [1]) == [1]
    assert not list((store.shelf.folder / "kept").glob("*"))


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut off", None])
def test_a_damaged_file_is_made_anew(store, damage):
    calls: list[str] = []
    asked(store, calls)
    (file,) = (store.shelf.folder / "kept").glob("*/*.npz")
    file.write_bytes(file.read_bytes()[:-40] if damage is None else damage)
    assert asked(store, calls) == [2]
    assert asked(store, calls) == [2]


def test_a_changed_formula_asks_anew(store, monkeypatch):
    calls: list[str] = []
    asked(store, calls)
    monkeypatch.setattr(result_cache, "_formulas", lambda: "changed")
    assert asked(store, calls) == [2]
    assert len(list((store.shelf.folder / "kept").glob("*/*.npz"))) == 1


def test_a_folder_that_cannot_be_written_costs_speed_only(store):
    (store.shelf.folder / "kept").write_text("a file is in the way")
    calls: list[str] = []
    assert [asked(store, calls), asked(store, calls)] == [[1], [2]]


def test_a_small_cohort_is_computed(store, monkeypatch):
    monkeypatch.setattr(result_cache, "MANY", 4)
    calls: list[str] = []
    assert [asked(store, calls), asked(store, calls)] == [[1], [2]]
    assert not (store.shelf.folder / "kept").exists()


@pytest.mark.parametrize(
    ("photographs", "quick", "waits"), [(2, False, False), (3, False, True), (3, True, False), (9, True, True)]
)
def test_who_only_looks_waits_for_a_job_and_for_quick_numbers_of_very_many(
    store, monkeypatch, photographs, quick, waits
):
    monkeypatch.setattr(result_cache, "MANY", 3)
    cohort = replace(store.cohort("clinic"), photographs=photographs)
    disk = Disk(store, (cohort,), "model", has_job=True)
    expects = partial(Memory(disk).expect, "numbers", quick=quick)
    expects()  # a file is asked for, or the job itself asks
    with only_looking(9):
        Memory(replace(disk, has_job=False)).expect("numbers", quick=quick)
        if not waits:
            expects()
            return
        with pytest.raises(NotYetError) as told:
            expects()
        assert (told.value.job, told.value.file) == (disk.job(""), disk.place("numbers"))
        disk.kept("numbers", list, list)
        expects()
        with pytest.raises(NotYetError):
            Memory(disk).expect("others", quick=quick)
        jobs.keep(owner_only.folder(disk.job("")), {})
        Memory(disk).expect("others", quick=quick)
        with pytest.raises(NotYetError):
            Memory(disk).expect("others", "eye", quick=quick)


def test_several_who_ask_at_once_wait_for_one_answer():
    calls: list[int] = []
    kept, begin = result_cache.Memory(), threading.Barrier(4)

    def ask() -> list[int]:
        begin.wait()
        return kept.kept("n", None, lambda: calls.append(1) or time.sleep(0.05) or [len(calls)])

    with ThreadPoolExecutor(4) as pool:
        assert [each.result() for each in [pool.submit(ask) for _ in range(4)]] == [[1]] * 4


def test_an_answer_may_ask_for_others_and_a_fault_is_not_remembered():
    kept, tried = result_cache.Memory(), []

    def outer() -> int:
        tried.append(1)
        if len(tried) == 1:
            message = "not yet"
            raise ValueError(message)
        return 1 + kept.kept("inner", None, lambda: 1)

    with pytest.raises(ValueError, match="not yet"):
        kept.kept("outer", None, outer)
    assert kept.kept("outer", None, outer) == 2


def test_what_was_asked_for_longest_ago_goes_first():
    calls: list[str] = []
    kept = result_cache.Memory(most=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        kept.kept(name, None, lambda name=name: calls.append(name))
    assert calls == ["a", "b", "c", "b"]


def test_few_large_results_stay_in_ram_and_many_small_ones():
    calls: list[str] = []
    kept = result_cache.Memory(room=2_000)
    for name in ("large", "small", "larger", "small", "large"):
        size = {"small": 10, "large": 100, "larger": 150}[name]
        kept.kept(name, None, lambda name=name, size=size: calls.append(name) or ({"of": np.zeros(size)},))
    assert calls == ["large", "small", "larger", "large"]


def test_the_thresholds_of_criteria_are_among_the_formulas(monkeypatch):
    read, real = set(), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda file: (read.add(file.name), real(file))[1])
    result_cache._formulas.__wrapped__()
    assert {"criteria.toml", "scores.py"} <= read


class Looked:
    """What is looked at again and again, with one array of its own and one that all of them share."""

    def __init__(self, shared: np.ndarray, numbers: int) -> None:
        self.memory = result_cache.Memory(room=10)
        self.memory.kept("tables", None, lambda: {"": (shared, np.zeros(numbers))})
        self.memory.kept("ordered", None, lambda: (shared,))


@pytest.mark.parametrize(("large", "again"), [(10, ["a"]), (100, ["a", "b", "a"])])
def test_large_studies_that_are_open_are_fewer_than_small_ones(large, again):
    shared, made = np.zeros(50), []
    assert sum(Looked(shared, large).memory.arrays().values()) == 8 * (50 + large)
    several = result_cache.OpenStudies(room=8 * 90)
    for name in ("a", "b", "a") if large > 50 else ("a", "a"):
        several.kept(name, lambda name=name: made.append(name) or Looked(shared, large))
    assert made == again


def test_no_more_studies_are_open_than_so_many_and_the_one_asked_for_stays():
    made, several = [], result_cache.OpenStudies(most=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        several.kept(name, lambda name=name: made.append(name) or Looked(np.zeros(1), 1))
    assert made == ["a", "b", "c", "b"]


def test_what_holds_no_bytes_is_not_let_go_to_make_room():
    """Attacked by large results that do not fit together, the newest of them larger than the room."""
    memory, made = Memory(room=1_000), []

    def make(name, size):
        made.append(name)
        return np.zeros(size, dtype=np.uint8) if size else "few words"

    for name, size in [("words", 0), ("first", 900), ("second", 900), ("third", 2_000), ("words", 0), ("third", 2_000)]:
        memory.kept(name, None, lambda name=name, size=size: make(name, size))
    assert made == ["words", "first", "second", "third"]
    assert not memory.has("second")
    assert memory.has("third")
