"""The benchmark's structure and its arithmetic; never a time, which belongs to a machine and a moment."""

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from fundus_core import __main__
from fundus_core.benchmark.measure import _paper, measure
from fundus_core.benchmark.plan import QUICK, Published, Trial, card_of, photographs
from fundus_core.benchmark.product_way import Ours
from fundus_core.benchmark.result import text
from fundus_core.benchmark.separate_processes import contender
from fundus_core.benchmark.steps import Intervals, cohort, multiply_adds
from fundus_core.errors import UsageError

TINY = QUICK.trials[0]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A quick run by the command line: its exit status and its JSON."""
    out = tmp_path_factory.mktemp("benchmark") / "deep" / "benchmark.json"
    assert __main__.main(["benchmark", "--quick", "--out", str(out)]) == 0
    return json.loads(out.read_text(encoding="utf-8"))


def test_every_way_has_a_row_and_the_fastest_plain_batch_is_the_measure(found):
    plain = [row for row in found["rows"] if row["way"] == "plain"]
    ours = [row for row in found["rows"] if row["way"] == "ours"]
    assert [row["batch"] for row in plain] == list(TINY.batches)
    assert {row["precision"] for row in ours} >= {"float32"}
    assert max(row["ratio"] for row in plain) == 1.0
    best = min(row["seconds"] for row in plain)
    for row in ours:
        assert row["ratio"] == pytest.approx(best / row["seconds"])
        assert row["of_network"] == pytest.approx(row["network_seconds"] / row["seconds"])
        assert set(row["spent"]) == {"waiting", "predict", "store"}
        assert 0 < sum(row["spent"].values()) <= 1


def test_shares_of_the_ceiling_are_multiply_adds_over_the_matrix_rate(found):
    for row in found["rows"]:
        needed = found["multiply_adds"][row["network"]] / found["matrix_rate"][row["precision"]]
        assert row["of_ceiling"] == pytest.approx(needed / row["seconds"])


def test_every_step_of_reading_has_a_time(found):
    steps = found["steps"][TINY.name]
    assert list(steps) == ["read", "decode", "find", "quality", "eye", "crop", "resize", "pictures"]
    assert all(seconds >= 0 for seconds in steps.values())
    assert steps["decode"] > 0


def test_reading_is_measured_alone_on_request(capsys):
    assert __main__.main(["benchmark", "--quick", "--reading"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{TINY.name}: reading, ms on one core: read ")
    *parts, together = (float(number) for number in re.findall(r"[a-z] (\d+\.\d)", line))
    assert len(parts) == 8
    assert sum(parts) == pytest.approx(together, abs=0.5)


def test_hours_grow_with_the_cohort_in_proportion(found):
    for one in found["projections"]:
        hours = {int(count): value for count, value in one["hours"].items()}
        assert list(hours) == [10_000, 130_000, 1_600_000]
        assert hours[130_000] == pytest.approx(13 * hours[10_000])
        assert hours[1_600_000] == pytest.approx(160 * hours[10_000])


def test_the_scale_on_paper_follows_from_its_parts():
    published = Published("some GPU", 50.0, "somewhere")
    plan = replace(QUICK, trials=(replace(TINY, published=published), replace(TINY, name="untold")))
    one, eight = _paper(plan, {TINY.name: {"decode": 0.01, "find": 0.03}, "untold": {"decode": 0.01}})
    assert (one.gpus, eight.gpus) == (1, 8)
    assert one.hours[130_000] == pytest.approx(130_000 / 50 / 3600)
    assert one.cores == pytest.approx(2.0)
    assert eight.hours[130_000] == pytest.approx(one.hours[130_000] / 8)
    assert eight.cores == pytest.approx(8 * one.cores)


def test_what_was_not_measured_is_said(found):
    notes = " ".join(found["notes"])
    assert ("GPU: unmeasured" in notes) is (found["machine"]["gpu"] == "none")
    assert "say nothing about speed" in notes


def test_the_page_of_text_tells_every_row(monkeypatch):
    plan = replace(QUICK, trials=(Trial("absent model", "no-such-model"),))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    quick = measure(plan)
    assert quick.rows == ()
    assert "Ray: unmeasured" in text(quick)
    assert "absent model: not measured, its weights are not here." in text(quick)
    assert "without ranks" in text(quick)


# Parts ------------------------------------------------------------------------------------------------------------


def test_multiply_adds_are_those_of_the_paper(tmp_path):
    """EfficientNet-B0 at 224 px: 0.39 billion (Tan and Le 2019, arXiv:1905.11946, table 2)."""
    card = card_of(Trial("B0", backbone="tf_efficientnet_b0", size=224), tmp_path)
    assert multiply_adds(card) == pytest.approx(0.39e9, rel=0.02)


def test_photographs_are_different_files_of_one_kind(tmp_path):
    paths = photographs(replace(QUICK, height=128), tmp_path)
    assert len(paths) == TINY.count
    assert len({path.read_bytes() for path in paths}) == TINY.count


def test_the_cohort_for_the_intervals_has_its_people():
    table = cohort(52)
    assert len(table) == 100
    assert len(set(table.patient_id)) == 52
    assert Intervals().evaluate(30, 20, True) > 0


def test_a_refused_photograph_stops_the_benchmark(tmp_path):
    card_of(TINY, tmp_path / "card")
    (tmp_path / "notes.jpg").write_bytes(b"no photograph")
    contender = Ours(tmp_path / "card" / "card.toml", "float32", "cpu", tmp_path)
    with pytest.raises(UsageError, match="Only 0 of 1 rendered photographs were predicted"):
        contender.work([tmp_path / "notes.jpg"])


def test_a_contender_apart_answers_as_one_here():
    with contender(sorted, (3, 1, 2), apart=False) as here, contender(sorted, (3, 1, 2)) as apart:
        assert here.ask("index", 3) == apart.ask("index", 3) == 2
        assert 0 < apart.peak() or not Path("/proc/self/status").is_file()


def test_a_contender_that_dies_is_told_in_a_sentence():
    with (
        contender(importlib.import_module, "os") as apart,
        pytest.raises(UsageError, match="died, most likely for lack"),
    ):
        apart.ask("_exit", 1)
