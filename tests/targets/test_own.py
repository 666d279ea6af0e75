"""A user's own targets, as files in a home of their own: nothing of the program changes for them.

Each test runs the program in a process of its own, since targets are read when a process starts. The faults of
files are attacked one by one, and as bytes that nobody meant.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from fundus_core import targets, truth
from fundus_core.errors import CardError, UsageError
from fundus_core.models import card_files, registry
from fundus_core.tables import read_table
from fundus_core.tables.headings import understand
from fundus_core.targets import TARGETS, files

HBA1C = """
name = "glycated haemoglobin"
short = "HbA1c"
name_ja = "糖化ヘモグロビン"
unit = "%"
low = 3
high = 20
decimals = 2
tolerances = [0.3, 0.5, 1]
headings = ["HbA1c", "HbA1c(NGSP)", "ヘモグロビンA1c"]

[[units]]
name = "%"
usual = [4, 14]

[[units]]
name = "mmol/mol"
factor = 0.09148
offset = 2.152
usual = [20, 130]
"""
SMOKER = """
name = "probability of smoking"
short = "smoking"
name_ja = "喫煙"
binary = true
headings = ["smoking", "喫煙"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "hba1c.toml").write_text(HBA1C, encoding="utf-8")
    (tmp_path / "targets" / "smoker.toml").write_text(SMOKER, encoding="utf-8")
    return tmp_path


def run(home: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FUNDUS_LAB_HOME": str(home)}
    call = [sys.executable, *map(str, words)]
    return subprocess.run(call, env=environment, capture_output=True, text=True, check=False, timeout=300)


def tables(home: Path) -> tuple[Path, Path]:
    """Predictions of sixty people, and what was measured: HbA1c in mmol/mol, smoking in words."""
    random = np.random.default_rng(5)
    truth = random.normal(6, 1, 60).clip(4, 12)
    said = truth + random.normal(0, 0.5, 60)
    smokes = random.random(60) < 0.4
    head = "photograph,patient_id,hba1c,smoker"
    guess = np.where(smokes, 0.7, 0.3) + random.normal(0, 0.15, 60)
    lines = [f"p{i}.jpg,P{i},{said[i]:.3f},{guess[i].clip(0.01, 0.99):.3f}" for i in range(60)]
    predictions = home / "predictions.csv"
    predictions.write_text("\n".join([head, *lines]), encoding="utf-8")
    lines = [f"p{i}.jpg,{(truth[i] - 2.152) / 0.09148:.3f},{'あり' if smokes[i] else 'なし'}" for i in range(60)]
    measured = home / "truth.csv"
    measured.write_text("\n".join(["画像名,HbA1c (mmol/mol),喫煙", *lines]), encoding="utf-8")
    (home / "expected.json").write_text(json.dumps({"mae": float(np.abs(said.round(3) - truth).mean())}))
    return predictions, measured


def test_it_is_read_converted_and_evaluated(home: Path) -> None:
    predictions, measured = tables(home)
    out = home / "out"
    files = ("--predictions", predictions, "--truth", measured, "--out", out)
    done = run(home, "-m", "fundus_core", "evaluate", *files, "--draws", "50")
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "metrics.json").read_text())["targets"]
    assert list(found) == ["hba1c", "smoker"]
    assert found["hba1c"]["unit"] == "%"
    assert found["hba1c"]["mae"]["value"] == pytest.approx(
        json.loads((home / "expected.json").read_text())["mae"], abs=1e-4
    )
    assert found["smoker"]["n_photographs"] == 60
    assert found["smoker"]["auc"]["value"] > 0.8
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "Glycated haemoglobin" in report or "glycated haemoglobin" in report
    assert "published (JOIR)" not in report


