"""Experiment 1: what an HTTP request costs when it travels over the broker to its owner, folded or not, on quorum or classic ask queues.

Starts a private RabbitMQ and PostgreSQL, a gateway and an owner process, and drives them with keep-alive clients; prints requests a
second and the CPU a request of gateway, owner, broker and PostgreSQL. The load driver is this process and is not counted.
Run: python -m tests.bench.experiments.01_every_request_through_the_broker --help. Result: docs/decisions/0001-requests-through-the-broker.md
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
import uuid
from collections import deque
from typing import Any

import aio_pika
import asyncpg
import orjson
import uvicorn
import uvloop
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from tests.bench.experiments.private_servers import (
    Server,
    cpu_s,
    free_port,
    private_broker,
    private_postgres,
    wait_for_port,
)

MODULE = "tests.bench.experiments.01_every_request_through_the_broker"
FOLD_ITEMS = 500
PREFETCH = 64
POOL = 8
LIMIT_S = 10.0
ASKS = "messaging.ordinary"
SCHEMA = """
create table texts (
    id uuid primary key, company_id int not null, number bigint not null, body text not null, queued_at timestamptz not null default now()
);
"""
INSERT = """
insert into texts (id, company_id, number, body)
select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::text[]) on conflict (id) do nothing
"""


# ---------------------------------------------------------------------------------------------------------------------- bus


class Asker:
    """The asking end: an exclusive reply queue, and a fold of what waits while `flights` asks are under way."""

    def __init__(self, folded: bool, flights: int, persistent: bool) -> None:
        self.limit = FOLD_ITEMS if folded else 1
        self.flights = flights if folded else 1_000
        self.mode = DeliveryMode.PERSISTENT if persistent else DeliveryMode.NOT_PERSISTENT
        self.waiting: deque[tuple[dict[str, Any], asyncio.Future[Any]]] = deque()
        self.flying: dict[str, list[asyncio.Future[Any]]] = {}
        self.folds = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def open(self, url: str) -> None:
        consuming, publishing = await aio_pika.connect_robust(url), await aio_pika.connect_robust(url)
        inbox = await consuming.channel(publisher_confirms=False)
        replies = await inbox.declare_exchange("heliograph.replies", ExchangeType.DIRECT, durable=True)
        queue = await inbox.declare_queue(f"replies.{uuid.uuid4()}", exclusive=True)
        self.address = queue.name
        await queue.bind(replies, self.address)
        await queue.consume(self._answered, no_ack=True)
        channel = await publishing.channel(publisher_confirms=False)
        self.requests = await channel.declare_exchange("heliograph.requests", ExchangeType.DIRECT, durable=True)

    async def ask(self, item: dict[str, Any]) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting.append((item, answer))
        self._fly()
        async with asyncio.timeout(LIMIT_S):
            return await answer

    def _fly(self) -> None:
        while self.waiting and len(self.flying) < self.flights:
            fold = [self.waiting.popleft() for _ in range(min(self.limit, len(self.waiting)))]
            ask = str(uuid.uuid4())
            self.flying[ask] = [answer for _, answer in fold]
            self.folds += 1
            self._keep(asyncio.create_task(self._publish(ask, [item for item, _ in fold])))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _publish(self, ask: str, items: list[dict[str, Any]]) -> None:
        body = orjson.dumps({"deadline": time.time() + LIMIT_S, "items": items})
        message = Message(body, correlation_id=ask, reply_to=self.address, delivery_mode=self.mode, expiration=LIMIT_S)
        await self.requests.publish(message, ASKS, mandatory=False)

    async def _answered(self, message: AbstractIncomingMessage) -> None:
        for answer, value in zip(
            self.flying.pop(message.correlation_id or ""), orjson.loads(message.body), strict=True
        ):
            if not answer.done():
                answer.set_result(value)
        self._fly()


class Owner:
    """The answering end: one transaction an ask, then the reply, then the acknowledgement."""

    async def open(self, url: str, database: str, quorum: bool) -> None:
        self.pool = await asyncpg.create_pool(database, min_size=POOL, max_size=POOL)
        consuming, publishing = await aio_pika.connect_robust(url), await aio_pika.connect_robust(url)
        channel = await publishing.channel(publisher_confirms=False)
        self.replies: AbstractExchange = await channel.declare_exchange(
            "heliograph.replies", ExchangeType.DIRECT, durable=True
        )
        inbox = await consuming.channel()
        await inbox.set_qos(prefetch_count=PREFETCH)
        requests = await inbox.declare_exchange("heliograph.requests", ExchangeType.DIRECT, durable=True)
        queue = await inbox.declare_queue(
            ASKS, durable=True, arguments={"x-queue-type": "quorum" if quorum else "classic"}
        )
        await queue.bind(requests, ASKS)
        await queue.consume(self._asked)

    async def _asked(self, message: AbstractIncomingMessage) -> None:
        asked = orjson.loads(message.body)
        rows = [(item["id"], item["company"], item["number"], item["text"]) for item in asked["items"]]
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(INSERT, *map(list, zip(*rows, strict=True)))
        answers = orjson.dumps([{"id": row[0], "state": "queued"} for row in rows])
        reply = Message(answers, correlation_id=message.correlation_id, delivery_mode=DeliveryMode.NOT_PERSISTENT)
        await self.replies.publish(reply, message.reply_to or "", mandatory=False)
        await message.ack()


# ---------------------------------------------------------------------------------------------------------------- processes


async def gateway(url: str, port: int, folded: bool, flights: int, persistent: bool) -> None:
    asker = Asker(folded, flights, persistent)
    await asker.open(url)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        if scope["path"] == "/folds":
            answer: Any = asker.folds
        else:
            asked = orjson.loads(body)
            answer = await asker.ask({"id": str(uuid.uuid4()), "company": 17, **asked})
        out = orjson.dumps(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(out)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": out})

    settings = uvicorn.Config(
        app, host="127.0.0.1", port=port, access_log=False, log_level="warning", lifespan="off", http="httptools"
    )
    await uvicorn.Server(settings).serve()


async def owner(url: str, database: str, quorum: bool) -> None:
    await Owner().open(url, database, quorum)
    await asyncio.Event().wait()


async def wait_for_consumer(url: str, limit_s: float) -> None:
    """An ask that no queue takes is dropped, so the load starts only when the owner listens."""
    async with asyncio.timeout(limit_s), await aio_pika.connect(url) as connection:
        while True:
            channel = await connection.channel()
            try:
                if (await channel.declare_queue(ASKS, passive=True)).declaration_result.consumer_count:
                    return
                await channel.close()
            except aio_pika.exceptions.ChannelNotFoundEntity:
                pass  # not declared yet; the broker closed the channel
            await asyncio.sleep(0.1)


# --------------------------------------------------------------------------------------------------------------------- load


class Client(asyncio.Protocol):
    """One keep-alive connection with one request under way; the answers' length is all that is looked at."""

    def __init__(self, load: "Load") -> None:
        self.load, self.buffer = load, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        body = b'{"number": %d, "text": "Your parcel comes today between 10 and 12."}' % (
            447700900000 + self.load.asked % 1000
        )
        self.load.asked += 1
        self.began = time.perf_counter()
        self.transport.write(b"POST /v2/texts HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found or len(rest) < int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            return
        assert head.startswith(b"HTTP/1.1 200"), self.buffer
        assert b'"queued"' in rest, self.buffer
        self.buffer = b""
        if self.load.measuring:
            self.load.taken_ms.append((time.perf_counter() - self.began) * 1000)
        if not self.load.ended:
            self.send()


class Load:
    def __init__(self) -> None:
        self.asked, self.measuring, self.ended = 0, False, False
        self.taken_ms: list[float] = []

    async def run(self, port: int, clients: int, seconds: float, cpu: dict[str, Any]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        transports = [
            (await loop.create_connection(lambda: Client(self), "127.0.0.1", port))[0] for _ in range(clients)
        ]
        await asyncio.sleep(1.5)  # warm: plans, pools, code paths
        before, own, begun = {name: read() for name, read in cpu.items()}, time.process_time(), time.monotonic()
        self.measuring = True
        await asyncio.sleep(seconds)
        self.measuring = False
        taken, lasted = sorted(self.taken_ms), time.monotonic() - begun
        after, own = {name: read() for name, read in cpu.items()}, time.process_time() - own
        self.ended = True
        await asyncio.sleep(0.3)
        for transport in transports:
            transport.close()
        each = {name: round((after[name] - before[name]) / len(taken) * 1000, 3) for name in cpu}
        quantiles = {name: round(taken[int(len(taken) * share)], 1) for name, share in (("p50", 0.5), ("p99", 0.99))}
        return {
            "clients": clients, "per_s": round(len(taken) / lasted), "ms_cpu": round(sum(each.values()), 3), **each, **quantiles,
            "driver": round(own / len(taken) * 1000, 3), "requests": len(taken),
        }  # fmt: skip


def folds(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /folds HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := connection.recv(4096):
            answer += part
    return int(answer.rpartition(b"\r\n\r\n")[2])


async def case(
    url: str, beam: int, server: Server, arguments: argparse.Namespace, way: tuple[bool, bool, int], clients: int
) -> None:
    folded, quorum, flights = way
    admin = await asyncpg.connect(server.url("postgres"))
    await admin.execute("drop table if exists texts")
    await admin.execute(SCHEMA)
    await admin.close()
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(ASKS)
    port = free_port()
    roles = (["owner", url, server.url("postgres"), str(int(quorum))],
             ["gateway", url, str(port), str(int(folded)), str(flights), str(int(quorum))])  # fmt: skip
    processes = [subprocess.Popen([sys.executable, "-m", MODULE, "--role", *role]) for role in roles]
    try:
        await asyncio.to_thread(wait_for_port, port, 20)
        await wait_for_consumer(url, 20)
        cpu = {
            "gateway": lambda: cpu_s(processes[1].pid), "owner": lambda: cpu_s(processes[0].pid),
            "broker": lambda: cpu_s(beam), "postgres": server.cpu_s,
        }  # fmt: skip
        load = Load()
        result = await load.run(port, clients, arguments.seconds, cpu)
        fold = round(load.asked / await asyncio.to_thread(folds, port), 1)
        name = f"{'folded' if folded else 'single'} {'quorum' if quorum else 'classic'}{f' {flights} flights' if folded else ''}"
        print(json.dumps({"case": name, **result, "items_a_fold": fold}), flush=True)
    finally:
        for process in processes:
            process.terminate()
            process.wait(20)


async def experiment(url: str, beam: int, server: Server, arguments: argparse.Namespace) -> None:
    ways = [(True, False, 1), (True, False, 2), (True, True, 1), (False, False, 1), (False, True, 1)]
    for way in ways:
        for clients in arguments.clients:
            for _ in range(arguments.runs):
                await case(url, beam, server, arguments, way, clients)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[64, 1])
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--role", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    uvloop.install()
    if arguments.role and arguments.role[0] == "owner":
        _, url, database, quorum = arguments.role
        asyncio.run(owner(url, database, quorum == "1"))
    elif arguments.role:
        _, url, port, folded, flights, persistent = arguments.role
        asyncio.run(gateway(url, int(port), folded == "1", int(flights), persistent == "1"))
    else:
        with private_postgres(None) as server, private_broker() as (url, beam):
            asyncio.run(experiment(url, beam, server, arguments))


if __name__ == "__main__":
    main()
