"""Before anything but the sign-in is answered: is the one who asks signed in, and is it theirs?

Streamlit's own sign-in guards neither its files nor its connection: whoever knows an address gets what lies there.
Here every request and every message of a connection is asked who it comes from, once, in one place.
"""

import hashlib
import html
import time
import urllib.parse
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from streamlit import config
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from fundus_core import owner_only
from fundus_core.errors import UsageError
from fundus_core.home import home
from fundus_core.store import Store
from pages.parts.shell import people, sign_in, whose
from pages.parts.shell.language import _, speaking
from pages.parts.shell.messages import Tab
from pages.parts.shell.upload_store import PATH

PERSON, ADDRESS = "x-fundus-lab-person", "x-fundus-lab-address"
"""Headers that this guard writes and nobody else can: who asks and from where, for pages and routes."""
HEALTH = "/healthz"
_OURS = (PERSON.encode(), ADDRESS.encode())
_OPEN = ("/auth/login", "/oauth2callback")
_STATIC = "/static/"
_CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
_MEDIA, FILES = "/media/", "/_stcore/upload_file/"
_DEEP = (_STATIC, _MEDIA, f"{PATH}/", "/_stcore/", "/auth/", "/component/", "/app/static/")
"""All that lies deeper than a page. What is written in any other way is nothing of ours, however a server reads it."""
_LOGOUT = "/auth/logout"
_DENIALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_REMEMBERED = 50_000
_POLICY_VIOLATION = 1008

_arrived: OrderedDict[str, float] = OrderedDict()

Scope = dict[str, Any]

_LEFT = "signed-out"
"""In the working folder: hashes of cookies that were signed out with; they count for nothing after a restart either."""


@cache
def _left(file: Path) -> set[str]:
    return set(file.read_text(encoding="ascii").split()) if file.exists() else set()


def _out() -> set[str]:
    return _left(home() / _LEFT)


def _digests(scope: MutableMapping[str, Any]) -> set[str]:
    return {hashlib.sha256(one.encode()).hexdigest() for one in sign_in.credentials(scope)}


