"""One session with the embedded carrier: a TCP connection from hello to its end.

Owns the socket and the signs of life in both directions. Knows frames, not what waits for an answer: that is the
client's, to whom everything is handed.
See services/simulator/protocol.md, section 2.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any, cast

import structlog

from services.messaging.carriers.embedded.wire import BadFrame, Frames, encode

log = structlog.get_logger()

PINGS_PER_SILENCE_LIMIT = 3
HELLO_LIMIT_S = 5.0
SILENCE_LIMIT_S_MAX = 3600.0
CLOSED = "closed by us"


class Session(asyncio.Protocol):
    """`ended` is done when nothing more can be written or read; `welcome` when texts may be submitted."""

    def __init__(self, bind: str, epoch: int, receive: Callable[["Session", str, Any], None]) -> None:
        self._hello = encode("hello", {"bind": bind, "epoch": epoch})
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._pings = itertools.count(1)
        self._silence_limit_s = HELLO_LIMIT_S
        self._transport: asyncio.Transport | None = None
        self._life: asyncio.TimerHandle | None = None
        self.welcome: asyncio.Future[float] = self._loop.create_future()
        self.ended: asyncio.Future[str] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one, and does not say so
        self._transport = transport
        if self.ended.done():
            transport.abort()
            return
        self._heard_at = time.monotonic()
        transport.write(self._hello)
        self._show_life()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("connection lost")

    def end(self, why: str) -> None:
        if self.ended.done():
            return
        if self._life is not None:
            self._life.cancel()
        if self._transport is None:
            pass  # `connection_made` will see that it comes too late
        elif why == CLOSED:
            self._transport.close()  # the last acknowledgements still go out
        else:
            self._transport.abort()
        self.ended.set_result(why)

    def send(self, kind: str, value: Any) -> None:
        if self._transport is not None and not self.ended.done():
            self._transport.write(encode(kind, value))

    def data_received(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        try:
            for kind, value in self._frames.feed(data):
                if self.ended.done():
                    return
                self._take(kind, value)
        except BadFrame as error:
            log.warning("carrier sent a bad frame", why=str(error))
            self.end("bad frame")

    def _take(self, kind: str, value: Any) -> None:
        match kind, value:
            case "ping", int():
                pass
            case "welcome", {"silence_limit_s": int() | float() as limit_s} if self._is_welcome(limit_s):
                self._silence_limit_s = float(limit_s)
                self.welcome.set_result(self._silence_limit_s)
                self._show_life()  # at the new pace
            case "refused", str(why):
                self.end(f"refused: {why[:40]}")
            case _ if self.welcome.done():
                self._receive(self, kind, value)
            case _:
                raise BadFrame(f"{kind[:20]!r} before the welcome")

    def _is_welcome(self, limit_s: float) -> bool:
        return 0 < limit_s <= SILENCE_LIMIT_S_MAX and not self.welcome.done()

    def _show_life(self) -> None:
        """Also notices a far side that has stopped: its connection would stay open for hours."""
        if time.monotonic() - self._heard_at >= self._silence_limit_s:
            self.end("silent")
            return
        if self._life is not None:
            self._life.cancel()
        self.send("ping", next(self._pings))
        self._life = self._loop.call_later(self._silence_limit_s / PINGS_PER_SILENCE_LIMIT, self._show_life)
