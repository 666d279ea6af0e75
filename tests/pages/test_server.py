"""The page server's own route and headers."""

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.parts.shell import home, server
from pages.parts.shell.upload_store import Inbox


async def opening(request):
    return HTMLResponse("<html><head><title>Streamlit</title></head></html>")


async def plain(request):
    return PlainTextResponse("<title>Streamlit</title>")


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path / "inbox")


@pytest.fixture
def client(inbox):
    routes = [server.upload_route(lambda _request: inbox), Route("/", opening), Route("/text", plain)]
    return TestClient(Starlette(routes=routes, middleware=server.middleware(home.store_of)))


def put(client, token, data=b"an eye", **headers):
    return client.put(f"/fundus/upload/{token}/0", content=data, headers={"x-file-name": "a%2Fb.jpg", **headers})


def test_an_upload_lands_in_its_batch(client, inbox):
    token = inbox.new()
    assert put(client, token).json()["written"] == 6
    assert [path.name for path in inbox.batch(token).photographs()] == ["b.jpg"]


def test_an_upload_without_a_batch_is_refused_with_a_sentence(client):
    answer = put(client, "nobody")
    assert answer.status_code == 404
    assert "reload the page" in answer.json()["message"]


def test_another_site_cannot_upload(client, inbox):
    token = inbox.new()
    assert put(client, token, origin="https://elsewhere.example").status_code == 403
    assert put(client, token, origin="http://testserver").status_code == 200


def test_nothing_but_put_is_answered(client, inbox):
    assert client.get(f"/fundus/upload/{inbox.new()}/0").status_code == 405


@pytest.mark.parametrize("path", ["/", "/text", "/fundus/upload/x/0"])
def test_every_answer_carries_the_headers(client, path):
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_opening_page_knows_its_name_and_its_server(client):
    answer = client.get("/", headers={"accept": "text/html"})
    assert "<title>Fundus Lab</title>" in answer.text
    assert "BACKEND_BASE_URL" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_only_html_is_rewritten(client):
    assert client.get("/text", headers={"accept": "text/html"}).text == "<title>Streamlit</title>"


@pytest.mark.parametrize("below", ["", "/eyes"])
def test_what_stays_in_memory_must_fit_into_it(client, below, monkeypatch):
    """Of an uploader of Streamlit's own, which keeps files; its own limit knows neither the machine nor the others."""
    free = SimpleNamespace(available=100)
    monkeypatch.setattr(server.psutil, "virtual_memory", lambda: free)
    address = f"{below}/_stcore/upload_file/session/file"
    refused = client.put(address, content=b"x" * 51)
    assert refused.status_code == 413
    assert "no memory" in refused.json()["message"]
    assert client.put(address, content=iter([b"x" * 51])).status_code == 411, "in chunks, whose sum nobody knows before"
    assert client.put(address, content=b"", headers={"content-length": "-1"}).status_code == 411
    assert client.put(address, content=b"x" * 50).status_code == 404, "passed on; nothing answers it here"
    free.available = 102
    assert client.put(address, content=b"x" * 51).status_code == 404
    assert client.delete(address).status_code == 404


def test_start_and_stop_stand_around_the_server():
    told = []
    around = server.lifespan(lambda: told.append("start"), lambda: told.append("stop"))
    with TestClient(Starlette(lifespan=lambda app: around(app))):
        assert told == ["start"]
    assert told == ["start", "stop"]
