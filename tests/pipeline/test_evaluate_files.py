"""What ``evaluate`` writes: all of it or nothing, and the estimates alone where that is asked for."""

import json

import pytest

from fundus_core import pipeline
from fundus_core.__main__ import main
from fundus_core.analyses import Settings
from fundus_core.errors import UsageError
from fundus_core.pipeline import evaluate_files
from tests import sample_part

FEW = Settings(draws=20)
pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return sample_part.written(tmp_path_factory.mktemp("files"))


def test_estimates_alone_are_those_of_the_whole(tmp_path, files):
    heard = []
    pipeline.evaluate(*files, tmp_path / "whole", FEW, tell=lambda title, left: heard.append((title, left)))
    assert [left for _, left in heard] == list(range(len(heard), 0, -1)), (
        "each analysis is told, with how many are left"
    )
    pipeline.evaluate(*files, tmp_path / "few", FEW, estimates_only=True)
    written = {file.name for file in (tmp_path / "few").iterdir()}
    assert written == {"metrics.json", "estimates.csv", "evaluation.json", "replay.json"}
    whole, few = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("whole", "few"))
    assert few["targets"] == whole["targets"]
    assert "beyond" not in few
    same = [(tmp_path / name / "estimates.csv").read_bytes() for name in ("whole", "few")]
    assert same[0] == same[1]
    before = {file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()}
    with pytest.raises(UsageError, match="report and tables of a whole evaluation"):
        pipeline.evaluate(*files, tmp_path / "whole", FEW, estimates_only=True)
    assert {file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()} == before


@pytest.mark.parametrize("alone", [True, False])
def test_the_command_line_names_what_it_wrote(tmp_path, files, capsys, alone):
    words = ["--predictions", files[0], "--truth", files[1], "--out", tmp_path / "out", "--draws", 20]
    assert main(["evaluate", *map(str, words), *(["--estimates-only"] if alone else [])]) == 0
    assert ("report in" in capsys.readouterr().out) == (tmp_path / "out" / "report.html").exists() == (not alone)


def test_a_column_that_is_not_there_is_a_fault_before_any_number_is_given(tmp_path, files):
    settings = Settings(draws=20, beyond=("nosuch",))
    with pytest.raises(UsageError, match="nosuch"):
        pipeline.score_files(*files, settings)
    with pytest.raises(UsageError, match="nosuch"):
        pipeline.evaluate(*files, tmp_path / "few", settings, estimates_only=True)
    assert not (tmp_path / "few").exists()


@pytest.mark.parametrize("there", [False, True], ids=["new", "held something"])
def test_an_evaluation_that_is_stopped_leaves_nothing_half_written(tmp_path, monkeypatch, files, there):
    out = tmp_path / "out"
    if there:
        out.mkdir()
        (out / "metrics.json").write_text("before")

    def stop(*_args, **_named):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate_files, "render", stop)
    with pytest.raises(KeyboardInterrupt):
        pipeline.evaluate(*files, out, FEW)
    assert ([file.name for file in out.iterdir()] if there else out.exists()) == (["metrics.json"] if there else False)
    assert not there or (out / "metrics.json").read_text() == "before"
