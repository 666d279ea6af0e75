"""Uploads over real connections: retries, cuts, proxies, foreign pages, and a server that is told to end.

Attacked with: two requests of one file at once, connections cut in the middle, names that clash, indices of 300 digits,
headers that a stranger forges, a proxy that rewrites the host, strips a path, limits the body, and sends in chunks.
"""

import asyncio
import contextlib
import hashlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import config

from pages.parts.new_cohort.upload import Refused, reason
from pages.parts.shell import home, server, shutdown, upload_stream
from pages.parts.shell.upload_store import Inbox
from pages.parts.shell.upload_stream import UploadError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path / "inbox")


@pytest.fixture
def app(inbox):
    return Starlette(routes=[server.upload_route(lambda _request: inbox)], middleware=server.middleware(home.store_of))


def put(app, token, index="0", name="a.jpg", *, data=b"an eye", base="", client=("198.51.100.7", 4000), **headers):
    asking = TestClient(app, client=client)
    sent = {"x-file-name": name, **{key.replace("_", "-"): value for key, value in headers.items()}}
    return asking.put(f"{base}/fundus/upload/{token}/{index}", content=data, headers=sent)


def arriving(inbox, token):
    return list((inbox.folder / token / "arriving").glob("*"))


async def slowly(*chunks, wait):
    for chunk in chunks:
        yield chunk
        await wait()


def test_a_retry_of_a_slow_file_mixes_with_nothing(inbox):
    """Two requests of one index, interleaved chunk by chunk, as a browser sends that has given up on the first."""
    token = inbox.new()

    async def both():
        turn = lambda: asyncio.sleep(0)  # noqa: E731
        first = inbox.take(token, 0, "a.jpg", 6, slowly(b"aa", b"aa", b"aa", wait=turn))
        second = inbox.take(token, 0, "a.jpg", 6, slowly(b"bb", b"bb", b"bb", wait=turn))
        return await asyncio.gather(first, second)

    taken = asyncio.run(both())
    (path,) = inbox.batch(token).arrived()
    assert path.read_bytes() in (b"aaaaaa", b"bbbbbb")
    assert {one.sha256 for one in taken} == {hashlib.sha256(data).hexdigest() for data in (b"aaaaaa", b"bbbbbb")}
    assert arriving(inbox, token) == []


def test_what_is_cut_off_leaves_nothing(inbox):
    token = inbox.new()

    async def cut():
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(UploadError):
        asyncio.run(inbox.take(token, 0, "a.jpg", 8, cut()))
    with pytest.raises(UploadError, match="4 of 8"):
        asyncio.run(inbox.take(token, 0, "a.jpg", 8, slowly(b"half", wait=lambda: asyncio.sleep(0))))
    assert arriving(inbox, token) == []
    assert inbox.batch(token).arrived() == []


def test_a_silent_connection_is_given_up(inbox, monkeypatch):
    monkeypatch.setattr(upload_stream, "SILENT_S", 0.05)
    token = inbox.new()
    with pytest.raises(UploadError) as refused:
        asyncio.run(inbox.take(token, 0, "a.jpg", 8, slowly(b"half", wait=lambda: asyncio.sleep(5))))
    assert refused.value.status == 408
    assert arriving(inbox, token) == []


@pytest.mark.parametrize("names", [("a.jpg", "a.jpg/b.jpg"), ("a.jpg/b.jpg", "a.jpg"), ("a/b/c.jpg", "a/b", "a")])
def test_a_file_and_a_folder_of_one_name_are_both_kept(app, inbox, names):
    token = inbox.new()
    for index, name in enumerate(names):
        assert put(app, token, str(index), name, data=name.encode()).status_code == 200
    assert sorted(path.read_bytes().decode() for path in inbox.batch(token).arrived()) == sorted(names)


@pytest.mark.parametrize("index", ["1" * 300, "-1", "x", "1.5", "²", "1e3", "%00", "9999999999"])
def test_an_index_that_is_none_is_refused_with_a_sentence(app, inbox, index):
    answer = put(app, inbox.new(), index)
    assert answer.status_code in (400, 404)


