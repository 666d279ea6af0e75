"""The whole application for several people, in this process, with an identity provider beside it on the loopback."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import streamlit as st
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime

from fundus_core.store import Store
from pages.parts.shell import home, people, server, sign_in, whose

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "http://testserver"
PEOPLE = ("ann@eye.example", "bob@eye.example", "eve@eye.example", "out@elsewhere.example")
FILE = """
stewards = ["eve@eye.example"]
members = ["*@eye.example"]
[groups]
retina = ["bob@eye.example"]
"""


@contextmanager
def provider() -> Iterator[str]:
    """An OpenID Connect provider that knows the people; yields its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import oidc_provider_mock as mock

        known = [mock.User(sub=name, claims={"email": name}) for name in PEOPLE]
        known.append(mock.User(sub="forger", claims={"email": PEOPLE[0], "email_verified": False}))
        with mock.run_server_in_thread(user_claims=known) as running:
            yield f"http://127.0.0.1:{running.server_port}"


def secrets(address: str) -> dict[str, dict[str, str]]:
    """What an administrator writes into secrets.toml."""
    return {
        "auth": {
            "redirect_uri": f"{ORIGIN}/oauth2callback",
            "cookie_secret": "a secret of more than thirty-two letters",
            "client_id": "fundus",
            "client_secret": "known to both",
            "server_metadata_url": f"{address}/.well-known/openid-configuration",
        }
    }


@contextmanager
def running() -> Iterator[TestClient]:
    """The application as ``app.py`` makes it, without a worker and the sample."""
    with provider() as address:
        app = st.App(
            str(ROOT / "pages" / "parts" / "frame.py"),
            routes=[server.upload_route(home.inbox_of)],
            middleware=server.middleware(home.store_of),
            secrets=secrets(address),
        )
        whose.watch_media()
        try:
            with TestClient(app, follow_redirects=False) as client:
                sign_in.check()
                yield client
        finally:
            Runtime._instance = None  # Streamlit takes one in a process; the next module has its own
            whose._tabs.clear()


def signed_in(client: TestClient, name: str) -> TestClient:
    """Sign somebody in as a browser would, through the provider's own form; returns their browser."""
    browser = TestClient(client.app, follow_redirects=False)
    browser.portal = client.portal  # one loop, as of a server: messages between two wait for each other
    asked = browser.get("/auth/login").headers["location"]
    answered = httpx.post(asked, data={"sub": name}, follow_redirects=False).headers["location"]
    back = browser.get(answered.removeprefix(ORIGIN))
    assert back.status_code == 302, back.text
    return browser


@contextmanager
def connection(browser: TestClient, resumes: str = "", **headers: str) -> Iterator[WebSocketTestSession]:
    """A tab's connection; or one that says it goes on with an earlier one."""
    told = ["streamlit", "token", resumes] if resumes else ["streamlit"]
    with browser.websocket_connect("/_stcore/stream", subprotocols=told, headers=headers) as socket:
        yield socket


def shown(browser: TestClient, page: str, query: str = "", **headers: str) -> str:
    """Open a page by its address; returns everything that the server sends until its script has ended, as text."""
    with connection(browser, **headers) as socket:
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = query
        socket.send_bytes(message.SerializeToString())
        told: list[str] = []
        while True:
            forward = ForwardMsg.FromString(socket.receive_bytes())
            told.append(str(forward))
            if forward.WhichOneof("type") == "script_finished":
                return "\n".join(told)


def until_closed(socket: WebSocketTestSession) -> None:
    """Hear a connection to its end, which raises."""
    while True:
        socket.receive_bytes()


def is_refused(browser: TestClient, resumes: str = "", **headers: str) -> bool:
    """Whether no connection is made."""
    with suppress(WebSocketDisconnect), connection(browser, resumes, **headers):
        return False
    return True


def media(text: str) -> list[str]:
    """The addresses of pictures and files among what a page sent."""
    return re.findall(r"/media/[0-9a-f]+\.\w+", text)


def whole_store() -> Store:
    """The store as the machine itself sees it."""
    return home._whole()


def log_lines() -> list[dict[str, object]]:
    """The log, the oldest line first, with all that was counted until now."""
    people.log(home.folder()).tell()
    return [dict(line) for line in reversed(people.log(home.folder()).latest(10_000))]
