"""A user's own targets on every page, in the report, on slides and in files, in both languages: never as a bare id."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from fundus_core import targets
from fundus_core.records import Eye, Prediction
from fundus_core.store import Finding, ModelVersion, NewPhotograph, Store, TruthRow
from pages.parts.shell import home

HBA1C = {
    "name": "glycated haemoglobin", "short": "HbA1c", "name_ja": "糖化ヘモグロビン", "unit": "%", "low": 3, "high": 20,
    "decimals": 2, "tolerances": [0.3, 0.5, 1], "units": [{"name": "mmol/mol", "factor": 0.09148, "offset": 2.152}],
}  # fmt: skip
DIABETES = {
    "name": "probability of diabetes",
    "short": "diabetic",
    "short_ja": "糖尿病",
    "binary": True,
    "classes": ["healthy", "ill"],
    "classes_ja": ["健常", "罹患"],
}
PAGES = {
    "evaluate": "糖尿病",
    "explore": "糖尿病",
    "compare": "糖尿病",
    "present": "South",
    "planner": "HbA1c",
    "one_photograph": "糖化ヘモグロビン",
    "criteria": "South",
}
"""What must stand on each page, one word that tells; slides are drawn by a script and looked at below."""


@pytest.fixture(scope="module")
def own() -> Iterator[None]:
    targets.learn({"xhb": HBA1C, "xdm": DIABETES}, "a card")
    yield
    for name in ("xhb", "xdm"):
        del targets._KNOWN[name]


@pytest.fixture(scope="module")
def lab(own: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDUS_LAB_HOME", str(tmp_path_factory.mktemp("own")))
        patch.setattr("fundus_core.runs.ensure_worker", lambda store: None)
        store = home.store()
        for name in ("North", "South"):
            _put(store, name)
        yield store


def _put(store: Store, name: str) -> None:
    random = np.random.default_rng(len(name) + ord(name[0]))
    store.create_cohort(name)
    kept = [store.keep(f"{name} {place}".encode()) for place in range(40)]
    people = [f"{name}{place // 2:02d}" for place in range(40)]
    eyes = [(Eye.RIGHT, Eye.LEFT)[place % 2] for place in range(40)]
    new = [
        NewPhotograph.of_kept(f"{p}_{e}.jpg", k, patient_id=p, eye=e)
        for k, p, e in zip(kept, people, eyes, strict=True)
    ]
    store.add_photographs(name, new)
    truth = random.normal(6, 1, 20).clip(4, 12).repeat(2)
    sick = (truth > 6.2).astype(float)
    ages = random.uniform(40, 70, 20).repeat(2)
    rows = [
        {"xhb": t, "xdm": s, "age": a, "sex": float(k % 4 > 1)}
        for k, (t, s, a) in enumerate(zip(truth, sick, ages, strict=True))
    ]
    store.set_truth(
        name, [TruthRow(one.name, row, {}, one.patient_id, one.eye) for one, row in zip(new, rows, strict=True)]
    )
    said = truth + random.normal(0, 0.4, 40)
    risk = np.clip(0.3 + 0.4 * sick + random.normal(0, 0.2, 40), 0.01, 0.99)
    found = [
        Finding(
            k.sha256,
            "predicted",
            quality=0.9,
            predictions={"xhb": Prediction(v, v - 1, v + 1), "xdm": Prediction(r, np.nan, np.nan)},
        )
        for k, v, r in zip(kept, said, risk, strict=True)
    ]
    store.record(name, ModelVersion("own-model", "a" * 64, "b" * 64), found)


def shown(app) -> str:
    """What a page and its sidebar say, tables and figures included, without keys of widgets, which no one sees."""
    kinds = ("title", "subheader", "caption", "markdown", "info", "warning", "table", "dataframe")
    parts = [str(element.value) for kind in kinds for element in app.get(kind)]
    said = "\n".join(parts + [str(element) for part in (app.main, app.sidebar) for element in part])
    return re.sub(r"key=(\"[^\"]*\"|'[^']*')", "", said)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_page_shows_it_by_its_name(lab: Store, page, name: str) -> None:
    """In Japanese, so that a name that was forgotten stands there in English, and an id as it is."""
    said = shown(page(name, lang="ja", target="xhb", **{"with": "North,South"}))
    assert not re.search(r"\bx(hb|dm)\b", said)
    assert PAGES[name] in said
    assert "haemoglobin" not in said


def test_a_yes_no_target_speaks_of_its_own_classes(lab: Store, page) -> None:
    """Not of men and women, as it did where it was taken for sex: on a photograph and beside a point."""
    for name in ("one_photograph", "evaluate"):
        said = shown(page(name, lang="ja", target="xdm", **{"with": "North,South"}))
        assert "健常" in said or "罹患" in said, name
        assert "女性である確率" not in said
