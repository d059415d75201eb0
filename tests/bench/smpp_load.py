"""A load client for the simulator's SMPP port: what the far side can take, so that no figure of Heliograph's is its ceiling.

Owns one bind that keeps a window full of submit_sm, encoded before the clock starts, and acknowledges receipts. Raw octets: no codec stands in the way.
Run alone: `python -m tests.bench.smpp_load [texts]` starts a simulator of its own, and prints the figures.
"""

import asyncio
import os
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from libs.common.smpp import Bind, Command, DataCoding, Sm, pdu
from tests.integration.simulator.process import simulator_process

WINDOW = 1_000
NUMBERS = 10_000
TEXT = b"Your order 4711 is ready. Reply STOP to get no more of these."
ANSWER_LIMIT_S = 60.0
_HEADER = struct.Struct(">IIII")


@dataclass(frozen=True, slots=True)
class SmppFigures:
    texts: int
    seconds: float
    simulator_cpu_s: float
    receipts: int

    @property
    def per_s(self) -> float:
        return self.texts / self.seconds

    @property
    def cpu_us_each(self) -> float:
        """The simulator's, for one text and all that belongs to it."""
        return self.simulator_cpu_s / self.texts * 1e6


def submits(count: int, receipts: bool) -> list[bytes]:
    """Numbers of their own, from 07400 000000 on; the sequence numbers count from 2, after the bind's."""
    octets = []
    for n in range(count):
        sm = Sm(
            source_addr_ton=3,
            source_addr="82830",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=f"447{400_000_000 + n % NUMBERS}",
            registered_delivery=int(receipts),
            data_coding=DataCoding.DEFAULT,
            short_message=TEXT,
        )
        octets.append(pdu(Command.SUBMIT_SM, n + 2, sm.encode()))
    return octets


class _Client(asyncio.Protocol):
    """Refills the window as answers come; done when each text has its answer, and its receipt where one was asked for."""

    def __init__(self, texts: list[bytes], receipts: bool, window: int) -> None:
        self._window = window
        self._texts, self._wanted = texts, len(texts) if receipts else 0
        self._next = 0
        self._answers = self.receipts = 0
        self._rest = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.bound: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none of asyncio's
        self._transport.write(pdu(Command.BIND_TRANSCEIVER, 1, Bind("load", "simulate").encode()))

    def fill(self) -> None:
        end = min(self._answers + self._window, len(self._texts))
        if end > self._next:
            self._transport.write(b"".join(self._texts[self._next : end]))
            self._next = end

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        start, end, unpack, pack = 0, len(data), _HEADER.unpack_from, _HEADER.pack
        acks: list[bytes] = []
        while end - start >= 16:
            size, command, status, sequence = unpack(data, start)
            if end - start < size:
                break
            start += size
            if command == 0x80000004 and status == 0:
                self._answers += 1
            elif command == 5:
                acks.append(pack(17, 0x80000005, 0, sequence) + b"\0")
            elif command == 0x80000009 and status == 0:
                self.bound.set_result(None)
            elif command == 0x15:
                acks.append(pack(16, 0x80000015, 0, sequence))
            else:
                self._fail(f"command 0x{command:08X} with status 0x{status:02X}")
        self._rest = data[start:]
        if acks:
            self.receipts += sum(len(ack) == 17 for ack in acks)
            self._transport.write(b"".join(acks))
        self.fill()
        if self._answers == len(self._texts) and self.receipts >= self._wanted and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection lost: {exc}")

    def _fail(self, why: str) -> None:
        for future in (self.bound, self.done):
            if not future.done():
                future.set_exception(ConnectionError(why))


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(host: str, port: int, pid: int, count: int, receipts: bool, window: int = WINDOW) -> SmppFigures:
    """Against a simulator that runs already, as process `pid`."""
    texts = submits(count, receipts)
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(lambda: _Client(texts, receipts, window), host, port)
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await client.bound
            cpu_before, began = cpu_s(pid), time.perf_counter()
            client.fill()
            await client.done
            seconds = time.perf_counter() - began
        return SmppFigures(count, seconds, cpu_s(pid) - cpu_before, client.receipts)
    finally:
        transport.abort()


async def simulator_ceiling(count: int, window: int = WINDOW) -> dict[str, SmppFigures]:
    """With a simulator of its own: submits alone, and with a receipt each."""
    with tempfile.TemporaryDirectory() as folder:
        async with simulator_process(Path(folder)) as simulator:
            at = "127.0.0.1", simulator.smpp_port, simulator.pid
            return {
                "submits": await measure(*at, count, receipts=False, window=window),
                "submits with receipts": await measure(*at, count, receipts=True, window=window),
            }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    for name, each in asyncio.run(simulator_ceiling(count)).items():
        print(
            f"{name}: {each.texts:,} in {each.seconds:.2f} s, {each.per_s:,.0f}/s, "
            f"simulator {each.cpu_us_each:.1f} us of CPU each, {each.receipts:,} receipts"
        )


if __name__ == "__main__":
    main()
