"""A store with two small cohorts whose numbers are known, and the application on it without a browser."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

from fundus_core import evaluation
from fundus_core.records import Eye, Prediction
from fundus_core.store import (
    Finding,
    ModelVersion,
    NewPhotograph,
    Store,
    TruthRow,
    cohorts,
    prediction_table,
    schema,
    versions,
)
from pages.parts.shell import home

FRAME = Path(__file__).resolve().parents[2] / "pages" / "parts" / "frame.py"
VERSION = ModelVersion("tests-own", "a" * 64, "b" * 64)
PEOPLE = 30


@pytest.fixture(scope="session", autouse=True)
def as_on_a_server():
    """What Streamlit's harness does at each run of a page and a server of ours never, or once.

    It reads what every installed package says of itself, and after the run it has Keras search all memory for garbage
    where some test has imported it, as no page does.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_model_is_warmed_up():
    """A page of the sample opens a process with torch, for a question that no test of a page asks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pages.parts.shared.photo_panel.warm_up_to_look", lambda _view: None)
        yield


def put(store: Store, name: str, *, seed: int, bias: float = 0.0, rendered: bool = False) -> int:
    """Make a cohort of both eyes of 30 people; every tenth photograph is refused, the last one failed."""
    rng = np.random.default_rng(seed)
    cohort = store.create_cohort(name, rendered=rendered)
    added, truth, found = [], [], []
    for number in range(2 * PEOPLE):
        eye = Eye.RIGHT if number % 2 == 0 else Eye.LEFT
        person = f"{name[0]}{number // 2:03d}"
        kept = store.keep(f"{name} {number}".encode())
        added.append(NewPhotograph.of_kept(f"{person}_{eye.value}.jpg", kept, patient_id=person, eye=eye))
        truth.append(_truth(added[-1], number // 2, seed))
        found.append(_finding(kept.sha256, number, truth[-1], rng, bias))
    store.add_photographs(cohort.id, added)
    store.set_truth(cohort.id, truth)
    with store.writing() as connection:
        version = versions.version_id(connection, VERSION)
        prediction_table.write(connection, version, found)
        prediction_table.attach(connection, version, schema.photograph.c.cohort_id == cohort.id)
        cohorts.update(connection, cohort.id)
    return cohort.id


def _truth(photograph: NewPhotograph, person: int, seed: int) -> TruthRow:
    rng = np.random.default_rng((seed, person))
    values = {"sbp": rng.normal(125, 15), "bmi": rng.normal(23, 3), "age": rng.uniform(30, 75), "sex": person % 2}
    site = "north" if person % 3 else "south"
    return TruthRow(photograph.name, values, {"site": site}, photograph.patient_id, photograph.eye)


def _finding(sha256: str, number: int, truth: TruthRow, rng: np.random.Generator, bias: float) -> Finding:
    if number % 10 == 3:
        return Finding(sha256, "refused", "focus", "Too blurred; take it again.", quality=0.2)
    if number == 2 * PEOPLE - 1:
        return Finding(sha256, "failed", "truncated", "The file is cut off; copy it again.")
    said = {
        name: Prediction(value + bias + rng.normal(0, 4), value - 15, value + 15)
        for name, value in truth.truth.items()
        if name != "sex"
    }
    said["sex"] = Prediction(float(np.clip(0.2 + 0.6 * truth.truth["sex"] + rng.normal(0, 0.1), 0, 1)), np.nan, np.nan)
    return Finding(sha256, "predicted", "", "", 0.9, 0.5, "float32", said)


@pytest.fixture(scope="module", autouse=True)
def few_draws():
    """What a page shows is held against a study of the same draws; how many there are is no matter of pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "NUMBER_OF_DRAWS", 60)
        yield


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty store that the pages will open; no worker is started and no sample fetched."""
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setattr("fundus_core.runs.ensure_worker", lambda store: None)
    return home.store()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with two cohorts, shared by the tests of a module that only look at it."""
    folder = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDUS_LAB_HOME", str(folder))
        store = home.store()
        put(store, "Clinic", seed=1)
        put(store, "Van", seed=2, bias=5.0, rendered=True)
        yield store


@pytest.fixture
def page():
    """Open a page of the application, with what its address says and the folds that were opened on it."""

    def opened(name: str, folds: Sequence[str] = (), **query: str) -> AppTest:
        app = AppTest.from_file(FRAME, default_timeout=120)  # a busy machine is no fault of the page
        for fold in folds:
            app.session_state[f"fold_{fold}"] = True
        for key, value in query.items():
            app.query_params[key] = value
        if name != "overview":
            app.switch_page(f"../{name}.py")
        app.run()
        assert not app.exception, app.exception
        return app

    return opened


@pytest.fixture
def put_cohort():
    """The function that makes a cohort with known numbers."""
    return put
