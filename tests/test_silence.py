"""No process of ours looks anything up outside, nor reaches for anything but this machine.

Attacked by running the verbs that import OpenVINO, and the application with its worker, while a page of another site
knocks at its WebSocket, under ``strace``, which sees every process and library; where there is none, by a recorder that
every Python process loads before anything else.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fundus_core.cluster import connection

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPH = ROOT / "data" / "sample" / "photographs"

RECORDER = """
import os, socket
def told(what):
    with open(os.environ["FUNDUS_TEST_LOOKUPS"], "a") as out:
        out.write(what + "\\n")
def watched(name):
    real = getattr(socket, name)
    def asked(host, *rest, **more):
        if host not in (None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"):
            told(f"{name} {host}")
        return real(host, *rest, **more)
    setattr(socket, name, asked)
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    watched(name)
class Socket(socket.socket):
    def connect(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            told(f"connect {address}")
        return super().connect(address)
socket.socket = Socket
"""
_OWN = re.compile(r"AF_UNIX|AF_LOCAL|AF_NETLINK|AF_UNSPEC|inet_addr\(\"127\.|\"::1\"|AF_INET6?, sin6?_port=htons\(0\)")


class Watch:
    """Runs commands and tells what they asked for outside."""

    def __init__(self, folder: Path, *, traced: bool) -> None:
        self.log, self.traced = folder / "lookups.txt", traced
        (folder / "sitecustomize.py").write_text(RECORDER)
        self.environment = {**os.environ, "FUNDUS_TEST_LOOKUPS": str(self.log), "OMP_NUM_THREADS": "1"}
        if not traced:
            self.environment["PYTHONPATH"] = str(folder)

    def start(self, *command: str, **variables: str) -> subprocess.Popen[bytes]:
        before = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(self.log)]
        environment = {**self.environment, **variables}
        whole = [*(before if self.traced else []), sys.executable, *command]
        return subprocess.Popen(whole, cwd=ROOT, env=environment, start_new_session=True)

    def outside(self) -> list[str]:
        """What was asked for that is not this machine."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        if not self.traced:
            return lines
        return [line for line in lines if "sa_family=" in line and not _OWN.search(line)]


def _can_trace() -> bool:
    tracer = shutil.which("strace")
    return bool(tracer) and subprocess.run([tracer, "-f", "-o", os.devnull, "true"], check=False).returncode == 0


@pytest.fixture
def watch(tmp_path):
    return Watch(tmp_path, traced=_can_trace())


def test_the_watch_sees_a_look_up(watch):
    """A test that cannot fail is none: a look-up in a grandchild is noticed."""
    inner = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9))"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    watch.start("-c", outer).wait(60)
    assert len(watch.outside()) == 1


def test_openvino_finds_no_telemetry():
    """In the first process and in those that it starts; without a network nothing waits for one either."""
    ask = (
        "import fundus_core, sys, openvino.tools.ovc.telemetry_utils as t;"
        "assert t.tm.__name__ == 'openvino.tools.ovc.telemetry_stub', t.tm"
    )
    subprocess.run([sys.executable, "-c", ask], cwd=ROOT, check=True, timeout=120)


@pytest.mark.slow
def test_a_prediction_asks_nobody(watch, tmp_path):
    photograph = min(PHOTOGRAPH.iterdir())
    out = str(tmp_path / "out")
    verb = ("-m", "fundus_core", "predict", str(photograph), "--model", "sample-rendered", "--out", out)
    done = watch.start(*verb, FUNDUS_LAB_HOME=str(tmp_path / "home")).wait(300)
    assert done == 0
    assert watch.outside() == []


def _knock(port: int) -> bytes:
    """Open a WebSocket as a page of another site does."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as knocking:
        lines = ("GET /_stcore/stream HTTP/1.1", "Host: 127.0.0.1", "Origin: https://elsewhere.example")
        more = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        knocking.sendall("\r\n".join((*lines, *more, key, "", "")).encode())
        return knocking.recv(64)


def test_the_application_asks_nobody_whoever_knocks(watch, tmp_path):
    """With its worker."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = tmp_path / "home"
    command = ("-m", "streamlit", "run", "app.py", "--server.port", str(port))
    process = watch.start(*command, FUNDUS_LAB_HOME=str(home))
    try:
        answer, until = b"", time.monotonic() + 120
        while not answer and time.monotonic() < until:
            try:
                answer = _knock(port)
            except OSError:
                time.sleep(0.5)
        assert b"403" in answer, "a page of another site is refused"
        while not (home / "worker.log").exists() and time.monotonic() < until:
            time.sleep(0.5)
        time.sleep(3)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(180)  # the tracer stays until the worker has ended, too
    assert watch.outside() == []


@pytest.mark.parametrize("recipe", ["README.md", "fundus-lab.sbatch", "kuberay.yaml"])
def test_every_recipe_of_a_cluster_keeps_ray_quiet(recipe):
    """It reports to its makers where nothing is said, and where it is told not to it reports that."""
    words = (ROOT / "deploy" / recipe).read_text("utf-8")
    for name, value in connection._QUIET.items():
        if "USAGE" in name:
            assert re.search(rf'{name}(=|[^\n]*\n *value: "?){re.escape(value)}', words), name
