"""What all tests share: the switch that renews golden values."""

from pathlib import Path

import pytest


def pytest_addoption(parser):
    parser.addoption(
        "--accept-golden",
        action="store_true",
        help="write what the code makes now into tests/golden/, instead of comparing with it",
    )


@pytest.fixture(scope="session")
def accept_golden(request):
    """Whether golden values are renewed in this run."""
    return request.config.getoption("--accept-golden")


@pytest.fixture(scope="session")
def golden():
    """The folder of committed golden values."""
    return Path(__file__).parent / "golden"
