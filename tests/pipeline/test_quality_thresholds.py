"""Limits from a cohort: the same for the same photographs, never looser than the usual ones, and kept to."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from fundus_core.__main__ import main
from fundus_core.errors import UsageError
from fundus_core.images import sources
from fundus_core.pipeline import cohorts, limits_of, prediction, stretched_set
from fundus_core.quality import LIMITS, Kind, Limits, Measurements, apply_limits
from fundus_core.synthetic import synthesise


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cohort")
    synthesise(11, 3, made, size=256)
    (made / "photographs" / "letter.jpg").write_bytes(b"Dear colleague")
    return made / "photographs"


def test_limits_grow_with_the_percentile_and_begin_at_the_usual_ones(photographs: Path) -> None:
    loose, strict = (limits_of(sources([photographs]), percentile) for percentile in (5.0, 40.0))
    assert strict == limits_of(sources([photographs]), 40.0)
    for name in ("brightness", "lit_share", "contrast", "focus"):
        assert getattr(LIMITS, name) <= getattr(loose, name) <= getattr(strict, name)
    assert LIMITS.glare_share >= loose.glare_share >= strict.glare_share
    assert (strict.field_share, strict.diameter_px) == (LIMITS.field_share, LIMITS.diameter_px)


def test_the_sample_is_measured_and_said(photographs: Path) -> None:
    told: list[tuple[int, int]] = []
    limits_of(sources([photographs]), 5.0, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (23, 23)


def test_too_few_photographs_are_refused(photographs: Path) -> None:
    few = sorted(photographs.glob("*.png"))[:3] or sorted(photographs.iterdir())[:3]
    with pytest.raises(UsageError, match="at least 20"):
        limits_of(sources(few), 5.0)


def test_inspect_refuses_the_worst_of_a_cohort(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(photographs), "--out", str(tmp_path / "a.csv"), "--quality-percentile", "10"]) == 1
    assert "differ from the usual ones" in capsys.readouterr().out
    with (tmp_path / "a.csv").open(encoding="utf-8") as stream:
        codes = [row["reason_code"] for row in csv.DictReader(stream) if row["status"] == "refused"]
    assert 1 <= len(codes) <= 5 * 3, "five checks, each the worst tenth of 22"
    assert set(codes) <= {"focus", "contrast", "illumination", "glare"}


@pytest.mark.parametrize("percentile", ["60", "-1", "many", "nan"])
def test_a_percentile_that_cannot_be_is_refused(
    percentile: str, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(photographs), "--out", str(tmp_path / "a.csv"), f"--quality-percentile={percentile}"])
    assert ended.value.code == 2
    assert "from 0 to 50" in capsys.readouterr().err


def test_a_cohort_without_glare_does_not_nullify_every_score() -> None:
    found = Measurements(Kind.COLOUR, 2000.0, 0.9, 150.0, 1.0, 0.0, 0.3, 0.1)
    strict = dataclasses.replace(LIMITS, glare_share=0.0, lit_share=1.0)
    assert 0.5 < apply_limits(found, strict).score < apply_limits(found).score
    assert apply_limits(dataclasses.replace(found, glare_share=0.1), strict).score < 0.2


@pytest.mark.parametrize("limits", [LIMITS, Limits(focus=0.1), dataclasses.replace(LIMITS, glare_share=1 / 3)])
def test_limits_as_text_come_back(limits: Limits) -> None:
    assert Limits.from_text(limits.as_text()) == limits


@pytest.mark.parametrize("text", ["{", "[]", '{"height": 1}', '{"focus": "NaN"}', '{"focus": null}'])
def test_text_that_is_no_limits_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="limits of quality"):
        Limits.from_text(text)


def test_a_set_that_was_squeezed_is_noticed_as_one(photographs: Path, tmp_path: Path) -> None:
    assert stretched_set(sources([photographs])) is None
    for path in sorted(photographs.glob("P*"))[:6]:
        with Image.open(path) as eye:
            eye.resize((round(1.5 * eye.width), eye.height)).save(tmp_path / path.name)
    found = stretched_set(sources([tmp_path]))
    assert found is not None
    assert found.stretched == found.looked
    assert found.aspect == pytest.approx(1 / 1.5, rel=0.05)


def test_few_photographs_are_no_set(photographs: Path) -> None:
    assert stretched_set(sources(sorted(photographs.iterdir())[:2])) is None


def test_predict_takes_limits_from_the_photographs_that_a_cohort_holds(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path))
    with cohorts.open_home() as store:
        store.create_cohort("clinic")
        cohorts.intake(store, "clinic", [photographs])
    asked = prediction.Request(
        paths=(), models=("joir-rendered",), out=tmp_path / "out", cohort="clinic", percentile=20.0
    )
    assert prediction._limits(asked) == limits_of(sources([photographs]), 20.0) != LIMITS
