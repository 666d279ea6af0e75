"""De-identifying changes neither what matches nor lets a name into what is written beside the predictions.

Attacked with names in folders, file names, ids, headings, free text and unmatched rows, and with an age of 97.
"""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from fundus_core import pipeline, truth
from fundus_core.deidentify import Pseudonyms
from fundus_core.images import sources
from fundus_core.pipeline.result_files import write_truth
from fundus_core.store import Store
from fundus_core.synthetic import synthesise

KEY = Pseudonyms(b"k" * 32)
PERSON = "Zephyrina Quux"
TABLES = {
    "bare names": "photograph,sbp\n{bare}",
    "paths": "photograph,sbp\n{path}",
    "stems": "photograph,sbp\n{stem}",
    "people and eyes": "id,eye,sbp\n{eye}",
    "people": "id,sbp\n{person}",
}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight photographs in a folder for each person, the folder named after them."""
    made, out = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("clinic")
    synthesise(4, 5, made, size=256)
    for path in sorted((made / "photographs").iterdir()):
        person = path.stem[:-2]
        (out / f"{PERSON} {person}").mkdir(exist_ok=True)
        shutil.copy(path, out / f"{PERSON} {person}" / path.name)
    return out


def _table(kind: str, clinic: Path) -> bytes:
    files = sorted(path.relative_to(clinic) for path in clinic.rglob("*.jpg"))
    people = sorted({path.stem[:-2] for path in files})
    lines = {
        "bare": [path.name for path in files],
        "path": [path.as_posix() for path in files],
        "stem": [path.stem for path in files],
        "eye": [f"{path.stem[:-2]},{path.stem[-1]}" for path in files],
        "person": people,
    }
    rows = {name: "\n".join(f"{line},{120 + at}" for at, line in enumerate(each)) for name, each in lines.items()}
    return TABLES[kind].format(**rows).encode()


@pytest.mark.parametrize("kind", TABLES)
def test_a_key_changes_nothing_of_what_matches(kind: str, clinic: Path, tmp_path: Path) -> None:
    measured = truth.load(_table(kind, clinic), "t.csv")
    with Store.open(tmp_path / "store") as store:
        for name, key in (("plain", None), ("hidden", KEY)):
            store.create_cohort(name)
            pipeline.intake(store, name, [clinic], pseudonyms=key)
        plain = pipeline.match_truth(store, "plain", measured)
        hidden = pipeline.match_originals(store, "hidden", measured, sources([clinic]), KEY)
        of = {str(name): value for name, value in zip(hidden.photographs, hidden.values()["sbp"], strict=True)}
        wanted = plain.values()["sbp"]
        assert np.isfinite(wanted).all()
        assert [of[KEY.photograph(str(name))] for name in plain.photographs] == list(wanted)


def test_nothing_written_names_anybody(clinic: Path, tmp_path: Path) -> None:
    files = sorted(clinic.rglob("*.jpg"))
    head = ["photograph", "patient_id", "sbp", "age", "Remark", "site", f"Seen by {PERSON}"]
    rows = [
        [path.name, f"{PERSON}-{at // 2}", 120 + at, 97 - at, f"known to {PERSON}", "A", PERSON]
        for at, path in enumerate(files)
    ]
    rows += [[f"{PERSON} gone.jpg", PERSON, f"high ({PERSON})", 40, PERSON, "B", PERSON]]
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    measured = truth.load(text.getvalue().encode(), f"{PERSON}.csv")
    with Store.open(tmp_path / "store") as store:
        store.create_cohort("clinic")
        pipeline.intake(store, "clinic", [clinic], pseudonyms=KEY)
        found = pipeline.match_originals(store, "clinic", measured, sources([clinic]), KEY, covariates=["site"])
        assert pipeline.set_truth(store, "clinic", found) == len(files)
        write_truth(tmp_path, found)
    written = (tmp_path / "truth.csv").read_text(encoding="utf-8") + (tmp_path / "truth_faults.csv").read_text("utf-8")
    for word in (*PERSON.split(), *(path.name for path in files)):
        assert word not in written
    with (tmp_path / "truth.csv").open(encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert set(lines[0]) >= {"site", "sbp", "age"}
    assert "Remark" not in lines[0]
    assert max(float(line["age"]) for line in lines) == 90.0
    assert {line["patient_id"] for line in lines} == {KEY.patient(f"{PERSON}-{at}") for at in range(4)}
    faults = (tmp_path / "truth_faults.csv").read_text(encoding="utf-8")
    assert "unmatched_row" in faults
    for path in (tmp_path / "store").rglob("*"):
        assert not path.is_file() or b"Zephyrina" not in path.read_bytes()
