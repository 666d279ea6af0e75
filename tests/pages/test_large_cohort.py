"""A large cohort's analyses are computed in a job of its own: the page waits for it, then only reads what it kept."""

import math
from pathlib import Path

import psutil
import pytest

from fundus_core import evaluation, jobs, owner_only, pipeline
from fundus_core.__main__ import main
from fundus_core.analyses import one_cohort, result_cache
from fundus_core.figures import heading
from fundus_core.pipeline import kept_study
from fundus_core.records import Eye, Prediction
from fundus_core.report.slides import web
from fundus_core.store import Finding, ModelVersion, Where, queries
from fundus_core.targets import TARGETS
from pages.parts.shared import display, studies
from pages.parts.shell import home
from tests.pages.test_more_slides import slides_of
from tests.simulated_rows import MODEL, fill

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def large(fresh, monkeypatch):
    """The words of the jobs that pages start, on a store whose cohort counts as a large one."""
    fill(fresh, 200, name="-simulated", only=("sbp", "dbp", "sex"))  # a name that is no option
    monkeypatch.setattr(result_cache, "MANY", 1)
    monkeypatch.setattr(studies, "MANY", 1)
    started: list[list[str]] = []

    def start(folder: Path, *words: str | Path) -> None:
        started.append([str(word) for word in words])
        owner_only.folder(folder)
        jobs._write(folder, jobs.Stage(jobs.STARTING), psutil.Process())

    monkeypatch.setattr(jobs, "start", start)
    return started


def folder(words) -> Path:
    """Where a job says how far it is."""
    return Path(words[words.index("--out") + 1])


def nothing_is_computed(*_args, **_more):
    raise AssertionError


def test_pages_wait_for_the_job_and_compute_nothing_after_it(large, page, monkeypatch):
    first = page("evaluate", cohort="-simulated", target="sbp")
    assert "computed once and kept" in first.info[0].value
    assert [words[:4] for words in large] == [["store", "compute", "--model", MODEL]]
    assert main(large[0]) == 0
    for name in ("evaluate", "point_estimates", "subgroups", "beyond", "assess", "prediction_intervals", "missing"):
        monkeypatch.setattr(evaluation, name, nothing_is_computed)
    assert page("evaluate", cohort="-simulated", target="sbp").get("plotly_chart")
    assert page("criteria", cohort="-simulated").get("plotly_chart")
    assert len(large) == 1


HEAVY = ("beyond", "assess", "subgroups", "prediction_intervals", "compare", "main_differences")


@pytest.fixture
def middle(large, monkeypatch):
    """As ``large``, of a cohort whose rows and first numbers a page may read and compute by itself."""
    monkeypatch.setattr(studies, "MANY", 20_000)
    return large


def test_pages_of_fewer_photographs_show_numbers_at_once_and_leave_what_takes_long(middle, page, monkeypatch):
    with monkeypatch.context() as patched:
        for name in set(HEAVY) - {"beyond"}:
            patched.setattr(evaluation, name, nothing_is_computed)
        shown = page("evaluate", cohort="-simulated", target="sbp")
        assert shown.get("plotly_chart")
        assert "age and sex" in str([each.value for each in shown.markdown]), "what is quick needs no job"
        assert "computed once and kept" not in str([each.value for each in shown.info])
        assert [words[:2] for words in middle] == [["store", "compute"]]
        for name in ("criteria", "present"):
            assert "computed once and kept" in page(name, cohort="-simulated").info[0].value
    assert len(middle) == 1
    assert main(middle[0]) == 0
    for name in HEAVY:
        monkeypatch.setattr(evaluation, name, nothing_is_computed)
    for name in ("evaluate", "criteria", "present"):
        assert "computed once and kept" not in str([each.value for each in page(name, cohort="-simulated").info])


def test_pages_go_on_with_each_result_that_the_job_keeps(large, page, monkeypatch):
    page("evaluate", cohort="-simulated", target="sbp")
    wanted = list(kept_study._wanted(studies.study(studies.View(home.store().cohort("-simulated"), MODEL))))
    reached = [(analysis.id, target) for analysis, target, _by in wanted].index(("beyond", "sbp"))
    monkeypatch.setattr(kept_study, "_wanted", lambda _study: wanted[:reached])
    monkeypatch.setattr(kept_study, "keep", lambda *_of: None)  # it is at it still
    assert main(large[0]) == 0
    monkeypatch.setattr(evaluation, "beyond", nothing_is_computed)
    for name in ("evaluate", "point_estimates"):
        monkeypatch.setattr(evaluation, name, nothing_is_computed)
    shown = page("evaluate", cohort="-simulated", target="sbp")
    assert shown.get("plotly_chart")
    assert "computed once and kept" in shown.info[0].value


