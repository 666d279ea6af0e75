"""The routes and headers of the page server, what holds a page still, and what happens at start and stop."""

import contextlib
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil
import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit import config, net_util

from fundus_core import processes
from fundus_core.errors import UsageError
from fundus_core.store import Store
from pages.parts.shell import guard, people, shutdown, sign_in, whose
from pages.parts.shell.shutdown import Leaving
from pages.parts.shell.sign_in import Forwarded
from pages.parts.shell.upload_store import PATH, Inbox
from pages.parts.shell.upload_stream import UploadError

STYLES = Path(__file__).parents[1] / "static" / "page.css"
_CHUNKS = Path(st.__file__).parent / "static" / "static" / "js"
_ELEMENTS = (
    "Button", "ButtonGroup", "Checkbox", "DataFrame", "DownloadButton", "FileUploader", "Html", "ImageList", "Metric",
    "Multiselect",
    "NumberInput", "PageLink", "Pagination", "Progress", "Selectbox", "Slider", "Spinner",
    "StreamlitMarkdown", "TextInput",
)  # fmt: skip
"""Elements of our pages. Streamlit asks for the code of each once it is to be drawn, and keeps a place of another
height for it meanwhile; those of figures are too large to be fetched before they are wanted."""


@cache
def head() -> bytes:
    """Return what the page that opens the application has in its head."""
    chunks = _chunks()
    links = "".join(f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in chunks)
    run = "".join(f'import("./static/js/{name}");' for name in chunks[: len(_ELEMENTS)])
    opening = Path(__file__).with_name("opening.js").read_text(encoding="utf-8")
    scripts = f'<script type="module">{run}</script><script>{opening}</script>'
    return f"<style>{STYLES.read_text('utf-8')}</style>{links}{scripts}".encode()


def _chunks() -> list[str]:
    """Return the files of the elements and of what these import."""
    wanted = [file.name for name in _ELEMENTS for file in _CHUNKS.glob(f"{name}.*.js")]
    for name in wanted:  # grows while it is read
        code = (_CHUNKS / name).read_text(encoding="utf-8")
        wanted += set(re.findall(r'from"\./([\w.-]+\.js)"', code)) - set(wanted)
    return wanted


Scope = dict[str, Any]
Message = dict[str, Any]

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "SAMEORIGIN",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self' ws: wss: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "frame-ancestors 'self'; form-action 'self'"
    ),
}
"""Sent with every answer. Streamlit and Plotly need inline styles, ``eval`` and blobs; other hosts are shut out."""


OPENING = (
    b'<script>window.__streamlit={BACKEND_BASE_URL:new URL("./",location.href).href}</script><title>Fundus Lab</title>'
)
"""Put into the page that opens the application: its name, and where the server is. Without the latter the browser
looks for the server below the address of a deep link first, and logs two errors. Pages lie side by side, so that the
server is where they are, whatever path a proxy has put before it or taken away."""