STORE = """
import sys
from pathlib import Path
from fundus_core.records import Prediction
from fundus_core.store import Finding, ModelVersion, NewPhotograph, Store, TruthRow, Where
with Store.open(Path(sys.argv[1]) / "store") as store:
    store.create_cohort("a")
    kept = [store.keep(str(i).encode()) for i in range(9)]
    store.add_photographs("a", [NewPhotograph.of_kept(f"{i}.jpg", one) for i, one in enumerate(kept)])
    store.set_truth("a", [TruthRow(f"{i}.jpg", {"hba1c": 5.0 + i / 10, "sbp": 120.0}) for i in range(9)])
    read = [Finding(one.sha256, "predicted", predictions={"hba1c": Prediction(6.0, 5.5, 6.5)}) for one in kept]
    store.record("a", ModelVersion("m", "w", "c"), read)
    page = store.photographs("a", Where(target="hba1c", absolute_error=(0.35, 2)), order="error", target="hba1c")
    print([item.name for item in page.items], sorted(store.table("a").predicted), sorted(store.table("a").truth))
"""


def test_a_store_keeps_it_and_goes_on_without_its_file(home: Path) -> None:
    done = run(home, "-c", STORE, home)
    order = "['6.jpg', '5.jpg', '4.jpg', '3.jpg', '2.jpg', '1.jpg', '0.jpg']"
    assert done.stdout.strip() == f"{order} ['hba1c'] ['hba1c', 'sbp']", done.stderr
    (home / "targets" / "hba1c.toml").unlink()
    again = "import sys; from fundus_core.store import Store; print(sorted(Store.open(sys.argv[1]).table('a').truth))"
    assert run(home, "-c", again, home / "store").stdout.strip() == "['sbp']"


def test_pages_name_it_in_both_languages(home: Path) -> None:
    asked = (
        "from fundus_core.errors import say; from pages.parts.shell.language import catalogue, tongue; "
        "print(catalogue('ja')['glycated haemoglobin'], tongue('ja').say(say('smoking')))"
    )
    said = run(home, "-W", "ignore", "-c", asked)
    assert said.stdout.startswith("糖化ヘモグロビン"), said.stderr


def test_a_bad_file_is_one_sentence_and_nothing_is_done(home: Path) -> None:
    (home / "targets" / "sbp.toml").write_text(HBA1C, encoding="utf-8")
    done = run(home, "-m", "fundus_core", "models", "list")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "sbp.toml: there is a target or a column 'sbp' already" in done.stderr
    assert "Traceback" not in done.stderr


FAULTS = [
    ("x.toml", "name = ", "not readable TOML"),
    ("x.toml", HBA1C + "colour = 3", "colour'; the keys are factor, name"),
    ("X Y.toml", HBA1C, "small letters"),
    ("hba1c_low.toml", HBA1C, "'_low'"),
    ("photograph.toml", HBA1C, "column 'photograph' already"),
    ("sbp.toml", HBA1C, "'sbp' already"),
    ("x.toml", HBA1C.replace("low = 3", "low = 30"), "a range"),
    ("x.toml", HBA1C.replace("low = 3", ""), "'low' is not given"),
    ("x.toml", HBA1C.replace("low = 3", "low = nan"), "a number"),
    ("x.toml", HBA1C.replace("0.3, 0.5, 1", "1, 0.5, 1"), "three rising"),
    ("x.toml", HBA1C.replace("decimals = 2", "decimals = 2.5"), "whole number"),
    ("x.toml", HBA1C.replace("0.09148", "-1"), "positive factor"),
    ("x.toml", HBA1C.replace('"mmol/mol"', '"%"'), "each once"),
    ("x.toml", HBA1C.replace('"HbA1c(NGSP)"', '"SBP"'), "'sbp' means the target 'sbp' already"),
    ("x.toml", HBA1C.replace('"glycated haemoglobin"', '"age"'), "'age' means the target 'age' already"),
    ("x.toml", SMOKER + "low = 2\n", "0 to 1 without a unit"),
    ("x.toml", SMOKER + "published_mae = 2\n", "the unknown key 'published_mae'"),
    ("x.toml", SMOKER + "phrase = '('\n", "regular expression"),
    ("x.toml", SMOKER + "[[published]]\nstudy = 'A 2024'\nscore = 'auc'\nvalue = 0.9\n", "a study with its source"),
    ("x.toml", SMOKER + "[[published]]\nstudy = 'A'\nsource = 'B'\nscore = 'auc'\nvalue = 'x'\n", "a number"),
]


