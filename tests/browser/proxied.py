"""A shared server as a department has it: ``deploy/nginx.conf`` with TLS and a path before it, and who may ask it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from fundus_core.store import AuditLog, Store
from pages.parts.shell import home, people
from tests.browser.conftest import ROOT, _wait
from tests.pages.conftest import put
from tests.pages.shared_server import provider

ANNA, BEN, EVE = "ann@eye.example", "bob@eye.example", "eve@eye.example"
PEOPLE = """
stewards = ["eve@eye.example"]
members = ["*@eye.example"]
[quota]
photographs = 500
gigabytes = 0.02
"""
ELSEWHERE = "127.0.0.7"
"""The address that visitors come from: another than the proxy's own."""
AGENT = {"accept-language": "en"}


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def nginx(folder: Path, server: int, *, changes: dict[str, str] | None = None) -> Iterator[int]:
    """The site of ``deploy/nginx.conf`` before a server on this machine; yields its port.

    Host, certificate and ports are put in as the file says; ``changes`` are an administrator's further ones.
    """
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs nginx for the tests of a shared server, and there is none")
        pytest.skip("there is no nginx on this machine; install it to attack a shared server through it")
    port, name = free_port(), folder / "nginx"
    name.mkdir()
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out eyes.pem"
    subprocess.run(["openssl", *words.split()], cwd=name, check=True, capture_output=True)
    site = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for old, new in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "eyes.hospital.example": "localhost",
        "/etc/ssl/private/eyes.key": f"{name}/key.pem",
        "/etc/ssl/eyes.pem": f"{name}/eyes.pem",
        "http://127.0.0.1:8501": f"http://127.0.0.1:{server}",
        **(changes or {}),
    }.items():
        assert old in site, old
        site = site.replace(old, new)
    places = "".join(
        f"{kind}_temp_path {name}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (name / "nginx.conf").write_text(
        f"{'user root;' if os.getuid() == 0 else ''} daemon off; pid {name}/pid; error_log {name}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off; client_header_timeout 15s;\n{places}{site}\n}}\n"
    )
    process = subprocess.Popen([found, "-p", str(name), "-c", str(name / "nginx.conf"), "-e", str(name / "error.log")])
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def unasked() -> ssl.SSLContext:
    """Trust any certificate; the world's are not even read, which takes 30 ms each time."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return trusting


@dataclass
class Visitor:
    """Somebody's browser without a screen."""

    site: str
    """Address of the application, with its path."""
    name: str = ""
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Come from an address of one's own."""
        brief = httpx.Limits(max_keepalive_connections=0)  # nobody closes a visitor
        transport = httpx.HTTPTransport(verify=unasked(), local_address=ELSEWHERE, limits=brief)
        self.client = httpx.Client(transport=transport, headers=AGENT, timeout=60, follow_redirects=False)

    def sign_in(self) -> Visitor:
        """Sign in through the provider's own form."""
        asked = self.client.get(f"{self.site}/auth/login").headers["location"]
        answered = httpx.post(asked, data={"sub": self.name}, follow_redirects=False).headers["location"]
        back = self.client.get(answered)
        assert back.status_code == 302, back.text
        return self

    def cookies(self) -> str:
        """Return what the browser would send."""
        return "; ".join(f"{one.name}={one.value}" for one in self.client.cookies.jar)

    def get(self, path: str, method: str = "GET", **more: object) -> httpx.Response:
        """Ask for a path of the application as it is written."""
        return self.client.request(method, f"{self.site}{path}", **more)

    @contextmanager
    def connection(self, resumes: str = "", **headers: str) -> Iterator[ClientConnection]:
        """A tab's connection."""
        trusting = unasked()
        # a thread reads the tickets of 1.3 while another writes, which Python's ssl does not keep apart
        trusting.maximum_version = ssl.TLSVersion.TLSv1_2
        told = {"cookie": self.cookies()} | headers
        origin = told.pop("origin", self.site.rpartition("/")[0])
        for last in (False, False, True):  # nginx has seen no header, once in some hundred connections under load
            try:
                made = connect(
                    f"wss{self.site.removeprefix('https')}/_stcore/stream",
                    ssl=trusting,
                    origin=origin,
                    subprotocols=["streamlit", "token", resumes] if resumes else ["streamlit"],
                    additional_headers={name: value for name, value in told.items() if value},
                    source_address=(ELSEWHERE, 0),
                    max_size=None,
                    open_timeout=60,
                )
                break
            except (TimeoutError, EOFError):
                if last:
                    raise
        with made as socket_:
            yield socket_

    def shown(self, page: str, query: str = "", **headers: str) -> str:
        """Open a page by its address; returns all that the server sends until its script has ended, as text."""
        with self.connection(**headers) as tab:
            return heard(tab, asks(page, query))


def asks(page: str, query: str = "") -> BackMsg:
    """Return the message by which a tab asks for a page."""
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.query_string = query
    return message


def heard(tab: ClientConnection, message: BackMsg, until: str = "script_finished") -> str:
    """Send a message and return all that comes until something of a kind does, as text."""
    tab.send(message.SerializeToString())
    told: list[str] = []
    while True:
        forward = ForwardMsg.FromString(tab.recv(timeout=120))
        told.append(str(forward))
        if forward.WhichOneof("type") == until:
            return "\n".join(told)


def media(text: str) -> list[str]:
    """Return the addresses of pictures and files among what a page sent."""
    return re.findall(r"/media/[0-9a-f]+\.\w+", text)


@dataclass(frozen=True)
class House:
    """A running shared server behind nginx, with Anna's cohort and Ben's."""

    folder: Path
    site: str
    port: int
    """Of the page server itself."""
    store: Store
    process: subprocess.Popen[bytes]

    def log(self) -> list[dict[str, object]]:
        """Return the lines of the log, the oldest first."""
        return [dict(line) for line in reversed(AuditLog(self.folder).latest(100_000))]


@contextmanager
def shared_house(folder: Path, *, changes: dict[str, str] | None = None, **settings: str) -> Iterator[House]:
    """A shared server behind nginx with sign-in by OpenID Connect, or as ``settings`` have it."""
    lab = folder / "lab"
    lab.mkdir()
    (lab / people.FILE).write_text(PEOPLE)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("FUNDUS_LAB_HOME", str(lab))
        store = home._whole()
        for name, owner, seed in (("Clinic of Anna", ANNA, 1), ("Van of Ben", BEN, 2)):
            store.give(put(store, name, seed=seed), owner)
        port = free_port()
        at = stack.enter_context(nginx(folder, port, changes=changes))
        site = f"https://localhost:{at}/eyes"
        secrets = folder / "secrets.toml"
        said = (ROOT / "deploy" / "secrets.toml").read_text("utf-8")
        said = said.replace("https://eyes.hospital.example/eyes", site)
        said = said.replace("https://login.hospital.example", stack.enter_context(provider()))
        secrets.write_text(said)
        where = {
            **os.environ,
            **{"FUNDUS_LAB_SHARED": "1", "FORWARDED_ALLOW_IPS": "127.0.0.1", "OMP_NUM_THREADS": "1"},
            **settings,
        }
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        command += ["--server.address", "127.0.0.1", "--server.baseUrlPath", "eyes", "--secrets.files", str(secrets)]
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=where, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/healthz", process, folder / "server.log")
            yield House(lab, site, port, store, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
