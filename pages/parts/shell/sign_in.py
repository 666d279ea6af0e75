"""Who asks: the sign-in's cookie or the header of a named proxy; pages of other sites are refused."""

import json
import unicodedata
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from streamlit import auth_util, config
from streamlit.errors import StreamlitAuthError
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette import starlette_app_utils
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from uvicorn.middleware.proxy_headers import _TrustedHosts

from fundus_core.errors import UsageError
from fundus_core.store.access import is_name
from pages.parts.shell import people

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
    named, client = people.proxies(), scope.get("client")
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


_SECRET_LETTERS = 32
_DAY_S = 86_400.0


def check() -> None:
    """See to it that a shared server knows how people sign in; call before it starts.

    Raises:
        UsageError: It does not; one sentence says what is missing.
    """
    if not people.shared():
        return
    people.known()
    if people.header():
        if not people.proxies() or "*" in people.proxies():
            raise UsageError(
                "A proxy's header counts from named addresses only: list those of your proxy in FORWARDED_ALLOW_IPS."
            )
        return
    try:
        auth_util.validate_auth_credentials(provider())
        secret = str(auth_util.get_secrets_auth_section().get("cookie_secret", ""))
        ready = len(secret) >= _SECRET_LETTERS and auth_util.is_authlib_installed()
    except (StreamlitAuthError, FileNotFoundError):
        ready = False
    if not ready:
        raise UsageError(
            "A shared server (FUNDUS_LAB_SHARED=1) needs a way to sign in: write [auth] of an OpenID Connect provider "
            "into .streamlit/secrets.toml, with a cookie_secret of at least 32 letters, or name the header of your "
            "proxy in FUNDUS_LAB_TRUSTED_HEADER."
        )


def provider() -> str:
    """Return the section of the provider: ``default`` for one that is written into ``[auth]`` itself."""
    section = auth_util.get_secrets_auth_section()
    named = [name for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value]
    return named[0] if named and "client_id" not in section else "default"


def login_query() -> bytes:
    """Return the query with which Streamlit's own sign-in route begins."""
    token = auth_util.encode_provider_token(provider())
    return urllib.parse.urlencode({"provider": token}).encode()


def secure() -> bool:
    """Return whether browsers reach this server by TLS."""
    return str(auth_util.get_secrets_auth_section().get("redirect_uri", "")).startswith("https://")


def name_of(scope: Mapping[str, Any]) -> str:
    """Return who a request comes from, in small letters; empty where nobody has signed in or the time is over."""
    name = _of_header(scope) if people.header() else _of_cookie(scope)
    return name if is_name(name) else ""


def credentials(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what tells one sign-in from another: each signed piece of its cookie, without the signature.

    A signature can be written in several ways that all hold. A large cookie comes in pieces, and the first then says
    only how many.
    """
    if people.header():
        return (name_of(scope),)
    asked: list[str] = []

    def piece(name: str) -> bytes | None:
        asked.append(name)
        return _unsigned(scope, name)

    auth_util.get_cookie_with_chunks(piece, USER_COOKIE_NAME)
    cookies = _cookies(scope)
    return tuple(f"{name} {cookies.get(name, '').rpartition('.')[0]}" for name in asked[1:] or asked)


def _of_header(scope: Mapping[str, Any]) -> str:
    wanted = people.header().encode()
    told = [value for name, value in scope.get("headers", []) if name.lower() == wanted]
    if len(told) != 1 or not from_proxy(scope):
        return ""
    return _folded(bytes(told[0]).decode("utf-8", "replace"))


def _of_cookie(scope: Mapping[str, Any]) -> str:
    told = auth_util.get_cookie_with_chunks(lambda name: _unsigned(scope, name), USER_COOKIE_NAME)
    try:
        claims = json.loads(told) if told else {}
    except ValueError:
        return ""
    if not isinstance(claims, dict) or not claims.get("is_logged_in") or claims.get("email_verified") is False:
        return ""
    if claims.get("origin") != auth_util.get_origin_from_redirect_uri():
        return ""
    return _folded(str(claims.get("email") or ""))


def _folded(told: str) -> str:
    """Return a name in small letters; empty where that would make one of two people's.

    >>> _folded("Ann@Eye.example"), _folded("weiß@eye.example"), _folded("weiss@eye.example")
    ('ann@eye.example', '', 'weiss@eye.example')
    """
    alike = any(not letter.isascii() and letter.casefold().isascii() for letter in told)
    return "" if alike or unicodedata.normalize("NFKC", told) != told else told.strip().casefold()


def _unsigned(scope: Mapping[str, Any], name: str) -> bytes | None:
    """Return what is in a cookie that this server signed within the time of a session."""
    signed = _cookies(scope).get(name, "").encode("latin-1", "replace")
    return starlette_app_utils.decode_signed_value(
        get_cookie_secret(), name, signed, max_age_days=people.session_s() / _DAY_S
    )


def _cookies(scope: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope.get("headers", []):
        if name == b"cookie":
            try:
                found |= {key: one.value for key, one in SimpleCookie(value.decode("latin-1")).items()}
            except CookieError:
                continue
    return found