@pytest.mark.parametrize(("name", "text", "said"), FAULTS)
def test_each_fault_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r".") as error:
        files.load(tmp_path.glob("*.toml"), TARGETS)
    assert said in str(error.value)
    assert str(error.value).endswith(".")


def test_two_files_of_one_user_may_not_share_a_heading(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(HBA1C, encoding="utf-8")
    (tmp_path / "two.toml").write_text(HBA1C, encoding="utf-8")
    with pytest.raises(UsageError, match=r"two\.toml: .* means the target 'one' already"):
        files.load(tmp_path.glob("*.toml"), TARGETS)


@given(cut=st.integers(0, len(HBA1C)), new=st.text(max_size=12))
def test_any_text_is_a_target_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, cut: int, new: str) -> None:
    folder = tmp_path_factory.mktemp("targets")
    (folder / "x.toml").write_bytes((HBA1C[:cut] + new + HBA1C[cut:]).encode("utf-8", "surrogatepass"))
    try:
        said = " ".join(files.load(folder.glob("*.toml"), TARGETS))
    except UsageError as error:
        said = str(error)
    assert said == "x" or said.endswith(".")


# Brought by a card ----------------------------------------------------------------------------------------------

BROUGHT = {
    "name": "glycated haemoglobin", "short": "HbA1c", "unit": "%", "low": 3, "high": 20, "tolerances": [0.3, 0.5, 1],
    "units": [{"name": "mmol/mol", "factor": 0.09148, "offset": 2.152, "usual": [20, 130]}],
}  # fmt: skip


def card_with(records: object, target: str = "hba1c", unit: str = "%") -> dict[str, object]:
    """A bundled card, as plain values, of a model for one target more."""
    path = registry.BUNDLED / "joir-age.toml"
    content = card_files.toml(path)
    output = {**content["outputs"][0], "target": target, "unit": unit}  # type: ignore[index]
    return {**content, "id": "m", "outputs": [output], "unverified": [], "results": [], "targets": records}


def test_a_card_brings_its_target_writes_it_again_and_leaves_nothing_behind_when_it_is_only_read() -> None:
    card = card_files.parse(card_with({"hba1c": BROUGHT}), Path(), "card.toml")
    assert card.targets == ("hba1c",)
    again = tomllib.loads(card_files.to_toml(card))
    assert again["targets"]["hba1c"]["units"][0]["offset"] == 2.152
    assert card_files.to_toml(card_files.parse(again, Path(), "card.toml")) == card_files.to_toml(card)
    assert "hba1c" not in TARGETS


@pytest.mark.parametrize("unit", ["%", "mmol/mol"])
def test_what_a_file_says_is_what_a_card_says(unit: str) -> None:
    """A record survives the way from a file into a card and back, the offset of its other unit included."""
    made = files.parse("hba1c", tomllib.loads(HBA1C), "x", TARGETS)
    again = files.parse("hba1c", json.loads(json.dumps(files.plain(made))), "y", TARGETS)
    assert again == made
    at = [one.name for one in again.units].index(unit)
    assert again.units[at].to_own(np.array([50.0]))[0] == pytest.approx({"%": 50.0, "mmol/mol": 6.726}[unit])


CONFLICTS = [
    (
        {"sbp": {**BROUGHT, "name": "systolic blood pressure", "short": "SBP", "unit": "kPa"}},
        "'sbp' with another 'unit'",
    ),
    ({"hba1c": {**BROUGHT, "headings": ["SBP"]}}, "'sbp' means the target 'sbp' already"),
    ({"hba1c": {**BROUGHT, "published_mae": 1}}, "the unknown key 'published_mae'"),
    ({"hba1c": 3}, "must be a table of keys"),
    ([BROUGHT], "a table"),
    ({}, "must be one of sbp"),
]


@pytest.mark.parametrize(("records", "said"), CONFLICTS)
def test_what_a_card_may_not_bring_is_one_sentence(records: object, said: str) -> None:
    with pytest.raises(CardError) as error:
        card_files.parse(card_with(records), Path(), "card.toml")
    assert said in str(error.value)
    assert str(error.value).endswith(".")