class Guard:
    """Let through what its asker may have; on one's own machine everything."""

    def __init__(self, app: Callable[..., Awaitable[None]], store_of: Callable[[str, str], Store]) -> None:
        """Take what gives the store as somebody may use it now, by their name and address."""
        self.app = app
        self.store_of = store_of

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Answer, refuse or pass on with the asker's name."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        path = _path(scope)
        if scope["type"] == "http" and path == HEALTH:
            await PlainTextResponse("ok")(scope, receive, send)
            return
        scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() not in _OURS]}
        if people.shared():
            await self._shared(path, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _shared(self, path: str, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "http" and path in _OPEN and not people.header():
            query = {"query_string": sign_in.login_query()} if path == _OPEN[0] else {}
            heeded = _with_secure(send)
            if not query and scope["query_string"]:  # without one, somebody comes back from signing out
                heeded = _noting(heeded, scope, "", path, _signs_nobody_in)
            await self.app({**scope, **query}, receive, heeded)
            return
        if scope["type"] == "http" and _is_static(path):
            await self.app(scope, receive, send)
            return
        name = _entered(scope)
        if not name or not _is_ours(path) or not await self._is_theirs(path, name, _resumed(scope)):
            _note("refused", scope, name, path)
            await _refuse(path, name, scope, receive, send)
            return
        _arrive(scope, name)
        told = zip(_OURS, (urllib.parse.quote(name).encode(), _address(scope).encode()), strict=True)
        named = {**scope, "headers": [*scope["headers"], *told]}
        if path == _LOGOUT:
            _note("signed out", scope, name, path)
            gone = _digests(scope)
            _out().update(gone)
            with open(home() / _LEFT, "a", encoding="ascii", opener=owner_only.opener) as file:
                file.writelines(f"{one}\n" for one in gone)
        heeded = _noting(_with_secure(send), scope, name, path, _denies)
        if scope["type"] == "websocket":
            tab = Tab(lambda: self.store_of(name, _address(scope)))
            await self.app(named, *_while_signed_in(named, receive, heeded, tab))
        else:
            await self.app(named, receive, heeded)

    async def _is_theirs(self, path: str, name: str, resumed: str) -> bool:
        """Whether a file was shown to this person, who may still read what they could then; a connection is theirs."""
        if resumed:
            return whose.is_session_of(resumed, name, unknown=True)
        if path.startswith(_MEDIA):
            could = whose.could_read(path.removeprefix(_MEDIA), name)
            return could is not None and could <= await run_in_threadpool(self.store_of(name, "").readable)
        if path.startswith(FILES):
            return whose.is_session_of(path.removeprefix(FILES).partition("/")[0], name)
        return True


def _path(scope: MutableMapping[str, Any]) -> str:
    base = "/" + str(config.get_option("server.baseUrlPath")).strip("/")
    path = str(scope["path"])
    return path.removeprefix(base) or "/" if base != "/" and path.startswith(f"{base}/") else path


def _is_plain(path: str) -> bool:
    """Whether a path can be read in one way only."""
    parts = path.removesuffix("/").split("/")[1:]
    return path.isprintable() and "\\" not in path and not any(part in ("", ".", "..") for part in parts)


def _is_static(path: str) -> bool:
    return path.startswith(_STATIC) and _is_plain(path)


def _is_ours(path: str) -> bool:
    """Whether somebody who is signed in may ask for a path at all: a page, or what Streamlit and we serve besides."""
    is_page = path.removesuffix("/").count("/") <= 1
    return _is_plain(path) and (is_page or path.startswith(_DEEP)) and not path.startswith(_CLOSED)


def _resumed(scope: Scope) -> str:
    """Return the earlier connection that a tab says it goes on with; Streamlit takes its word."""
    if scope["type"] != "websocket":
        return ""
    told = b",".join(value for name, value in scope["headers"] if name == b"sec-websocket-protocol").decode("latin-1")
    return told.split(",")[2].strip() if told.count(",") >= 2 else ""


def _entered(scope: Scope) -> str:
    """Return who asks, where the administrator's file lets them in."""
    name = _signed_in(scope)
    try:
        return name if name and people.known().may_enter(name) else ""
    except UsageError:  # the file was damaged while the server runs: nobody is let in
        return ""


def _signed_in(scope: Scope) -> str:
    """Return who asks, unless they have signed out with this very cookie."""
    gone = not people.header() and not _digests(scope).isdisjoint(_out())
    return "" if gone else sign_in.name_of(scope)


def _while_signed_in(
    scope: Scope, receive: Callable[..., Any], send: Callable[..., Any], tab: Tab
) -> tuple[Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]]:
    """Return what a connection hears and how it speaks: it ends as soon as its time is over or its asker has left."""
    until, over = time.monotonic() + people.session_s(), False

    async def heard() -> Any:
        nonlocal over
        message = await receive()
        if message["type"] == "websocket.receive" and (time.monotonic() > until or not _entered(scope)):
            _note("refused", scope, "", _path(scope))
            over = True
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
        if message.get("bytes"):
            message["bytes"] = await run_in_threadpool(tab.heed, message["bytes"])
        return message

    async def speak(message: Any) -> None:
        if not over:
            await send(message)

    return heard, speak


def _with_secure(send: Callable[..., Any]) -> Callable[..., Awaitable[None]]:
    """Return a way to answer whose cookies travel by TLS only, where browsers reach the server so."""

    async def sent(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and sign_in.secure():
            headers = [(name, _by_tls(name, value)) for name, value in message.get("headers", [])]
            message = {**message, "headers": headers}
        await send(message)

    return sent


def _noting(
    send: Callable[..., Any], scope: Scope, name: str, path: str, is_refusal: Callable[[dict[str, Any]], bool]
) -> Callable[..., Awaitable[None]]:
    """Return a way to answer that writes down what Streamlit or a route of ours refuses behind the guard."""
    begun = False

    async def sent(message: dict[str, Any]) -> None:
        nonlocal begun
        if not begun and is_refusal(message):
            _note("refused", scope, name, path)
        begun = True
        await send(message)

    return sent


def _denies(message: dict[str, Any]) -> bool:
    """Whether an answer begins with a refusal: a status that says so, or a connection that is not made."""
    return message.get("status") in _DENIALS or message["type"] == "websocket.close"


def _signs_nobody_in(message: dict[str, Any]) -> bool:
    signed = USER_COOKIE_NAME.encode()
    cookies = [value for name, value in message.get("headers", []) if name.lower() == b"set-cookie"]
    return message["type"] == "http.response.start" and not any(one.startswith(signed) for one in cookies)


def _by_tls(name: bytes, value: bytes) -> bytes:
    is_open = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return value + b"; Secure" if is_open else value


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _note(what: str, scope: Scope, name: str, path: str) -> None:
    told = {"who": name or sign_in.name_of(scope), "address": _address(scope), "about": path}
    log = people.log(home())
    if what == "refused":
        log.refused(**told)
    else:
        log.add(what, **told)


def _arrive(scope: Scope, name: str) -> None:
    """Write down the first request of a sign-in."""
    key = " ".join((*sign_in.credentials(scope), _address(scope)))
    if time.time() - _arrived.get(key, 0.0) > people.session_s():
        _arrived[key] = time.time()
        _note("signed in", scope, name, "")
        while len(_arrived) > _REMEMBERED:
            _arrived.popitem(last=False)


async def _refuse(path: str, name: str, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    await _refusal(path, name, scope)(scope, receive, send)


def _refusal(path: str, name: str, scope: Scope) -> Response:
    headers = {key.lower(): value for key, value in scope["headers"]}
    if name:  # signed in, and asks for what is not there for them
        return PlainTextResponse("Not Found", HTTPStatus.NOT_FOUND)
    page = b"text/html" in headers.get(b"accept", b"") and not path.startswith((_MEDIA, FILES, PATH, "/_stcore/"))
    with speaking(headers.get(b"accept-language", b"").decode("latin-1")):
        if _signed_in(scope):
            told = _("You are signed in, but not a member here; ask whoever runs this server.")
            return _page(told, "", HTTPStatus.FORBIDDEN)
        if not page:
            return JSONResponse({"message": _("Sign in to go on.")}, HTTPStatus.UNAUTHORIZED)
        return _page(_("Sign in to go on."), "" if people.header() else _("Sign in"), HTTPStatus.UNAUTHORIZED)


def _page(sentence: str, link: str, status: HTTPStatus) -> Response:
    """Return a page that needs no script: one sentence, and where to sign in."""
    button = f'<p><a href="auth/login">{html.escape(link)}</a></p>' if link else ""
    body = (
        '<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width"><title>Fundus Lab</title><style>'
        "body{font:1.1rem system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center}"
        "a{background:#0A6A7B;color:#fff;padding:.6rem 1.4rem;border-radius:.6rem;text-decoration:none}"
        f"</style></head><body><h1>Fundus Lab</h1><p>{html.escape(sentence)}</p>{button}</body></html>"
    )
    return HTMLResponse(body, status, {"cache-control": "no-store"})
