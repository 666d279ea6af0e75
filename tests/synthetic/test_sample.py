"""The sample cohort that ships is what its README's command makes."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fundus_core.synthetic import find
from fundus_core.synthetic.cohort import write_latents, write_limit, write_truth
from fundus_core.synthetic.population import TRAITS, sample_people, solve

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def options():
    """The numbers of the command in the README."""
    command = re.search(r"synthesise (.+)", (SAMPLE / "README.md").read_text(encoding="utf-8"))
    words = command.group(1).split()
    return dict(zip(words[::2], words[1::2], strict=True))


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(value):
    """Every number in nested JSON, in order."""
    if isinstance(value, dict):
        return [number for inner in value.values() for number in numbers(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in numbers(inner)]
    return [value] if isinstance(value, int | float) else []


def test_the_tables_are_those_of_the_command(tmp_path):
    said, population = options(), solve()
    people, seed = int(said["--people"]), int(said["--seed"])
    drawn = sample_people(population, people, seed, defects=float(said["--defects"]), missing=float(said["--missing"]))
    write_truth(drawn, tmp_path / "truth.csv")
    write_latents(drawn, population, tmp_path / "latents.csv")
    write_limit(drawn, population, seed, int(said["--size"]), tmp_path / "limit.json")
    assert (tmp_path / "truth.csv").read_text() == (SAMPLE / "truth.csv").read_text()
    for made, kept in zip(rows(tmp_path / "latents.csv"), rows(SAMPLE / "latents.csv"), strict=True):
        for trait in TRAITS:
            assert float(made[f"z_{trait}"]) == pytest.approx(float(kept[f"z_{trait}"]), abs=2e-6)
    made, kept = (json.loads((place / "limit.json").read_text()) for place in (tmp_path, SAMPLE))
    for part in ("cohort", "sites", "limits", "population"):
        made_part, kept_part = made.pop(part), kept.pop(part)
        assert np.allclose(numbers(made_part), numbers(kept_part), atol=1e-5)
    assert made == kept


@pytest.mark.parametrize("photograph", ["P0001_R.jpg", "P0100_L.jpg", "P0150_R.jpg", "P0199_L.jpg"])
def test_the_photographs_are_those_of_the_tables(photograph):
    row = next(row for row in rows(SAMPLE / "truth.csv") if row["photograph"] == photograph)
    assert not row["defect"], "choose a photograph without a defect for this test"
    with Image.open(SAMPLE / "photographs" / photograph) as picture:
        kept = np.asarray(picture).astype(int)
    assert np.abs(find(SAMPLE, photograph).redraw({}) - kept).mean() < 3


def test_it_is_complete_and_small():
    photographs = sorted(path.name for path in (SAMPLE / "photographs").iterdir())
    assert photographs == sorted(row["photograph"] for row in rows(SAMPLE / "truth.csv"))
    assert len(photographs) == 400
    assert sum(path.stat().st_size for path in (SAMPLE / "photographs").iterdir()) < 12e6


def test_it_has_sites_defects_and_gaps():
    truth = rows(SAMPLE / "truth.csv")
    assert {row["site"] for row in truth} == {"health check", "hospital", "clinic"}
    assert 0.05 < np.mean([row["defect"] != "" for row in truth]) < 0.10
    assert 0.02 < np.mean([row["sbp"] == "" for row in truth]) < 0.08
