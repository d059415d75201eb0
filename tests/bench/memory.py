"""Memory: what a million passing through costs each process: `python -m tests.bench.memory [--rows N] [--slow-s S]`.

Prints, of every case, which process grew most and by how much (PSS without what PostgreSQL's processes share, from before the case to its highest moment).
Ends with 1 where one grew by more than GROWTH_MB_MAX. A slow client reads SLOW_BYTES_S and is cut after `--slow-s`: what is held for it is held by then.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import figures
from tests.bench.figures import World, world_of
from tests.bench.fleet import Fleet, new_fleet

GROWTH_MB_MAX = 100.0
LOOK_EVERY_S = 0.2
SLOW_BYTES_S = 100_000
AT_ONCE_BYTES = 10_000
RECIPIENTS = 100_000  # of the campaign that runs beside the slow clients
ENTRIES = 100_000  # of one AddMultipleEntries
JSON, XML = "application/json", "text/xml"

FILL_LIST = "INSERT INTO entries (list_id, number) SELECT $1, 447400000000 + n FROM generate_series(1, $2::int) n"
FILL_INBOX = """
INSERT INTO texts (id, company_id, number, header, header_key, body, at, carrier, carrier_id)
SELECT ('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, (SELECT company_id FROM headers WHERE key = '82830'),
    '+44' || (7400000000 + n % 100000), '82830', '82830', 'Yes please, the blue one, ' || n, now() - make_interval(secs => $1 - n), 'bench', ''
FROM generate_series(1, $1::int) n
"""


@dataclass
class Watch:
    """The highest of each process while it runs."""

    fleet: Fleet
    before: dict[str, float] = field(default_factory=dict)
    highest: dict[str, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        self.before = self._look()
        self.highest = dict(self.before)
        looking = threading.Thread(target=self._look_again)
        looking.start()
        try:
            yield
        finally:
            self._stop.set()
            looking.join()

    def growth(self) -> dict[str, float]:
        return {name: mb - self.before.get(name, 0.0) for name, mb in self.highest.items()}

    def _look_again(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            for name, mb in self._look().items():
                self.highest[name] = max(mb, self.highest.get(name, 0.0))

    def _look(self) -> dict[str, float]:
        return {name: mb for name, pid in self._processes() if (mb := _own_mb(pid)) is not None}

    def _processes(self) -> Iterator[tuple[str, int]]:
        for name, process in self.fleet.running.items():
            yield name, process.pid
            yield from ((f"{name}'s child {child}", child) for child in _children(process.pid))
        infra = self.fleet.infra
        assert infra.postgres is not None
        assert infra.rabbitmq is not None
        postmaster, node = infra.postgres.pid(), infra.rabbitmq.node()
        assert postmaster is not None
        assert node is not None
        yield "rabbitmq", node.pid
        yield from ((f"postgresql {child}", child) for child in _children(postmaster))


def _children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def _own_mb(pid: int) -> float | None:
    """None where it ended."""
    try:
        rows = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
    except OSError:
        return None
    kb = {row[0]: int(row[1]) for row in rows}
    return (kb.get("Pss:", 0) - kb.get("Pss_Shmem:", 0)) / 1024


@dataclass
class Client:
    """Asks the gateway over a connection a request, and drops what it reads."""

    world: World

    async def get(self, path: str, accept: str, *, slow_s: float = 0.0) -> int:
        """How many bytes came. `slow_s`: it reads slowly, and goes away after that time."""
        head = f"GET {path} HTTP/1.1\r\nhost: bench\r\naccept: {accept}\r\nauthorization: Bearer {self.world.token}\r\nconnection: close\r\n\r\n"
        async with self._connected(small=slow_s > 0) as (reader, writer):
            writer.write(head.encode())
            return await (_slowly(reader, slow_s) if slow_s else _whole(reader))

    async def post(self, path: str, kind: str, pieces: Iterator[bytes], size: int) -> int:
        head = f"POST {path} HTTP/1.1\r\nhost: bench\r\naccept: {JSON}\r\ncontent-type: {kind}\r\nauthorization: Bearer {self.world.token}\r\n"
        async with self._connected() as (reader, writer):
            writer.write(f"{head}content-length: {size}\r\nconnection: close\r\n\r\n".encode())
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await _whole(reader)

    @asynccontextmanager
    async def _connected(
        self, *, small: bool = False
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        connection = socket.socket()
        if small:  # the kernel would hold a megabyte for it
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self.world.fleet.gateway_port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=2**16)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def _whole(reader: asyncio.StreamReader) -> int:
    first = await reader.readuntil(b"\r\n")
    assert b" 20" in first, first
    size = 0
    while chunk := await reader.read(2**16):
        size += len(chunk)
    return size


async def _slowly(reader: asyncio.StreamReader, for_s: float) -> int:
    size, until = 0, time.monotonic() + for_s
    while time.monotonic() < until and (chunk := await reader.read(AT_ONCE_BYTES)):
        size += len(chunk)
        await asyncio.sleep(len(chunk) / SLOW_BYTES_S)
    return size


def _entries_json(token: str, list_id: int) -> bytes:
    each = b",".join(
        b'{"PhoneNumber":"+%d","FirstName":"Sam","Reference":"C-%d"}' % (447_600_000_000 + n, n) for n in range(ENTRIES)
    )
    return f'{{"SessionToken":"{token}","ListID":{list_id},"ListEntries":['.encode() + each + b"]}"


def _entries_xml(token: str, list_id: int) -> bytes:
    each = b"".join(
        b"<ListEntry><FirstName>Sam</FirstName><PhoneNumber>+%d</PhoneNumber></ListEntry>" % (447_700_000_000 + n)
        for n in range(ENTRIES)
    )
    head = '<AddMultipleEntries xmlns="http://schemas.datacontract.org/2004/07/SMSConnector">'
    return (
        f"{head}<ListEntries>".encode()
        + each
        + f"</ListEntries><ListID>{list_id}</ListID><SessionToken>{token}</SessionToken></AddMultipleEntries>".encode()
    )


def _file(rows: int) -> Iterator[bytes]:
    for first in range(0, rows, 1_000):
        yield b"".join(
            b"0%d,Sam,Sample,C-%09d\r\n" % (7_800_000_000 + n, n) for n in range(first, min(rows, first + 1_000))
        )


Case = Callable[[], Awaitable[object]]


async def cases(world: World, rows: int, slow_s: float) -> dict[str, Case]:
    """By what is said of each. Fills a list and the inbox first."""
    client, token = Client(world), world.token
    list_id, other, third = [
        await world.ask("/api/Phonelists/CreateList", Title=world.new_name(), Folder=0) for _ in range(3)
    ]
    await world.databases["phonelist"].execute(FILL_LIST, list_id, rows, timeout=600)
    await world.databases["inbound"].execute(FILL_INBOX, rows, timeout=1_800)
    numbers, inbox = f"/api/Phonelists/GetNumbers/{token}/{list_id}", f"/api/Messages/GetAllInboundMessages/{token}"
    export = f"/v2/lists/{list_id}/export"
    entries = "/api/Phonelists/AddMultipleEntries"
    as_json, as_xml = _entries_json(token, other), _entries_xml(token, other)
    names = b"Phone Number,First Name,Surname,Reference\r\n"
    size = len(names) + sum(map(len, _file(rows)))

    def a_file() -> Iterator[bytes]:
        yield names
        yield from _file(rows)

    async def slow() -> None:
        asks = [(numbers, JSON), (numbers, XML), (export, "text/csv"), (inbox, JSON), (inbox, XML)]
        await asyncio.gather(*(client.get(path, accept, slow_s=slow_s) for path, accept in asks))

    campaign_id = await figures.prepare_campaign(world, RECIPIENTS)

    async def slow_beside_a_campaign() -> None:
        await asyncio.gather(slow(), figures.campaign(world, RECIPIENTS, campaign_id))

    return {
        f"GetNumbers of {rows:,}, JSON": lambda: client.get(numbers, JSON),
        f"GetNumbers of {rows:,}, XML": lambda: client.get(numbers, XML),
        f"/v2 export of {rows:,}": lambda: client.get(export, "text/csv"),
        f"GetAllInboundMessages of {rows:,}, JSON": lambda: client.get(inbox, JSON),
        f"GetAllInboundMessages of {rows:,}, XML": lambda: client.get(inbox, XML),
        f"all five at {SLOW_BYTES_S // 1000} kB/s": slow,
        f"... beside a campaign of {RECIPIENTS:,}": slow_beside_a_campaign,
        f"AddMultipleEntries of {ENTRIES:,}, JSON": lambda: client.post(entries, JSON, iter([as_json]), len(as_json)),
        f"AddMultipleEntries of {ENTRIES:,}, XML": lambda: client.post(entries, XML, iter([as_xml]), len(as_xml)),
        f"import of a CSV of {rows:,}": lambda: client.post(f"/v2/lists/{third}/imports", "text/csv", a_file(), size),
    }


async def measure(rows: int, slow_s: float) -> int:
    """How many cases took too much."""
    fleet = await new_fleet()
    over = 0
    try:
        fleet.start()
        async with world_of(fleet) as world:
            for name, case in (await cases(world, rows, slow_s)).items():
                watch, begun = Watch(fleet), time.monotonic()
                with watch.running():
                    await case()
                growth = sorted(watch.growth().items(), key=lambda each: -each[1])
                over += growth[0][1] > GROWTH_MB_MAX
                most = ", ".join(f"{process} {mb:+.0f}" for process, mb in growth[:4])
                print(f"{name:<50} {time.monotonic() - begun:6.1f} s   MB: {most}", flush=True)
    finally:
        fleet.stop_services()
        fleet.infra.stop()
    return over


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--slow-s", type=float, default=30.0)
    told = parser.parse_args()
    over = asyncio.run(measure(told.rows, told.slow_s))
    print(
        f"{over} cases grew a process by more than {GROWTH_MB_MAX:.0f} MB"
        if over
        else f"no process grew by more than {GROWTH_MB_MAX:.0f} MB"
    )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
