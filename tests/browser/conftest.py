"""A real Chromium on a real server, with a small network of the tests' own as the model."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from fundus_core.synthetic import synthesise

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PEOPLE = 10


def make_model(folder: Path) -> None:
    """Write a small network of random weights; torch is imported where models are, not by pages."""
    import torch

    from fundus_core.models import card as cards
    from fundus_core.models import card_files, networks, registry, weights

    folder.mkdir(parents=True)
    small = {"channels": [8, 8, 16, 16], "stem_width": 8}
    torch.manual_seed(0)
    body = networks.body("resnet10t", 2, small)
    base = card_files.read(registry.BUNDLED / "joir-metabolic-b7.toml")
    pressures = (
        replace(base.outputs[0], scale=20.0, offset=120.0),
        replace(base.outputs[1], scale=10.0, offset=75.0),
    )
    card = replace(
        base,
        id="small",
        title="A small network of random weights",
        backbone="resnet10t",
        backbone_options=small,
        input=replace(base.input, size=64),
        outputs=pressures,
        results=(),
        unverified=(),
        weights=cards.WeightsFile("weights.safetensors", weights.write(body, folder / "weights.safetensors"), ""),
        folder=folder,
    )
    card_files.write(card, folder / "card.toml")


@pytest.fixture(scope="session")
def eyes(tmp_path_factory):
    """Photographs of ten people and their truth table."""
    folder = tmp_path_factory.mktemp("eyes") / "cohort"
    synthesise(PEOPLE, 11, folder, size=384)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a server of its own, and its working folder."""
    home = tmp_path_factory.mktemp("lab")
    where = {**os.environ, "FUNDUS_LAB_HOME": str(home), "OMP_NUM_THREADS": "1"}
    make_model(home / "models" / "small")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=where, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    _wait(f"{address}/_stcore/health", process, home / "server.log")
    yield address, home
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def _wait(address: str, process: subprocess.Popen, log: Path) -> None:
    for _attempt in range(300):
        try:
            with urllib.request.urlopen(address, timeout=1):  # noqa: S310 - our own server
                return
        except OSError:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.2)
    pytest.fail(f"the server did not answer: {log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="module")
def chromium():
    """A browser, gone before another module: while it lasts, a loop runs in this thread, and no other may begin.

    Without one the tests are skipped, but not where CI has asked for them.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs a Chromium for the browser tests, and there is none")
        pytest.skip("there is no Chromium on this machine; install one to run the browser tests")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desk(chromium):
    """A person's browser: what one tab has loaded and compiled, the next has at hand."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, locale="en-US")
    yield context
    context.close()


@pytest.fixture
def tab(desk, server):
    """A fresh tab; afterwards: nothing was asked of another host, nothing was wrong on the console."""
    page = desk.new_page()
    complaints = _watch(page)
    yield page
    for each in desk.pages:
        each.close()
    desk.clear_cookies()
    assert not complaints


@pytest.fixture(scope="module")
def lasting(chromium, server):
    """A tab that lasts, with its scripts, for a module; and what was wrong in it."""
    context = chromium.new_context(locale="en-US")
    page = context.new_page()
    yield page, _watch(page)
    context.close()


@pytest.fixture
def lasting_tab(lasting):
    """The lasting tab; afterwards as for a fresh one."""
    page, complaints = lasting
    complaints.clear()
    yield page
    assert not complaints


def _watch(page) -> list[str]:
    """Return the list that will hold what a tab asks of other hosts and what its console complains about."""
    complaints: list[str] = []

    def tell(kind: str, text: str, *, wrong: bool) -> None:
        if wrong:
            complaints.append(f"{kind}: {text}")

    page.on("request", lambda request: tell("asked of another host", request.url, wrong=_is_outside(request.url)))
    page.on("console", lambda message: tell("console", message.text, wrong=message.type == "error"))
    page.on("pageerror", lambda error: tell("script", str(error), wrong=True))
    return complaints


def _is_outside(address: str) -> bool:
    return not address.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