def test_the_room_is_looked_at_while_a_file_arrives(inbox, monkeypatch):
    monkeypatch.setattr(upload_stream, "CHECK_BYTES", 3)
    usage, left = shutil.disk_usage(inbox.folder.parent), iter([10**12, 10**12, 0, 0])
    monkeypatch.setattr(upload_stream.shutil, "disk_usage", lambda _path: usage._replace(free=next(left)))
    token = inbox.new()
    with pytest.raises(UploadError, match="nearly full"):
        asyncio.run(inbox.take(token, 0, "a.jpg", 12, slowly(b"1234", b"1234", b"1234", wait=lambda: asyncio.sleep(0))))
    assert arriving(inbox, token) == []


def test_a_session_brings_no_more_than_it_may_and_a_retry_is_not_counted_twice(app, inbox, monkeypatch):
    monkeypatch.setenv("FUNDUS_LAB_UPLOAD_GB", "0.000000010")  # ten bytes
    token = inbox.new()
    assert put(app, token, "0", data=b"123456").status_code == 200
    assert put(app, token, "1", "b.jpg", data=b"123456").status_code == 413
    for _again in range(3):
        assert put(app, token, "0", data=b"1234").status_code == 200
    assert put(app, token, "1", "b.jpg", data=b"123456").status_code == 200
    assert put(app, inbox.new(), "0", data=b"123456").status_code == 200, "another session has its own"


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"origin": "http://testserver"}, True),
        ({"origin": "https://elsewhere.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://testserver.elsewhere.example"}, False),
        ({"origin": "http://testserver", "sec_fetch_site": "cross-site"}, False),
        ({"origin": "http://localhost:3000", "sec_fetch_site": "same-site", "host": "localhost:8501"}, False),
        ({"origin": "https://lab.example", "sec_fetch_site": "same-origin", "host": "127.0.0.1:8501"}, True),
        ({"origin": "http://127.0.0.1:9000", "host": "127.0.0.1:8501"}, True),
        ({"origin": "http://127.0.0.1:9000", "host": "lab.example"}, False),
        ({"origin": "https://elsewhere.example", "x_forwarded_host": "elsewhere.example"}, False),
        ({"origin": "http://[", "host": "lab.example"}, False),
    ],
)
def test_only_pages_of_this_server_upload(app, inbox, headers, taken):
    assert (put(app, inbox.new(), **headers).status_code == 200) == taken


