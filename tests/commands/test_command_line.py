"""The command line that others script against: columns, files, exit statuses, one clear sentence."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from fundus_core import pipeline
from fundus_core.__main__ import VERBS, main
from fundus_core.pipeline.tables import INSPECTION_COLUMNS
from fundus_core.store import Finding, ModelVersion, NewPhotograph, Store
from fundus_core.synthetic import synthesise

pytestmark = pytest.mark.usefixtures("undrawn")

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "real_fundus"
MODEL = "sample-rendered"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort") / "rendered"
    synthesise(12, 3, out, size=320)
    (out / "photographs" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    return out


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def results(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results") / "out"
    status = main(
        [
            "predict",
            str(cohort / "photographs"),
            "--model",
            MODEL,
            "--out",
            str(out),
            "--truth",
            str(cohort / "truth.csv"),
        ]
    )
    assert status == 1
    return out


def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in VERBS.items():
        with pytest.raises(SystemExit) as left:
            main([name, "--help"])
        assert left.value.code == 0
        told = " ".join(capsys.readouterr().out.split())
        assert f"fundus_core {name}" in told
        assert text in told


def test_inspect_lists_every_photograph_with_its_reason(cohort: Path, tmp_path: Path) -> None:
    assert main(["inspect", str(cohort / "photographs"), "--out", str(tmp_path / "seen.csv")]) == 1
    rows = table(tmp_path / "seen.csv")
    assert tuple(rows[0]) == INSPECTION_COLUMNS
    assert len(rows) == 25
    ended = {row["photograph"]: row["status"] for row in rows}
    assert ended.pop("broken.jpg") == "failed"
    assert set(ended.values()) == {"accepted"}
    assert all(row["reason"] for row in rows if row["status"] != "accepted")


def test_predict_writes_what_was_promised(results: Path) -> None:
    rows = table(results / "predictions.csv")
    head = list(rows[0])
    assert head[:5] == ["photograph", "sha256", "patient_id", "eye", "status"]
    assert head[5:9] == ["reason_code", "reason", "quality", "out_of_distribution"]
    assert head[-3:] == ["model", "weights_sha256", "code_version"]
    assert head[9:12] == ["sbp", "sbp_low", "sbp_high"]
    assert len(rows) == 25
    predicted = [row for row in rows if row["status"] == "predicted"]
    assert len(predicted) == 24
    for row in predicted:
        assert float(row["sbp_low"]) < float(row["sbp"]) < float(row["sbp_high"])
        assert float(row["out_of_distribution"]) >= 0
    record = json.loads((results / "run.json").read_text(encoding="utf-8"))
    assert record["photographs"] == {"total": 25, "predicted": 24, "refused": 0, "failed": 1}
    assert "rendered" in record["note"]


def test_predict_again_changes_nothing(results: Path, cohort: Path) -> None:
    before = (results / "predictions.csv").read_bytes()
    assert main(["predict", str(cohort / "photographs"), "--model", MODEL, "--out", str(results)]) == 1
    assert (results / "predictions.csv").read_bytes() == before


def test_a_cohort_gets_values_later_and_photographs_of_its_rows(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read: what a model found is written as the worker would write it."""
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "home"))

    def read(store: Store, request: pipeline.Request, *_: object) -> SimpleNamespace:
        found = [Finding(str(each), "predicted", predictions={}) for each in store.hashes(request.name) if each]
        store.record(request.name, ModelVersion(MODEL, "", ""), found)
        return SimpleNamespace(total=len(found), predicted=len(found), refused=0, failed=0)

    monkeypatch.setattr("fundus_core.pipeline.prediction._finished", read)
    with pipeline.open_home() as store:
        stands = [NewPhotograph(f"row {n}", "", patient_id=f"P000{n}") for n in (1, 2)]
        whole = NewPhotograph.of_kept("row 3", store.keep(b"read before"))
        store.add_photographs(store.create_cohort("clinic").id, [*stands, whole])
    asked = ["predict", "--model", MODEL, "--cohort", "clinic", "--out", str(tmp_path / "out")]
    (tmp_path / "first.csv").write_text("patient_id,sbp\nP0001,120\nP0002,130\n")
    (tmp_path / "more.csv").write_text("patient_id,sbp,bmi\nP0001,121,22\n")
    assert main([*asked, "--truth", str(tmp_path / "first.csv")]) == 0
    assert main([*asked, str(cohort / "photographs"), "--truth", str(tmp_path / "more.csv"), "--keep-truth"]) == 0
    with pipeline.open_home() as store:
        now = store.table("clinic")
        assert dict(zip(now.photograph[:2], now.truth["sbp"], strict=False)) == {"row 1": 121, "row 2": 130}
        assert store.waiting("clinic") == ()
    assert main([*asked, "--truth", str(tmp_path / "more.csv")]) == 0
    with pipeline.open_home() as store:
        assert [value for value in store.table("clinic").truth["sbp"] if value == value] == [121, 121]


