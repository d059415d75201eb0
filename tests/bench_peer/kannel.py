"""Kannel, as Debian ships it, set to be as durable as it can be: texts in a spool of files, receipts in a Redis that appends to a file."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.native.terminal import Trouble, step
from tests.bench_peer.called_back import CalledBack
from tests.bench_peer.far_side import FarSide
from tests.bench_peer.jobs import KANNEL
from tests.bench_peer.processes import kill_all
from tests.bench_peer.sink import Sink
from tests.bench_peer.systems import BOUND_LIMIT_S, HEADER, TEXT, WINDOW, Unavailable, until
from tests.integration.simulator.process import simulator_process
from tests.peers import needed
from tests.peers.boxes import PASSWORD, SYSTEM_ID, USER, Boxes

ANY_RECEIPT = "3"  # dlr-mask: delivered or failed
PROMISES = {
    "a 2xx": "the text is in a file, not synced: it outlives the process, not the power; no record of it is kept once it was sent",
    "a receipt": "its URL was called; what is awaited is in Redis, whose file is synced each second",
    "a text in": "in a file before it is acknowledged, not synced; then its URL was called",
    "bulk": "as a 2xx: 50 numbers a request, no receipts",
}
IN_MEMORY = {"a receipt": "its URL was called; what is awaited is in the process's memory alone"}


class Kannel(CalledBack):
    path = "/cgi-bin/sendsms"
    account = f"smpp:{SYSTEM_ID}"
    accepted_status = 202
    bulk_clients, bulk_numbers = 4, 50
    still_s = 15.0

    def __init__(self, boxes: Boxes, far: FarSide, sink: Sink, key: str) -> None:
        super().__init__(far, sink, PROMISES if key == KANNEL else IN_MEMORY)
        self.key, self._boxes, self.port = key, boxes, boxes.sendsms_port

    def fields(self, numbers: Sequence[int], receipt_to: str | None) -> dict[str, str]:
        fields = {"username": USER, "password": PASSWORD, "from": HEADER, "text": TEXT}
        fields["to"] = " ".join(f"+{number}" for number in numbers)
        return fields | ({"dlr-mask": ANY_RECEIPT, "dlr-url": receipt_to} if receipt_to else {})

    def pids(self) -> dict[str, int]:
        return self._boxes.pids

    async def kill(self) -> None:
        await asyncio.to_thread(kill_all, self.pids().values())
        self._boxes.kill()

    async def start_again(self) -> None:
        await asyncio.to_thread(self._boxes.start)


@asynccontextmanager
async def kannel(sink: Sink, key: str, *, redis: bool) -> AsyncIterator[Kannel]:
    try:
        needed.programs("bearerbox", "redis-server")
    except (Trouble, OSError) as trouble:
        raise Unavailable(str(trouble)) from trouble
    with tempfile.TemporaryDirectory(prefix="heliograph-bench-kannel-") as name:
        folder = Path(name)
        async with simulator_process(folder) as simulator:
            far = FarSide(simulator.log_path, simulator.control.base_url.port or 0, simulator.smpp_port, simulator.pid)
            texts_to = f"http://127.0.0.1:{sink.port}/text?from=%p&to=%P&text=%b"
            boxes = Boxes(folder, far.smpp_port, texts_to, spool=True, redis=redis, window=WINDOW)
            try:
                with step(f"{key}: Kannel"):
                    await asyncio.to_thread(boxes.start)
                    await until("Kannel is bound", lambda: far.bound(SYSTEM_ID), BOUND_LIMIT_S)
                await far.behave()
                yield Kannel(boxes, far, sink, key)
            finally:
                await asyncio.to_thread(boxes.stop)