@pytest.mark.parametrize(
    ("setting", "client", "taken"),
    [
        ("", ("127.0.0.1", 4000), False),
        ("192.0.2.1", ("198.51.100.7", 4000), False),
        ("192.0.2.1", ("192.0.2.1", 4000), True),
        ("192.0.2.0/24, 10.0.0.1", ("192.0.2.77", 4000), True),
        ("192.0.2.1", ("203.0.113.9", 0), True),
    ],
)
def test_forwarded_headers_count_from_named_proxies_only(app, inbox, monkeypatch, setting, client, taken):
    """Port 0: uvicorn, which goes by the same setting, has put the browser's address in the proxy's place."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", setting)
    told = {"origin": "https://lab.example", "host": "10.0.0.5:8501", "x_forwarded_host": "lab.example"}
    assert (put(app, inbox.new(), client=client, **told).status_code == 200) == taken


def test_uploads_are_taken_below_a_base_path(app, inbox):
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", "/deep/lab/")
    try:
        assert put(app, inbox.new(), base="/deep/lab").status_code == 200
        assert put(app, inbox.new(), base="").status_code == 200, "a proxy may have taken the path away"
        assert put(app, inbox.new(), base="/other").status_code == 404
    finally:
        config.set_option("server.baseUrlPath", before)


def test_a_body_without_a_length_is_taken_by_the_length_that_the_page_says(app, inbox):
    def chunks():
        yield b"an "
        yield b"eye"

    assert put(app, inbox.new(), data=chunks(), x_file_size="6").status_code == 200
    assert put(app, inbox.new(), data=chunks(), x_file_size="7").status_code == 400
    assert put(app, inbox.new(), data=chunks()).status_code == 411


@pytest.mark.parametrize(
    ("status", "own", "words"),
    [
        (413, False, "no file of 3.0 MB"),
        (413, True, "larger than this server takes"),
        (502, False, "answered 502"),
        (404, False, "answered 404"),
        (404, True, "closed"),
        (403, True, "own pages only"),
        (507, True, "nearly full"),
        (0, False, "connection broke"),
        (418, True, "answered 418"),
    ],
)
def test_the_page_says_what_was_answered(status, own, words):
    assert words in reason(Refused("a.jpg", 3_000_000, status, own=own))


def test_a_body_on_its_way_ends_with_the_server(monkeypatch):
    async def ending():
        monkeypatch.setattr(shutdown, "_asked", asyncio.Event())
        seen = []

        async def reads(_scope, receive, _send):
            seen.append(await receive())

        task = asyncio.ensure_future(
            shutdown.Leaving(reads)({"type": "http", "method": "PUT"}, asyncio.Event().wait, None)
        )
        await asyncio.sleep(0.01)
        assert not task.done()
        shutdown._asked.set()
        await asyncio.wait_for(task, 1)
        return seen

    assert asyncio.run(ending()) == [{"type": "http.disconnect"}]


class Proxy(threading.Thread):
    """A small reverse proxy: rewrites the host, takes a path away, limits the body as others do."""

    def __init__(self, port: int, strip: str = "", most: int = 0) -> None:
        super().__init__(daemon=True)
        self.upstream, self.strip, self.most = port, strip, most
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self):
        while True:
            try:
                asking, _address = self.socket.accept()
            except OSError:
                return
            with asking, asking.makefile("rb") as lines:
                with contextlib.suppress(OSError):  # the other end has gone
                    self.answer(asking, lines)

    def answer(self, asking, lines):
        verb, path, _version = lines.readline().decode().split()
        told = dict(line.decode().strip().split(": ", 1) for line in iter(lines.readline, b"\r\n"))
        headers = {name.lower(): word for name, word in told.items()}
        body = lines.read(int(headers.get("content-length", 0)))
        if self.most and len(body) > self.most:
            asking.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nlong")
            return
        kept = {name: word for name, word in headers.items() if name not in ("host", "content-length")}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.upstream)) as passed:
            passed.request(verb, path.removeprefix(self.strip), body, kept)
            with passed.getresponse() as back:
                data = back.read()
        asking.sendall(f"HTTP/1.1 {back.status} x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)


def send(port, path, *, data=b"an eye", **headers):
    own = {"X-File-Name": "a.jpg", "Origin": f"http://127.0.0.1:{port}"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("PUT", path, data, {**own, **headers})
        with connection.getresponse() as answer:
            return answer.status


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The application itself below a base path, in a process of its own."""
    folder = tmp_path_factory.mktemp("served")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = {**os.environ, "FUNDUS_LAB_HOME": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with subprocess.Popen(
        [*command, "--server.baseUrlPath", "lab"], cwd=ROOT, env=where, stderr=subprocess.DEVNULL
    ) as process:
        until = time.monotonic() + 90
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if send(port, "/lab/fundus/upload/nobody/0") == 404:
                    break
            time.sleep(0.2)
        yield process, port, Inbox(folder / "inbox")
        process.kill()


def test_files_come_through_proxies_and_the_server_ends_at_once(served):
    """Last of all the server is told to end while one browser sends nothing more of its file."""
    process, port, inbox = served
    token = inbox.new()
    for strip, most, path, expected in (
        ("", 0, f"/lab/fundus/upload/{token}/0", 200),
        ("/outer", 0, f"/outer/lab/fundus/upload/{token}/1", 200),
        ("/lab", 0, f"/lab/fundus/upload/{token}/2", 200),
        ("", 3, f"/lab/fundus/upload/{token}/3", 413),
    ):
        proxy = Proxy(port, strip, most)
        proxy.start()
        assert send(proxy.port, path) == expected
        assert send(proxy.port, path, Origin="https://elsewhere.example") in (403, 413)
        proxy.socket.close()
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(
            f"PUT /lab/fundus/upload/{token}/9 HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nhalf".encode()
        )
        until = time.monotonic() + 10
        while not arriving(inbox, token) and time.monotonic() < until:
            time.sleep(0.05)
        assert arriving(inbox, token)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    assert arriving(inbox, token) == []