def test_predictions_of_the_same_bytes_agree_whatever_their_name(results: Path, cohort: Path, tmp_path: Path) -> None:
    one = sorted((cohort / "photographs").glob("P*.jpg"))[3]
    (tmp_path / "other name.jpg").write_bytes(one.read_bytes())
    assert main(["predict", str(tmp_path / "other name.jpg"), "--model", MODEL, "--out", str(tmp_path / "out")]) == 0
    alone = table(tmp_path / "out" / "predictions.csv")[0]
    together = next(row for row in table(results / "predictions.csv") if row["photograph"] == one.name)
    for name in ("sha256", "weights_sha256"):
        assert alone[name] == together[name]
    for target in ("sbp", "glucose", "sex"):
        assert float(alone[target]) == pytest.approx(float(together[target]), rel=1e-4)


@pytest.mark.parametrize("level", ["patient", "eye", "photograph"])
def test_evaluate_writes_metrics_tables_and_a_report(results: Path, cohort: Path, tmp_path: Path, level: str) -> None:
    arguments = ["--predictions", str(results / "predictions.csv"), "--truth", str(cohort / "truth.csv")]
    assert main(["evaluate", *arguments, "--out", str(tmp_path / "e"), "--level", level, "--draws", "100"]) == 0
    metrics = json.loads((tmp_path / "e" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["level"] == level
    assert metrics["rendered"] is True
    sbp = metrics["targets"]["sbp"]
    assert (sbp["unit"], sbp["n_photographs"], sbp["n_patients"]) == ("mmHg", 24, 12)
    for name in ("mae", "rmse", "bias", "r2", "pearson", "ccc", "slope", "intercept", "loa_low", "loa_high"):
        if sbp[name]["note"].startswith("no interval: "):
            assert (sbp[name]["low"], sbp[name]["method"]) == (None, ""), name
        else:
            assert sbp[name]["low"] <= sbp[name]["value"] <= sbp[name]["high"], name
            assert "over patients" in sbp[name]["method"]
    assert sbp["bias"]["low"] is not None
    assert {"mae_null", "mae_age_sex", "coverage"} <= set(sbp)
    assert {"auc", "accuracy", "sensitivity", "specificity", "brier"} <= set(metrics["targets"]["sex"])
    page = (tmp_path / "e" / "report.html").read_text(encoding="utf-8")
    assert "trained on rendered eyes" in page
    rows = table(tmp_path / "e" / "estimates.csv")
    assert all("rendered" in row["notice"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["predict", "nowhere", "--model", MODEL, "--out", "OUT"], "'nowhere' does not exist"),
        (["predict", ".", "--model", "no-such", "--out", "OUT"], "There is no model 'no-such'"),
        (["predict", ".", "--model", "joir-metabolic-b7", "--out", "OUT"], "has no weights here"),
        (["predict", "--model", MODEL, "--out", "OUT"], "There is nothing to read"),
        (["predict", "--model", MODEL, "--cohort", "no such", "--out", "OUT"], "There is nothing to read"),
        (["inspect", "nowhere", "--out", "OUT/x.csv"], "does not exist"),
        (["evaluate", "--predictions", "nowhere.csv", "--truth", "x.csv", "--out", "OUT"], "could not be read"),
        (["compare", "A", "B=.", "--out", "OUT"], "NAME=DIR is needed"),
        (["compare", "A=.", "--out", "OUT"], "holds no predictions.csv"),
        (["synthesise", "--people", "0", "--seed", "1", "--out", "OUT"], "people"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else None,
)
def test_a_call_at_fault_is_told_and_nothing_is_written(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    assert main([word.replace("OUT", str(out)) for word in arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_an_unknown_option_is_told_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fundus_core", "evaluate", "--wrong"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


HEAVY = {
    *("torch", "timm", "keras", "openvino", "pandas", "scipy", "scipy.stats", "sqlalchemy", "alembic", "plotly"),
    *("matplotlib", "jinja2", "pydicom", "openpyxl"),
}
NEEDED = {
    "": set(),
    "synthesise": {"scipy"},
    "inspect": set(),
    "deidentify": {"sqlalchemy"},
    "models": set(),
    "train": set(),
    "explain": set(),
    "evaluate": {"scipy", "scipy.stats", "sqlalchemy"},  # the analyses remember in the store
}
"""Of the heavy libraries, those that a verb may load before it is asked for anything."""
LOADED = """
import sys
from importlib import import_module
from contextlib import suppress
from fundus_core.__main__ import main
with suppress(SystemExit):
    main(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("verb", NEEDED)
def test_a_verb_loads_its_own_rooms_alone(verb: str) -> None:
    """In a fresh process: what is not loaded costs a user nothing."""
    assert loaded(*verb.split(), "--help") <= NEEDED[verb]


def test_inspecting_and_listing_models_wait_for_no_heavy_library(tmp_path: Path) -> None:
    eye = str(ROOT / "tests" / "golden" / "eye_alba45_average.png")
    assert loaded("inspect", eye, "--out", str(tmp_path / "seen.csv")) == set()
    assert (tmp_path / "seen.csv").is_file()
    assert loaded("models", "list", "--json") == set()


def loaded(*words: str) -> set[str]:
    """The heavy libraries that a call loads in a process of its own."""
    done = subprocess.run([sys.executable, "-c", LOADED, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout
    return set(done.stderr.split()) & HEAVY


def test_who_has_read_enough_gets_no_traceback() -> None:
    """As ``models list | head`` does; with nobody left to read, nothing is said and nothing is wrong."""
    command = [sys.executable, "-m", "fundus_core", "models", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_every_name_of_the_verbs_door_opens() -> None:
    """What types are checked against is what opens, each from its module."""
    door = ast.parse(Path(pipeline.__file__).read_text(encoding="utf-8"))
    imported = [each for each in ast.walk(door) if isinstance(each, ast.ImportFrom)]
    typed = {(each.module or "", name.name) for each in imported for name in each.names}
    opened = {(module, name) for name, module in pipeline._ROOM_OF.items()}
    assert {each for each in typed if each[0].startswith("fundus_core.pipeline.")} == opened
    assert all(getattr(pipeline, name) is getattr(import_module(module), name) for module, name in opened)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pipeline.nothing


@pytest.mark.skipif(not REAL.is_dir(), reason="the real photographs to try things on are not beside the project")
def test_real_photographs_are_read_but_a_model_of_rendered_eyes_gives_no_numbers(tmp_path: Path) -> None:
    assert main(["predict", str(REAL), "--model", MODEL, "--out", str(tmp_path / "out")]) == 1
    rows = table(tmp_path / "out" / "predictions.csv")
    pictures = [row for row in rows if row["photograph"].startswith(("skimage", "chart"))]
    eyes = [row for row in rows if row not in pictures]
    assert len(rows) == 23
    assert {row["reason_code"] for row in pictures} <= {"not_colour_fundus", "not_a_retina"}
    for row in eyes:
        assert row["status"] == "refused"
        assert row["reason_code"] in {"out_of_distribution", "not_colour_fundus"}
        assert row["sbp"] == ""
