"""The driver: requests over kept-alive connections, one in flight on each, and nothing else, so that it takes little of the machine it measures.

Owns its connections. Speaks just enough HTTP/1.1 for the gateway's answers, with a length or in chunks; anything but a 2xx stops the run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length: "
CHUNKED = b"transfer-encoding: chunked"
LAST_CHUNK = b"\r\n0\r\n\r\n"


class Refused(Exception):
    """The gateway answered otherwise than it should; no figure can come of it."""


def post(path: str, body: bytes, *, token: str = "", kind: str = "application/json") -> bytes:
    """A whole request; with a `token` one of /v2."""
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {kind}\r\naccept: application/json\r\n"
    head += f"authorization: Bearer {token}\r\n" if token else ""
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: bench\r\naccept: application/json\r\n\r\n".encode()


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[bytes, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the connection was cut")

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(END_OF_HEAD)
        if head_end < 0:
            return
        head = bytes(self._received[:head_end]).lower()
        start = head_end + len(END_OF_HEAD)
        at = head.find(LENGTH)
        if at >= 0:
            end = start + int(head[at + len(LENGTH) :].split(b"\r", 1)[0])
            if len(self._received) >= end:
                self._give(head, bytes(self._received[start:end]))
        elif CHUNKED not in head:
            self._fail("an answer without a length")
        # What is read here is JSON, which has no such bytes in it; and nothing comes after an answer, for one request is in flight.
        elif self._received.endswith(LAST_CHUNK):
            self._give(head, unchunked(self._received[start:]))

    def _give(self, head: bytes, body: bytes) -> None:
        self._received.clear()
        if self._answer is not None:
            self._answer.set_result((head, body))

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Refused(why))

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Head (in lower case) and body of the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        head, body = await self._answer
        if b" 20" not in head[:12]:
            raise Refused(f"{head[:40]!r}: {body[:300]!r}")
        return head, body

    def close(self) -> None:
        self._transport.close()


def unchunked(data: bytes | bytearray) -> bytes:
    pieces, at = [], 0
    while size := int(data[at : (line_end := data.index(b"\r\n", at))].split(b";")[0], 16):
        pieces.append(bytes(data[line_end + 2 : line_end + 2 + size]))
        at = line_end + 2 + size + 2
    return b"".join(pieces)


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[list[Connection]]:
    loop = asyncio.get_running_loop()
    opened = [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


@dataclass(frozen=True, slots=True)
class Sent:
    """One text: its id as the gateway told it, when its request began and when its answer was there, by the machine's clock."""

    id: str
    begun: float
    answered: float


MESSAGE_ID = b"x-message-id: "


async def send_texts(opened: Sequence[Connection], request_of: Callable[[int], bytes], count: int) -> list[Sent]:
    """`count` texts, each connection asking again as soon as it has its answer."""
    numbers = iter(range(count))
    sent: list[Sent] = []

    async def client(connection: Connection) -> None:
        for n in numbers:
            begun = time.time()
            head, body = await connection.ask(request_of(n))
            answered = time.time()
            if b'"Success"' not in body:
                raise Refused(f"{body[:300]!r}")
            at = head.find(MESSAGE_ID) + len(MESSAGE_ID)
            sent.append(Sent(head[at : at + 36].decode(), begun, answered))

    await asyncio.gather(*(client(connection) for connection in opened))
    return sent
