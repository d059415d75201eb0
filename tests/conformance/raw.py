"""HTTP/1.1 as bytes: requests that no proper client would write, and their answers.

Owns a few connections to the gateway, kept open as long as it lets them. Never corrects what it is given to send.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

LIMIT_S = 2.0  # for each answer, whatever was asked
AT_ONCE = 12  # connections


@dataclass(frozen=True)
class Request:
    """`target`: path and query, as they stand on the wire. `claimed_bytes`: a body's length that is announced, whatever is sent of it."""

    method: str
    target: bytes
    content_type: str | None = None
    body: bytes = b""
    claimed_bytes: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def on_the_wire(self) -> bytes:
        lines = [f"{self.method} ".encode() + self.target + b" HTTP/1.1", b"host: heliograph.example"]
        if self.content_type is not None:
            lines.append(f"content-type: {self.content_type}".encode())
        size = len(self.body) if self.claimed_bytes is None else self.claimed_bytes
        if size and "transfer-encoding" not in self.headers:
            lines.append(f"content-length: {size}".encode())
        lines += [f"{name}: {value}".encode("latin-1") for name, value in self.headers.items()]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sender:
    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(AT_ONCE)

    async def send(self, request: Request) -> Answer:
        """TimeoutError where the answer does not come in LIMIT_S."""
        async with self._places, asyncio.timeout(LIMIT_S):
            reader, writer = self._idle.pop() if self._idle else await self._connected()
            try:
                writer.write(request.on_the_wire())
                answer = await _answer(reader, head_only=request.method == "HEAD")
            except BaseException:
                writer.close()
                raise
            whole = (
                request.claimed_bytes is None
                and not request.headers.keys() & {"transfer-encoding"}
                and answer.headers.get("connection") != "close"
            )
            if whole:
                self._idle.append((reader, writer))
            else:
                writer.close()
            return answer

    async def cut(self, request: Request) -> None:
        """Sends what there is of the request, and hangs up without waiting for an answer."""
        async with self._places:
            _, writer = await self._connected()
            writer.write(request.on_the_wire())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def _connected(self) -> Connection:
        return await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


@asynccontextmanager
async def sender(port: int) -> AsyncIterator[Sender]:
    one = Sender(port)
    try:
        yield one
    finally:
        one.close()


async def _answer(reader: asyncio.StreamReader, *, head_only: bool) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = b""
    if head_only or status == 204:
        pass
    elif headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size + 2)
            body = body[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers["content-length"]))
    return Answer(status, headers, body)