def test_an_installed_card_makes_its_target_known_and_a_second_one_that_differs_is_named(tmp_path: Path) -> None:
    for name, low in (("a", 3), ("b", 4)):
        (tmp_path / "models" / name).mkdir(parents=True)
        content = {**card_with({"hba1c": {**BROUGHT, "low": low}}), "id": name}
        (tmp_path / "models" / name / "card.toml").write_text(tomli_w.dumps(content), encoding="utf-8")
    asked = (
        "from fundus_core.targets import TARGETS; from fundus_core.models import registry;"
        "from fundus_core.tables import units;"
        "print(TARGETS['hba1c'].low, units.unit_of('mmol/mol'), *registry.shelf().faults.values())"
    )
    said = run(tmp_path, "-c", asked)
    assert said.stdout.startswith("3.0 mmol/mol card.toml brings the target 'hba1c' with another 'low' (4.0)"), (
        said.stderr
    )


@pytest.fixture
def learnt() -> Iterator[None]:
    """HbA1c and smoking, known in this process as a card would bring them, and forgotten again."""
    targets.learn({"hba1c": {**BROUGHT, "phrase": "hba1c"}, "smoker": tomllib.loads(SMOKER)}, "a card")
    yield
    for name in ("hba1c", "smoker"):
        del targets._KNOWN[name]


@pytest.mark.usefixtures("learnt")
@pytest.mark.parametrize(
    ("heading", "meant"),
    [
        ("HbA1c (mmol/mol)", ("hba1c", "mmol/mol")),
        ("hba1c_mmol_mol", ("hba1c", "mmol/mol")),
        ("HbA1c NGSP %", ("hba1c", "%")),
        ("ＨｂＡ１ｃ（％）", ("hba1c", "%")),
        ("HbA1c treatment", ("covariate", "")),
        ("hba1c_low", ("covariate", "")),
        ("glucose_mmol_l", ("glucose", "mmol/L")),
        ("喫煙", ("smoker", "")),
    ],
)
def test_headings_of_a_target_that_came_in_later_are_understood(heading: str, meant: tuple[str, str]) -> None:
    found = understand(heading)
    assert (found.role, found.unit) == meant


@pytest.mark.usefixtures("learnt")
def test_codes_of_a_yes_no_target_are_the_users_to_say() -> None:
    table = read_table("photograph,喫煙\na.jpg,1\nb.jpg,2\n".encode(), "t.csv")
    mapped = truth.propose(table).change("喫煙", coding=truth.coding_from("1 = no, 2 = yes"))
    assert truth.apply(table, mapped).values["smoker"].tolist() == [0.0, 1.0]


def test_what_was_learnt_is_forgotten_between_tests() -> None:
    assert understand("HbA1c (mmol/mol)").role == "covariate"


ARCHIVE = """
import sys
from pathlib import Path
from fundus_core.errors import UsageError
from fundus_core.store import NewPhotograph, Store, TruthRow
here, out, there = map(Path, sys.argv[1:])
if out.exists():
    with Store.open(there) as store:
        try:
            print(store.table(store.import_(out).id).truth["hba1c"].tolist())
        except UsageError as error:
            print(error)
else:
    with Store.open(here) as store:
        kept = store.keep(b"0")
        store.create_cohort("a")
        store.add_photographs("a", [NewPhotograph.of_kept("0.jpg", kept)])
        store.set_truth("a", [TruthRow("0.jpg", {"hba1c": 6.5})])
        store.export("a", out)
"""


def test_an_archive_carries_it_and_says_what_a_machine_lacks_that_does_not_know_it(home: Path) -> None:
    out = home / "a.zip"
    assert run(home, "-c", ARCHIVE, home / "one", out, home / "two").returncode == 0
    assert run(home, "-c", ARCHIVE, home / "one", out, home / "two").stdout.strip() == "[6.5]"
    said = run(home / "elsewhere", "-c", ARCHIVE, home / "one", out, home / "three").stdout
    assert said.startswith("There is no target 'hba1c'")
    assert "a file in the folder 'targets'" in said
