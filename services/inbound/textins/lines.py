"""Connections to webhooks: one request at a time on each, kept for the next one to the same place.

Owns the connections. Connects only to an address that it has just checked, under the name that the certificate must bear: a name that answers
otherwise the second time reaches nothing, and a connection that was made for one name never carries a post for another.
Written on httptools, for a post by httpx or httpcore costs several times the CPU: connections are many here, and their pools search them all.
"""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import httptools
import httpx

from services.inbound.textins import webhooks

KEPT_S = 3.0  # less than most servers': what they close while we write has to be asked again
KEPT_MAX = 200
ANSWER_BYTES_MAX = 64 * 1024
REST_LIMIT_S = 1.0  # for what follows the head of an answer; then the connection is not kept


class Unreachable(Exception):
    """Why a post was not made, or has no answer."""


class _Dropped(Unreachable):
    """The far side closed before a byte of the answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """`name`: of the host, for the certificate."""

    secure: bool
    name: str
    port: int


@dataclass(frozen=True, slots=True)
class Target:
    place: Place
    head: bytes  # of a request, up to and with the Host


@lru_cache(1_024)
def target(url: str) -> Target:
    """Raises httpx.InvalidURL."""
    parsed = httpx.URL(url)
    secure = parsed.scheme == "https"
    place = Place(secure, parsed.raw_host.decode(), parsed.port or (443 if secure else 80))
    return Target(place, b"POST %b HTTP/1.1\r\nhost: %b\r\n" % (parsed.raw_path, parsed.netloc))


class Lines:
    """`private`: addresses that are not of the open internet are connected to as well."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._kept: dict[Place, list[_Line]] = defaultdict(list)
        self._kept_count = 0
        self._tls: Any = None

    async def post(self, to: Target, rest: bytes) -> int:
        """The status of the answer; its body is thrown away. `rest`: what follows the head of `to`. Has no time limit of its own.

        Raises Unreachable and OSError. A connection that was kept and is closed as we write says nothing about the far side: asked once more on a new one.
        """
        if line := self._taken(to.place):
            try:
                return await self._ask(line, to, rest)
            except _Dropped:
                pass
        return await self._ask(await self._connect(to.place), to, rest)

    async def _ask(self, line: _Line, to: Target, rest: bytes) -> int:
        try:
            status = await line.ask(to.head + rest)
        except BaseException:
            line.close()
            raise
        if line.reusable and self._kept_count < KEPT_MAX:
            self._keep(to.place, line)
        else:
            line.close()
        return status

    def _taken(self, place: Place) -> _Line | None:
        while kept := self._kept.get(place):
            line = self._forget(place, kept[-1])
            if line.open:
                return line
        return None

    def _keep(self, place: Place, line: _Line) -> None:
        self._kept[place].append(line)
        self._kept_count += 1
        line.until = asyncio.get_running_loop().call_later(KEPT_S, lambda: self._forget(place, line).close())

    def _forget(self, place: Place, line: _Line) -> _Line:
        """No longer kept."""
        kept = self._kept[place]
        kept.remove(line)
        self._kept_count -= 1
        if not kept:
            del self._kept[place]
        if line.until is not None:
            line.until.cancel()
        return line

    async def _connect(self, place: Place) -> _Line:
        ip = await self._address_of(place)
        loop = asyncio.get_running_loop()
        if not place.secure:
            _, line = await loop.create_connection(_Line, ip, place.port)
            return line
        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
            self._tls.set_alpn_protocols(["http/1.1"])
        _, line = await loop.create_connection(_Line, ip, place.port, ssl=self._tls, server_hostname=place.name)
        return line

    async def _address_of(self, place: Place) -> str:
        """An address of the host. Raises Unreachable where it has none, or where one of them is not of the open internet and that is not allowed."""
        try:
            found: Sequence[Any] = await asyncio.get_running_loop().getaddrinfo(
                place.name, place.port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{place.name} has no address") from error
        ips = [str(entry[4][0]) for entry in found]
        if not self._private and not webhooks.all_public(ips):
            raise Unreachable(f"{place.name} is not on the open internet")
        return ips[0]

    def close(self) -> None:
        for place, kept in list(self._kept.items()):
            for line in list(kept):
                self._forget(place, line).close()


class _Line(asyncio.Protocol):
    """One connection. Takes the next request when the last answer is whole."""

    def __init__(self) -> None:
        self.reusable = False
        self.until: asyncio.TimerHandle | None = None
        self._head: asyncio.Future[int] | None = None
        self._whole = asyncio.Event()
        self._parser: Any = None
        self._got = 0

    @property
    def open(self) -> bool:
        return not self._transport.is_closing()

    async def ask(self, request: bytes) -> int:
        """The status. Waits for the rest of the answer for a little: only then can the connection be kept."""
        self.reusable, self._got = False, 0
        self._head = asyncio.get_running_loop().create_future()
        self._whole.clear()
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        status = await self._head
        if not self._whole.is_set():
            try:
                async with asyncio.timeout(REST_LIMIT_S):
                    await self._whole.wait()
            except TimeoutError:
                self.close()
        return status

    def close(self) -> None:
        self._transport.abort()

    # -- what the far side does ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._head is None or self._whole.is_set():
            self._end("it said something that was not asked for")
            return
        self._got += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end("its answer is not HTTP")
            return
        if self._got > ANSWER_BYTES_MAX and not self._whole.is_set():
            self._end(f"its answer is longer than {ANSWER_BYTES_MAX} bytes")

    def connection_lost(self, error: Exception | None) -> None:
        why = f"connection lost: {error or 'closed by the far side'}"
        self._end(why, Unreachable if self._got else _Dropped)

    def _end(self, why: str, kind: type[Unreachable] = Unreachable) -> None:
        self.reusable = False
        if self._head is not None and not self._head.done():
            self._head.set_exception(kind(why))
        self._whole.set()
        self._transport.abort()

    # -- the parser's ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._whole.is_set():
            self.reusable = False  # an answer that nobody asked for would be taken for the next one's

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200 and self._head is not None and not self._head.done():  # else more follows
            self._head.set_result(status)

    def on_message_complete(self) -> None:
        if self._head is not None and self._head.done() and not self._whole.is_set():
            self.reusable = self._parser.should_keep_alive()
            self._whole.set()
