"""What all tests share: a home of their own, and the switch that renews golden values."""

import gc
import os
from html import escape
from pathlib import Path

import pytest
from hypothesis import settings

# Several workers share the cores: threads of numpy's and torch's own would wait for each other and burn what they wait.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Garbage is looked for less often: what libraries and hypothesis keep is walked through each time, and none of it is.
gc.set_threshold(20_000, 10, 10)

# A busy machine is no fault of the code. Examples are others each time: what forty miss, the next run may find.
settings.register_profile("any machine", deadline=None, max_examples=40)
settings.load_profile("any machine")


def pytest_addoption(parser):
    parser.addoption(
        "--accept-golden",
        action="store_true",
        help="write what the code makes now into tests/golden/, instead of comparing with it",
    )


def pytest_collection_finish():
    """Streamlit looks through all memory for garbage after every run of a page: libraries and tests are none."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def accept_golden(request):
    """Whether golden values are renewed in this run."""
    return request.config.getoption("--accept-golden")


@pytest.fixture(scope="session")
def golden():
    """The folder of committed golden values."""
    return Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def undrawn():
    """A module's reports come with what is drawn, written down: to draw the seventy figures of one takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("target_sections", "html"):
            patch.setattr(f"fundus_core.report.{module}.svg", lambda figure, **_: escape(repr(figure)))
        yield


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory):
    """No test reads or writes the user's cohorts, models or key; converted networks are shared by all workers."""
    home, whole_run = tmp_path_factory.mktemp("home"), tmp_path_factory.getbasetemp()
    compiled = (whole_run.parent if "PYTEST_XDIST_WORKER" in os.environ else whole_run) / "compiled"
    compiled.mkdir(exist_ok=True)
    (home / "compiled").symlink_to(compiled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDUS_LAB_HOME", str(home))
        patch.setenv("FUNDUS_LAB_KEY", str(home.with_suffix(".key")))
        yield home