def test_reports_can_be_taken_away_once_nothing_is_left_to_compute(middle, page, monkeypatch):
    files = {}
    monkeypatch.setattr(display, "download", lambda label, _name, make, **_more: files.update({label: make}))
    page("evaluate", cohort="-simulated", target="sbp")
    assert not files
    assert main(middle[0]) == 0
    page("evaluate", cohort="-simulated", target="sbp")
    for name in HEAVY:
        monkeypatch.setattr(evaluation, name, nothing_is_computed)
    assert "mae" in files["Every number (CSV)"]()
    assert heading(TARGETS["sbp"].name) in files["Report (HTML)"]()


def test_nothing_of_all_rows_is_made_again_for_a_click(large, page, monkeypatch):
    page("evaluate", cohort="-simulated")
    assert main(large[0]) == 0
    for name in ("units_of_analysis", "choices"):
        monkeypatch.setattr(evaluation, name, nothing_is_computed)
    named = evaluation.unit_names
    monkeypatch.setattr(evaluation, "unit_names", lambda table, level: named(_of_few(table), level))
    for target in ("sbp", "sex"):
        assert page("evaluate", cohort="-simulated", target=target).get("plotly_chart")


@pytest.fixture
def no_rows(large, page, monkeypatch):
    """The cohort's job is done; whoever asks for all of its rows is refused from then on."""
    page("evaluate", cohort="-simulated")
    assert main(large[0]) == 0
    _let_nobody_read_rows(monkeypatch)


def _let_nobody_read_rows(monkeypatch):
    kept = result_cache.Disk.kept

    def small(self, name, kind, make):
        assert name != "table", "the rows of everybody"
        return kept(self, name, kind, make)

    monkeypatch.setattr(result_cache.Disk, "kept", small)
    monkeypatch.setattr(studies, "_STUDIES", studies.OpenStudies())  # as a server that was begun just now


def test_parts_of_a_cohort_side_by_side_are_shown_without_anybodys_row(no_rows, large, page, monkeypatch):
    asked = {"cohorts": [home.store().cohort("-simulated").key], "target": "sbp"}
    page("compare", **asked)
    with monkeypatch.context() as patched:
        patched.setattr(result_cache.Disk, "kept", KEPT)
        for _beginning_or_target in range(2):
            assert main(large[-1]) == 0
            page("compare", **asked)
    monkeypatch.setattr(studies, "_STUDIES", studies.OpenStudies())
    assert len(page("compare", **asked).get("plotly_chart")) > 2, "a scatter each, and the forest"


KEPT = result_cache.Disk.kept


def test_evaluate_reads_nobodys_row_after_the_job_but_of_whom_it_shows(no_rows, page):
    for more in ({"target": "sex"}, {"by": "site"}, *({"figure": each.id} for each in one_cohort.FIGURES)):
        assert page("evaluate", cohort="-simulated", **more).get("plotly_chart")
    alike = [button for button in page("evaluate", cohort="-simulated").button if str(button.key).startswith("alike-")]
    alike[0].click().run()


def test_slides_of_a_cohort_read_nobodys_row_and_no_observation_after_the_job(no_rows, page, monkeypatch):
    monkeypatch.setattr(studies.Study, "sample", nothing_is_computed)
    monkeypatch.setattr(web, "drawn", nothing_is_computed)  # another process draws
    shown = page("present", cohort="-simulated")
    assert "computed once and kept" not in str([each.value for each in shown.info])
    assert "aria-label" in slides_of(shown)


def test_how_a_cohort_can_be_split_is_not_looked_for_again(large, page, monkeypatch):
    page("evaluate", cohort="-simulated")
    key = home.store().cohort("-simulated").key
    view = studies.View(home.store().cohort("-simulated"), MODEL)
    known = studies.splits(view)
    assert main(large[0]) == 0
    monkeypatch.setattr(evaluation, "split", nothing_is_computed)
    monkeypatch.setattr(studies, "_STUDIES", studies.OpenStudies())
    assert studies.splits(view) == known
    shown = page("compare", cohorts=[key])
    assert [box for box in shown.selectbox if str(box.key).startswith("pick_split")]


def _of_few(table):
    assert len(table) <= 4, "one person's photographs, or one photograph"
    return table


def test_the_job_sorts_photographs_by_error_as_the_database_does(large, page, monkeypatch):
    name, where = "-simulated", Where(eye=Eye.RIGHT)
    sorts = {"model": MODEL, "order": "absolute_error", "target": "sbp", "descending": True, "limit": 10}
    asked = [home.store().photographs(name, one, **sorts, offset=7).items for one in (Where(), where)]
    assert not [box for box in page("explore", cohort=name).selectbox if box.key == "pick_column"], "not read for that"
    page("evaluate", cohort=name)
    assert main(large[0]) == 0
    cohort = home.store().cohort(name)
    study = pipeline.stored_study(home.store(), cohort, MODEL)
    ranked = pipeline.ranked(home.store(), cohort, study, "absolute_error", "sbp")
    monkeypatch.setattr(queries, "page", nothing_is_computed)
    for one, before in zip((Where(), where), asked, strict=True):
        assert home.store().photographs(name, one, **sorts, offset=7, ranked=ranked).items == before
    assert page("explore", cohort=name, order="absolute_error", target="sbp")