class OpeningPage:
    """Write the project's name, the server's address and what mends Streamlit's elements into the HTML page."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Pass the request on; rewrite the answer where it is HTML."""
        asked = dict(scope.get("headers", []))
        if scope["type"] != "http" or b"text/html" not in asked.get(b"accept", b""):
            await self.app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name not in _UNWANTED]
        start: Message = {}
        body = bytearray()

        async def rewrite(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_html(message):
                start = message
            elif message["type"] == "http.response.body" and start:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await _send_page(start, bytes(body), send)
            else:
                await send(message)

        await self.app({**scope, "headers": plain}, receive, rewrite)


def _is_html(message: Message) -> bool:
    headers = dict(message.get("headers", []))
    plain = b"content-encoding" not in headers
    return message["status"] == 200 and plain and headers.get(b"content-type", b"").startswith(b"text/html")


async def _send_page(start: Message, body: bytes, send: Callable[..., Any]) -> None:
    opening = OPENING + head()
    body = body.replace(b"<title>Streamlit</title>", opening, 1)
    kept = [(name, value) for name, value in start["headers"] if name not in _CHANGED]
    headers = [*kept, (b"content-length", str(len(body)).encode())]
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_CHANGED = (b"content-length", b"etag", b"last-modified")
_UNWANTED = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class SecurityHeaders:
    """Add the headers to every answer."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Pass the request on and put the headers on the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                extra = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in present]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self.app(scope, receive, with_headers)


_UNSAID = "The browser did not say how long the file is."


def upload_route(inbox: Callable[[Request], Inbox]) -> Route:
    """Return the route that takes one file of a batch."""

    async def upload(request: Request) -> Response:
        try:
            if not sign_in.is_own(request):
                raise UploadError(403, "Uploads are taken from this page only.")
            taken = await inbox(request).take(
                request.path_params["token"],
                _number(request.path_params["index"], 9),
                unquote(request.headers.get("x-file-name", "")),
                _length(request),
                request.stream(),
            )
        except UploadError as refusal:
            return JSONResponse({"message": str(refusal)}, status_code=refusal.status)
        except ClientDisconnect:
            return JSONResponse({"message": "The connection was cut."}, status_code=503)
        return JSONResponse({"written": taken.written, "sha256": taken.sha256})

    return Route(f"{PATH}/{{token}}/{{index}}", upload, methods=["PUT"])


def _length(request: Request) -> int:
    """Proxies pass a body on in chunks of their own, without its length; the page says it once more."""
    told = request.headers.get("content-length") or request.headers.get("x-file-size", "")
    if not told:
        raise UploadError(411, _UNSAID)
    return _number(told, 15)


def _number(told: str, digits: int) -> int:
    if not re.fullmatch(rf"[0-9]{{1,{digits}}}", told):
        raise UploadError(400, "This is no upload of the page New cohort; choose the files there.")
    return int(told)


class BelowBase:
    """Let the upload route answer below ``server.baseUrlPath`` too, which is known only once the server runs."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Pass the request on, without the base where it is an upload."""
        base = "/" + config.get_option("server.baseUrlPath").strip("/")
        if scope["type"] == "http" and base != "/" and scope["path"].startswith(f"{base}{PATH}/"):
            path = scope["path"].removeprefix(base)
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self.app(scope, receive, send)


class WithinMemory:
    """Refuse a file that would fill the memory: what a small uploader is given stays there until its tab is closed.

    A page takes a copy of it, so a file may need half of what is free. Streamlit's own limit is one for any machine,
    and holds for each file, however many people bring one.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Pass the request on, unless it brings more than there is room for, or does not say how much."""
        if scope["type"] == "http" and scope["method"] == "PUT" and guard.FILES in scope["path"]:
            told = dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")
            if not told.isdecimal():
                await JSONResponse({"message": _UNSAID}, 411)(scope, receive, send)
                return
            if int(told) > psutil.virtual_memory().available // 2:
                message = "The server has no memory for a file of this size now; the command line takes it from disk."
                await JSONResponse({"message": message}, 413)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def lifespan(start: Callable[[], None], stop: Callable[[], None]) -> Callable[[Any], Any]:
    """Return the context manager that runs ``start`` before the first page and ``stop`` after the last."""

    @contextlib.asynccontextmanager
    async def around(_app: Any) -> AsyncIterator[dict[str, Any]]:
        shutdown.listen()
        start()
        try:
            yield {}
        finally:
            stop()

    return around


def middleware(store_of: Callable[[str, str], Store]) -> list[Middleware]:
    """Return what every request passes through; ``store_of`` gives the store as somebody at an address may use it."""
    before = [Middleware(each) for each in (Forwarded, Leaving, BelowBase, SecurityHeaders)]
    return [*before, Middleware(guard.Guard, store_of), Middleware(WithinMemory), Middleware(OpeningPage)]


def silence() -> None:
    """Let Streamlit look for no address of this machine, neither at its start nor when a stranger's page knocks.

    It asks amazonaws.com for the external one and 8.8.8.8 for a route. A page that is served under another name than
    the one it is asked for under is named in ``browser.serverAddress`` or comes through a proxy that is named.
    """
    net_util.get_external_ip = net_util.get_internal_ip = lambda: None


def share_memory() -> None:
    """Let threads take memory from two common heaps, and give large pieces back, where the C library is GNU's.

    Each run of a page is a thread. Of the many heaps that the library opens for threads each keeps what it once
    needed: with thirty sessions the server grew by 160 MB, and by 60 with the next thirty.
    """
    processes.set_malloc(M_ARENA_MAX=2, M_MMAP_THRESHOLD=1 << 17, M_TRIM_THRESHOLD=1 << 17)


def require_sign_in() -> None:
    """Let a shared server start only if people can sign in; else one sentence, and status 2."""
    try:
        sign_in.check()
    except UsageError as fault:
        sys.stderr.write(f"{fault}\n")
        sys.stderr.flush()
        raise SystemExit(2) from fault
    if people.shared():
        whose.watch_media()
