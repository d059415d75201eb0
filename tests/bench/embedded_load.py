"""The simulator alone on the embedded carrier's wire, with a client that does nothing else: submits with receipts, and texts from handsets.

Owns one simulator and one session with it. Frames are made before the clock starts and cut by the simulator's own codec. Beside smpp_load.py.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from services.simulator.wire import ITEMS_PER_FRAME_MAX, Frames, encode
from tests.bench.smpp_load import ANSWER_LIMIT_S, SmppFigures, cpu_s
from tests.integration.simulator.process import SimulatorProcess, simulator_process

FRAMES_OPEN = 4  # unanswered: a window of 2,000 texts, as messaging's client has
BULK_TEXTS_MAX = 10_000  # what the control takes at once
TEXT = "Your order 4711 is ready. Reply STOP to get no more of these."


def submits(count: int) -> list[bytes]:
    items = [[n, "82830", f"+447{400_000_000 + n}", TEXT, 86_400, str(uuid4())] for n in range(count)]
    return [encode("submit", items[at : at + ITEMS_PER_FRAME_MAX]) for at in range(0, len(items), ITEMS_PER_FRAME_MAX)]


class _Client(asyncio.Protocol):
    """Keeps FRAMES_OPEN frames unanswered and acknowledges what comes; `done` when the wanted receipts and texts are there."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._to_write: list[bytes] = []
        self._wanted = self._unanswered = 0
        self.bound: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(encode("hello", {"bind": "limit", "epoch": 1}))

    def begin(self, frames: Sequence[bytes], wanted: int) -> asyncio.Future[None]:
        """`wanted`: receipts and texts to wait for."""
        self._to_write, self._wanted = list(reversed(frames)), wanted
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._fill()
        return self.done

    def _fill(self) -> None:
        while self._to_write and self._unanswered <= (FRAMES_OPEN - 1) * ITEMS_PER_FRAME_MAX:
            self._transport.write(self._to_write.pop())
            self._unanswered += ITEMS_PER_FRAME_MAX

    def data_received(self, data: bytes) -> None:
        for kind, value in self._frames.feed(data):
            self._take(kind, value)

    def _take(self, kind: str, value: Any) -> None:
        match kind:
            case "welcome":
                self.bound.set_result(None)
            case "answers":
                self._unanswered -= len(value)
                self._fill()
            case "receipts" | "texts":
                self._transport.write(encode("ack", value["batch"]))
                self._wanted -= len(value["items"])
                if self._wanted <= 0 and not self.done.done():
                    self.done.set_result(None)
            case "ping":
                self._transport.write(encode("ping", value))


async def measured(simulator: SimulatorProcess, count: int) -> dict[str, SmppFigures]:
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(_Client, "127.0.0.1", simulator.carrier_port)
    bulks = [
        [{"from": f"+447{400_000_000 + n}", "to": "82830", "text": TEXT} for n in range(at, at + BULK_TEXTS_MAX)]
        for at in range(0, count, BULK_TEXTS_MAX)
    ]
    figures = {}
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await client.bound
            frames = submits(count)
            cpu, begun = cpu_s(simulator.pid), time.perf_counter()
            await client.begin(frames, count)
            figures["submits with receipts"] = _figures(simulator, count, cpu, begun)
            cpu, begun = cpu_s(simulator.pid), time.perf_counter()
            done = client.begin((), len(bulks) * BULK_TEXTS_MAX)
            for bulk in bulks:
                (await simulator.control.post("/handsets/messages", json=bulk)).raise_for_status()
            await done
            figures["texts from handsets"] = _figures(simulator, len(bulks) * BULK_TEXTS_MAX, cpu, begun)
    finally:
        transport.abort()
    return figures


def _figures(simulator: SimulatorProcess, count: int, cpu: float, begun: float) -> SmppFigures:
    return SmppFigures(count, time.perf_counter() - begun, cpu_s(simulator.pid) - cpu, count)


async def simulator_ceiling(count: int) -> dict[str, SmppFigures]:
    """With a simulator of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with simulator_process(Path(folder)) as simulator:
            return await measured(simulator, count)
