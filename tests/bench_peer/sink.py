"""What the peers call, and Heliograph's webhook: receipts and texts from handsets, counted by number.

Owns one listening port. Speaks just enough HTTP/1.1 to answer at once, since it shares the machine with what it measures.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from deploy.native.ports import LOOPBACK

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
RECEIPT = re.compile(rb"/receipt/(\d+)")
FROM = re.compile(rb'\bfrom(?:=|":")(?:%2[Bb]|\+)?(\d+)')  # in a query, a form or JSON
KANNELS = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"  # anything more it texts back
JASMINS = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nACK/Jasmin"


class Sink:
    """`receipts` and `texts`: how often each number's came, since the last `clear`. `last_at`: when the last one came that was new."""

    def __init__(self) -> None:
        self.port = 0
        self.clear()

    def clear(self) -> None:
        self.receipts: Counter[int] = Counter()
        self.texts: Counter[int] = Counter()
        self.last_at = 0.0

    def called(self, path: bytes, body: bytes) -> bytes:
        """The answer."""
        if found := RECEIPT.match(path):
            counts, number = self.receipts, int(found[1])
        elif found := FROM.search(path) or FROM.search(body):
            counts, number = self.texts, int(found[1])
        else:
            raise ValueError(f"a call that says no number: {path!r} {body[:200]!r}")
        if not counts[number]:
            self.last_at = time.time()
        counts[number] += 1
        return KANNELS if path.startswith(b"/text") else JASMINS

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Sink]:
        server = await asyncio.get_running_loop().create_server(lambda: _Call(self), LOOPBACK, 0, backlog=2048)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


class _Call(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        closing = False
        while (head_end := self._received.find(END_OF_HEAD)) >= 0:
            head = self._received[:head_end]
            low = head.lower()
            at = low.find(LENGTH)
            end = head_end + len(END_OF_HEAD) + (int(low[at + len(LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0)
            if len(self._received) < end:
                break
            body, self._received = self._received[head_end + len(END_OF_HEAD) : end], self._received[end:]
            closing = closing or b"connection: close" in low or b"http/1.0\r\n" in low
            self._transport.write(self._sink.called(head.split(b" ", 2)[1], body))
        if closing:
            self._transport.close()
