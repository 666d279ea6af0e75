"""Who asks: proxies whose word counts, and pages of other sites, which are refused.

A proxy that the setting names (``paths.PROXIES``) says under which host the browser knows the server; then the server
goes by that host. From anybody else the same headers count for nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from streamlit import config
from uvicorn.middleware.proxy_headers import _TrustedHosts

from pages.parts.shell import paths

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Forwarded:
    """Put the host that a trusted proxy was asked for in the place of the one that it asks us for."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Pass the request on under the browser's own host."""
        if scope["type"] in ("http", "websocket") and (host := _forwarded(scope)):
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [(b"host", host), *others]}
        await self.app(scope, receive, send)


def _forwarded(scope: dict[str, Any]) -> bytes:
    told = dict(scope.get("headers", [])).get(b"x-forwarded-host", b"")
    return bytes(told.split(b",")[0].strip()) if told and from_proxy(scope) else b""


def from_proxy(scope: Mapping[str, Any]) -> bool:
    """Return whether a named proxy asks.

    Uvicorn goes by the same setting: where it has put the browser's address in the proxy's place, the port is 0.
    """
    named, client = paths.proxies(), scope.get("client")
    if not named or client is None:
        return False
    address, port = client
    return port == 0 or address in _TrustedHosts(named)


def is_own(request: Request) -> bool:
    """Return whether a request comes from a page of this server, or from no page at all.

    A browser says itself whether page and server are of one origin (``Sec-Fetch-Site``), whatever a proxy has made of
    the host; where it does not, the origin must be a host that this server is known by.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "")
    if site in ("cross-site", "same-site"):
        return False
    if not origin or site == "same-origin":
        return True
    try:
        asked, told = urlsplit(f"//{request.headers.get('host', '')}"), urlsplit(origin)
        if not told.hostname:
            return False
        if told.netloc == asked.netloc or origin in _listed() or told.hostname == _address():
            return True
        return {told.hostname, asked.hostname} <= _LOOPBACK  # a proxy on this machine
    except ValueError:
        return False


def _listed() -> set[str]:
    return {str(origin).strip() for origin in config.get_option("server.corsAllowedOrigins")}


def _address() -> str | None:
    named = config.is_manually_set("browser.serverAddress")
    return str(config.get_option("browser.serverAddress")).lower() if named else None
