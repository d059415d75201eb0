"""The driver, the same for every system: requests over kept-alive connections, one in flight on each, nothing sent a second time.

Owns its connections and what was answered when. A connection that is cut leaves its request unknown and is made again; whether that spoils a figure
is for the caller to say.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
AGAIN_S = 0.05  # between two tries to connect, and after an answer that accepts nothing
SAMPLES_MAX = 3


@dataclass
class Answered:
    """By the place of each request. Times by the machine's clock, as the simulator's log has them."""

    begun_at: float
    offered: int = 0
    accepted: list[int] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)  # of those that were accepted
    refused: int = 0
    unknown: int = 0  # cut before the answer
    samples: list[str] = field(default_factory=list)  # of refusals
    ended_at: float = 0.0

    def all_or_raise(self) -> Answered:
        if self.refused or self.unknown:
            raise NotAccepted(
                f"{self.refused} refused, {self.unknown} without an answer of {self.offered}: {self.samples}"
            )
        return self


class NotAccepted(Exception):
    """No figure can come of it."""


@dataclass
class Load:
    """`request_of`: the whole request of a place. `accepts`: whether an answer, by its status and body, says that all of it was taken.
    `more`: whether the request of this place is to be made."""

    port: int
    clients: int
    request_of: Callable[[int], bytes]
    accepts: Callable[[int, bytes], bool]
    more: Callable[[int], bool]

    async def run(self) -> Answered:
        self.answered = Answered(time.time())
        self._next = 0
        await asyncio.gather(*(self._client() for _ in range(self.clients)))
        self.answered.ended_at = time.time()
        return self.answered

    def take(self) -> int | None:
        """The next place, if there is one."""
        if not self.more(self._next):
            return None
        self._next += 1
        self.answered.offered = self._next
        return self._next - 1

    async def _client(self) -> None:
        loop = asyncio.get_running_loop()
        while self.more(self._next):
            over = loop.create_future()
            try:
                await loop.create_connection(lambda done=over: _Connection(self, done), "127.0.0.1", self.port)  # type: ignore[misc]
                await over
            except OSError:
                await asyncio.sleep(AGAIN_S)


class _Connection(asyncio.Protocol):
    """Asks until there is nothing more to ask; `over` is set when it is closed."""

    def __init__(self, load: Load, over: asyncio.Future[None]) -> None:
        self._load, self._over = load, over
        self._received = b""
        self._place: int | None = None
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._place is not None:
            self._load.answered.unknown += 1
        if not self._over.done():
            self._over.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(END_OF_HEAD)
        if head_end < 0 or self._place is None:
            return
        head = self._received[:head_end].lower()
        at = head.find(LENGTH)
        end = head_end + len(END_OF_HEAD) + (int(head[at + len(LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0)
        if len(self._received) < end:
            return
        body, self._received = self._received[head_end + len(END_OF_HEAD) : end], b""
        self._told(int(head[9:12]), body, b"connection: close" in head)

    def _told(self, status: int, body: bytes, closing: bool) -> None:
        answered, place = self._load.answered, self._place
        assert place is not None
        self._place = None
        if self._load.accepts(status, body):
            answered.took_s.append(time.time() - self._begun)
            answered.accepted.append(place)
            if closing:
                self._transport.close()
            else:
                self._ask()
            return
        answered.refused += 1
        if len(answered.samples) < SAMPLES_MAX:
            answered.samples.append(f"{status} {body[:200]!r}")
        asyncio.get_running_loop().call_later(AGAIN_S, self._transport.close)  # and it is made again

    def _ask(self) -> None:
        self._place = self._load.take()
        if self._place is None:
            self._transport.close()
            return
        request = self._load.request_of(self._place)
        self._begun = time.time()
        self._transport.write(request)
