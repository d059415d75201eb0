"""A wire between SMPP clients and the simulator that writes down who submits when.

Where the simulator ends a connection, that is not passed on: a client that was paused finds its own as it left it, and only its lease stops it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from libs.common.smpp import Command, Frames


@dataclass
class Connection:
    submits_at: list[float] = field(default_factory=list)  # time.monotonic()
    frames: int = 0  # of any kind, from the client
    closed: bool = False


@dataclass
class Tap:
    port: int = 0
    connections: list[Connection] = field(default_factory=list)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def submitting(self) -> list[Connection]:
        return [one for one in self.connections if one.submits_at]


@asynccontextmanager
async def tap(far_port: int) -> AsyncIterator[Tap]:
    tapped = Tap()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, frames = Connection(), Frames()
        tapped.connections.append(connection)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", far_port)
        tapped._writers += [writer, far_writer]
        back = asyncio.create_task(_pass_on(far_reader, writer))
        try:
            while data := await reader.read(65_536):
                for command, *_ in frames.feed(data):
                    connection.frames += 1
                    if command == Command.SUBMIT_SM:
                        connection.submits_at.append(time.monotonic())
                far_writer.write(data)
        except ConnectionError:
            pass  # killed
        finally:
            connection.closed = True
            far_writer.close()
            await asyncio.gather(back, return_exceptions=True)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    tapped.port = server.sockets[0].getsockname()[1]
    try:
        yield tapped
    finally:
        server.close()
        for writer in tapped._writers:
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
