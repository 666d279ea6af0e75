from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fundus_core import runs
from fundus_core.errors import FundusError
from fundus_core.models import registry
from fundus_core.store import Store
from tests import sample_part

ROOT = Path(__file__).resolve().parents[2]


def test_neither_store_nor_runs_import_what_only_the_worker_needs() -> None:
    code = (
        "import sys; import fundus_core.store, fundus_core.runs;"
        "heavy = {'torch', 'openvino', 'timm', 'alembic', 'streamlit', 'pydicom', 'openpyxl', 'scipy'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert answer.stdout.strip() == "[]"


def test_evaluating_files_waits_for_no_store_and_no_library_that_only_others_ask(tmp_path: Path) -> None:
    """With all that is written of two targets and 30 people."""
    predictions, truth = sample_part.written(tmp_path)
    words = ["evaluate", "--predictions", predictions, "--truth", truth, "--draws", "50", "--out", tmp_path / "out"]
    code = (
        f"import sys; from fundus_core.__main__ import main; main({[str(word) for word in words]});"
        "print(sorted({'torch', 'sqlalchemy', 'scipy.stats', 'scipy.ndimage', 'streamlit'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert answer.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "out" / "report.html").is_file()


def test_an_unknown_model_is_named_and_nothing_is_queued(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.create_cohort("a")
        with pytest.raises(FundusError, match="no model 'none'"):
            runs.submit(store, "a", ["none"])
        assert runs.runs_of(store) == ()


def test_a_model_without_weights_is_refused_before_the_run(tmp_path: Path) -> None:
    absent = next((card.id for card in registry.models(tmp_path).values() if not card.ready), None)
    if absent is None:
        pytest.skip("every card of the registry has its weights")
    with Store.open(tmp_path) as store:
        store.create_cohort("a")
        with pytest.raises(FundusError, match=r"has no weights here"):
            runs.submit(store, "a", [absent])
        assert runs.runs_of(store) == ()