def test_one_photograph_reads_its_person_alone_and_stands_among_all_after_the_job(large, page, monkeypatch):
    page("evaluate", cohort="-simulated")
    with monkeypatch.context() as patched:
        patched.setattr(studies.Study, "ordered", property(_of_one_person))
        patched.setattr(studies.Study, "table", property(nothing_is_computed))
        before = page("one_photograph", cohort="-simulated")
    assert [each.value for each in before.caption if "once the page Evaluate has computed" in each.value]
    course = len(before.get("plotly_chart"))
    assert main(large[0]) == 0
    after = page("one_photograph", cohort="-simulated")
    assert len(after.get("plotly_chart")) == course + 3, "a value each of three targets"


def _of_one_person(study):
    (table,) = study.tables.values()
    assert len(set(table.patient_id)) == 1
    return evaluation.sort_rows(table)


def test_a_job_that_is_stopped_says_so_and_a_changed_cohort_has_another(large, page, capsys):
    page("evaluate", cohort="-simulated")
    jobs.stop(folder(large[0]))
    assert main(large[0]) == 2
    assert "stopped" in capsys.readouterr().err
    assert jobs.result(folder(large[0])) is None
    home.store().set_truth("-simulated", [])
    page("evaluate", cohort="-simulated")
    assert len({folder(words) for words in large}) == 2


COMPARES = (
    *("compare", "main_differences", "transfers", "table_one", "imbalance", "prediction_shift", "at_site"),
    *("over_sites", "out_of_distribution", "compare_models"),
)


@pytest.fixture
def pair(large, page):
    """The address of two large cohorts side by side, whose target's job was done."""
    fill(home.store(), 120, name="other", seed=8, only=("sbp", "dbp", "sex"))
    one, other = (each.key for each in home.store().cohorts())
    asked = {"cohorts": [one, other], "target": "sbp", "margin_sbp": "2"}
    for _whole_or_both in range(3):  # each cohort's own job, then what both begin with
        page("compare", **asked)
        assert main(large[-1]) == 0
    assert large[-1][4] == "--beside"
    (different,) = (each for each in page("compare", **asked).button if each.label == "Different people")
    different.click().run()
    for _beginning_or_target in range(2):
        assert main(large[-1]) == 0
        page("compare", **asked)
    return asked


def test_large_cohorts_side_by_side_are_compared_in_a_job_too(large, pair, page, monkeypatch):
    for name in COMPARES:
        monkeypatch.setattr(evaluation, name, nothing_is_computed)
    _let_nobody_read_rows(monkeypatch)
    shown = page("compare", folds=["differences", "recalibration"], **pair)
    assert shown.get("plotly_chart")
    assert len(large) == 5
    kept = home.store().shelf.folder / "kept"
    assert len([path for path in kept.iterdir() if "+" in path.name]) == 1
    home.store().delete("other")
    assert not [path for path in kept.iterdir() if "+" in path.name], "it holds the other's people, too"


def test_their_report_is_computed_in_a_job_when_somebody_asks(large, pair, page, monkeypatch):
    files = {}
    monkeypatch.setattr(display, "download", lambda label, _name, make, **_more: files.update({label: make}))
    offered = page("compare", **pair)
    assert "Report (HTML)" not in files
    next(each for each in offered.button if each.label == "Compute all targets").click().run()
    assert main(large[-1]) == 0
    for name in COMPARES:
        monkeypatch.setattr(evaluation, name, nothing_is_computed)
    assert "Compute all targets" not in [each.label for each in page("compare", **pair).button]
    report = files["Report (HTML)"]()
    assert all(heading(TARGETS[name].name) in report for name in ("sbp", "dbp", "sex"))
    assert files["Manuscript (Word)"]()
    assert len(large) == 6


def test_models_of_a_large_cohort_are_compared_in_a_job(large, page, monkeypatch):
    store = home.store()
    cohort = store.cohort("-simulated")
    said = store.table(cohort.id).predicted["sbp"]
    other = [
        Finding(str(sha256), "predicted", predictions={"sbp": Prediction(value + 3, math.nan, math.nan)})
        for sha256, value in zip(store.hashes(cohort.id), said, strict=True)
        if math.isfinite(value)
    ]
    store.record(cohort.id, ModelVersion("tests-own", "2" * 64, "3" * 64), other)
    asked = {"cohort": "-simulated", "model": MODEL, "target": "sbp"}
    page("evaluate", **asked)
    assert main(large[-1]) == 0
    before = len(page("evaluate", **asked).get("plotly_chart"))
    assert "--beside" in large[-1]
    assert main(large[-1]) == 0
    monkeypatch.setattr(evaluation, "compare_models", nothing_is_computed)
    shown = page("evaluate", **asked)
    assert len(shown.get("plotly_chart")) == before + 1
    assert len(large) == 2
    assert len(page("evaluate", **{**asked, "target": "dbp"}).get("plotly_chart")) == before
