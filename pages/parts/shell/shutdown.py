"""An end within seconds: a server that is told to end waits for nobody who is still sending."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], Any]

_asked: asyncio.Event | None = None
"""Set once the server is told to end; of the loop that serves."""


def listen() -> None:
    """Take note when the process is told to end, besides what is done then anyway; call within the server's loop."""
    global _asked
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    _asked = asked
    if threading.current_thread() is not threading.main_thread():
        return  # served within a test: nobody sends signals
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, _also(before, lambda: loop.call_soon_threadsafe(asked.set)))


def _also(before: _Handler, do: Callable[[], object]) -> _Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            do()
        before(number, frame)

    return handle


class Leaving:
    """Tell whoever reads a request's body that the browser has gone, as soon as the server is to end."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Pass the request on; a body that is on its way ends with the server."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        await self.app(scope, lambda: _first(receive), send)


async def _first(receive: Callable[..., Any]) -> Any:
    if _asked is None:
        return await receive()
    coming, over = asyncio.ensure_future(receive()), asyncio.ensure_future(_asked.wait())
    try:
        await asyncio.wait({coming, over}, return_when=asyncio.FIRST_COMPLETED)
        return coming.result() if coming.done() else {"type": "http.disconnect"}
    finally:
        coming.cancel()
        over.cancel()
