"""HTTP/1.1 as the network's message API speaks it: requests in, replies out, and the ways in which a reply can go wrong.

Owns the connection of one client: bytes to requests and replies to bytes, in order. A web framework would never hang up in the middle; this must.
Knows nothing of texts.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

BODY_BYTES_MAX = 1 << 20


@dataclass(slots=True)
class Request:
    method: str = ""
    target: str = ""  # path and query, as sent
    headers: dict[str, str] = field(default_factory=dict)  # names in small letters
    body: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class Reply:
    """`raw`: sent as it is in place of all else, then the connection is closed; b"" says nothing. `silent`: nothing is said, and the connection stays."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    raw: bytes | None = None
    silent: bool = False


class Connection(asyncio.Protocol):
    def __init__(self, handle: Callable[[Request], Reply]) -> None:
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._ready: deque[tuple[Request, bool]] = deque()
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, and does not say so

    def connection_lost(self, exc: Exception | None) -> None:
        self._ready.clear()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._write(Reply(400), keep_alive=False)
            return
        self._next()

    # -- the parser's calls --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._request = Request()

    def on_url(self, url: bytes) -> None:
        self._request.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._request.body += body
        if len(self._request.body) > BODY_BYTES_MAX:
            raise httptools.HttpParserError("the body is too long")

    def on_message_complete(self) -> None:
        self._request.method = self._parser.get_method().decode()
        self._ready.append((self._request, self._parser.should_keep_alive()))

    # -- one request after the other ------------------------------------------------------------------------------

    def _next(self) -> None:
        while self._ready and not self._busy:
            request, keep_alive = self._ready.popleft()
            reply = self._handle(request)
            if reply.silent:
                self._busy = True
            elif reply.delay_s:
                self._busy = True
                self._loop.call_later(reply.delay_s, self._late, reply, keep_alive)
            else:
                self._write(reply, keep_alive)

    def _late(self, reply: Reply, keep_alive: bool) -> None:
        self._busy = False
        self._write(reply, keep_alive)
        self._next()

    def _write(self, reply: Reply, keep_alive: bool) -> None:
        if self._transport.is_closing():
            return
        if reply.raw is not None:
            self._transport.write(reply.raw)
            self._transport.close()
            return
        told = {"content-length": str(len(reply.body)), **reply.headers}
        if not keep_alive:
            told["connection"] = "close"
        head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._transport.write(head.encode("latin-1") + b"\r\n" + reply.body)
        if not keep_alive:
            self._transport.close()
