"""What is done with whole cohorts says how far it is, can be stopped, and leaves nothing half done."""

import pytest

from fundus_core import jobs
from fundus_core.__main__ import main
from fundus_core.errors import UsageError
from fundus_core.store import AuditLog, Person, cohorts
from fundus_core.store.archive import reading, unpacking, writing
from tests.pages.conftest import put


@pytest.fixture
def two(store, monkeypatch):
    """A store with two cohorts of sixty photographs, and steps of ten."""
    for module, name in ((cohorts, "_SOME"), (reading, "_CHUNK"), (writing, "_TOLD"), (unpacking, "_TOLD")):
        monkeypatch.setattr(module, name, 10)
    for seed, name in enumerate(("One", "Two")):
        put(store, name, seed=seed)
    return store


DEEDS = {
    "export": lambda s, at, **more: s.export("One", at / "one.zip", **more),
    "import": lambda s, at, **more: s.import_(at / "before.zip", name="Again", **more),
    "merge": lambda s, _at, **more: s.merge(["One", "Two"], "Both", same_people=False, **more),
    "delete": lambda s, _at, **more: s.delete("One", **more),
}


def everything(store, folder):
    files = {path.name for path in store.shelf.folder.rglob("*") if path.is_file() and "sqlite" not in path.name}
    tables = [store.table(one.id).predicted["sbp"].tobytes() for one in store.cohorts()]
    return [one.name for one in store.cohorts()], tables, files, sorted(path.name for path in folder.glob("*.zip"))


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("after", [1, 3])
def test_what_is_stopped_leaves_everything_as_it_was(two, tmp_path, deed, after):
    two.export("Two", tmp_path / "before.zip")
    before, told = everything(two, tmp_path), []

    def progress(done, total):
        told.append((done, total))
        if len(told) == after:
            raise UsageError("stopped")

    with pytest.raises(UsageError, match="stopped"):
        DEEDS[deed](two, tmp_path, progress=progress)
    assert everything(two, tmp_path) == before
    heard = []
    DEEDS[deed](two, tmp_path, progress=lambda *one: heard.append(one))
    assert heard[: after - 1] == told[: after - 1]
    assert all(0 < done and (not total or done <= total) for done, total in heard)
    assert everything(two, tmp_path) != before


def test_a_merge_some_at_a_time_is_the_merge_at_once(two, monkeypatch):
    tables = []
    for some in (7, 10_000):
        monkeypatch.setattr(cohorts, "_SOME", some)
        made = two.merge(["One", "Two"], f"By {some}", same_people=False)
        tables.append(two.table(made.id))
        assert two.hashes(made.id).tolist() == [*two.hashes("One").tolist(), *two.hashes("Two").tolist()]
    for name in ("photograph", "patient_id", "status", "visit"):
        assert getattr(tables[0], name).tolist() == getattr(tables[1], name).tolist()
    for name, values in tables[0].truth.items():
        assert values.tobytes() == tables[1].truth[name].tobytes()


def test_readings_come_back_the_same_though_they_are_written_together(two, tmp_path):
    two.export("One", tmp_path / "one.zip")
    made = two.import_(tmp_path / "one.zip", name="Again")
    one, again = two.table("One"), two.table(made.id)
    assert again.status.tolist() == one.status.tolist()
    for name, values in one.predicted.items():
        assert values.tobytes() == again.predicted[name].tobytes()


@pytest.fixture
def job(two, tmp_path, address):
    """Run a job's words as the pages do; returns its status."""

    def run(verb, *words, person="ann@x"):
        told = ("--for", person, "10.0.0.1", "inf", "inf") if person else ()
        where = ("--store", str(address), "--files", str(two.shelf.folder))
        return main(["store", verb, *told, *where, "--out", str(tmp_path / "job"), "--", *map(str, words)])

    return run


def test_a_job_does_what_its_person_may_and_nothing_else(two, job, tmp_path):
    two.give("One", "ann@x")
    two.give("Two", "bob@x")
    for person, verb, *words in (
        ("bob@x", "export", "One", tmp_path / "x.zip"),
        ("bob@x", "delete", "One"),
        ("ann@x", "delete", "Two"),
        ("", "delete", "Three"),
    ):
        assert job(verb, *words, person=person) == 2
        assert jobs.result(tmp_path / "job") is None
    assert not (tmp_path / "x.zip").exists()
    assert [one.name for one in two.cohorts()] == ["One", "Two"]
    assert job("export", "One", tmp_path / "x.zip") == 0
    assert jobs.result(tmp_path / "job") == {}
    assert jobs.stage(tmp_path / "job").name == jobs.DONE
    assert job("delete", "One") == 0
    log = AuditLog(two.shelf.folder)
    told = [line["what"] for line in reversed(log.latest(99)) if line["what"] != "saw"]
    assert told == ["refused"] * 3 + ["exported", "deleted"]
    assert log.latest(1)[0]["address"] == "10.0.0.1"
    assert job("import", tmp_path / "x.zip", person="eve@x") == 0
    assert two.cohort("One").owner == "eve@x"
    mine = two.asked_by(Person("eve@x", log))
    assert [one.name for one in mine.cohorts()] == ["One"]


def test_a_word_with_a_line_break_stays_one_word(tmp_path, monkeypatch):
    """Else a cohort's name could say whose it is."""
    monkeypatch.setattr(jobs, "go_on", lambda _folder: None)
    jobs.start(tmp_path / "job", "store", "merge", "--name=x\n--for\rbob@x\u2028y", "--", "One")
    assert (tmp_path / "job" / jobs.COMMAND).read_text(encoding="utf-8").split("\n") == [
        "store", "merge", "--name=x --for bob@x y", "--", "One",
    ]  # fmt: skip
