"""Heliograph: the fleet of tests/bench, all durable, as two systems: by an SMPP bind to the same far side as the peers', and by the embedded carrier.

Owns the fleet, its session, and what is asked of the ledger. A number's beginning says by which carrier its text goes.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aio_pika
import asyncpg
import httpx
import orjson

from deploy.native import environment, processes
from deploy.native import fleet as native
from deploy.native.environment import STARTED, WITH_DATABASE, Instance
from deploy.native.terminal import step
from tests.bench import machine
from tests.bench.fleet import TREE, Fleet, new_fleet
from tests.bench_peer.far_side import FarSide, until_all
from tests.bench_peer.processes import children, kill_all
from tests.bench_peer.sink import Sink
from tests.bench_peer.systems import HEADER, NUMBERS_FROM, TEXT, WINDOW, BulkRun, OwnNumbers, Verdict

SMPP, EMBEDDED = "smpp", "embedded"
CARRIER, SYSTEM_ID = "bench-peer", "bench"
PREFIX = "+4475"  # the texts that go by SMPP
EMBEDDED_FROM = NUMBERS_FROM - 100_000_000  # +4474...: these go by the embedded carrier
KEYWORD = "WEB"  # the texts that go on to the webhook
READY_LIMIT_S = 120.0
RUN_LIMIT_S = 180.0
DRAIN_LIMIT_S = 30.0
LOOK_EVERY_S = 0.025
HTTP_LIMIT_S = 120.0
LIST_ENTRIES_MAX = 100_000  # a request
IN_EFFECT_S = 2.5  # every process has looked at carriers and routes by then

CONNECTED = "SELECT EXISTS (SELECT FROM binds JOIN carriers ON id = carrier WHERE name = $1 AND connected)"
HEADERS_KNOWN = "SELECT count(*) >= 2 FROM headers"
NOTHING_OPEN = "SELECT NOT EXISTS (SELECT FROM open_texts WHERE state <> 'in_doubt')"
OUTBOX_EMPTY = "SELECT NOT EXISTS (SELECT FROM outbox)"
DELIVERED_SINCE = "SELECT count(*) FROM texts WHERE state = 'delivered' AND settled_at >= $1"
DELIVERED_OF = "SELECT number FROM texts WHERE state = 'delivered' AND number = ANY($1::text[])"
IN_DOUBT_OF = "SELECT number FROM open_texts WHERE state = 'in_doubt' AND number = ANY($1::text[])"
# From the end: the last ones are settled last, so that looking costs little.
UNSETTLED = "SELECT 1 FROM recipients WHERE campaign_id = $1 AND settled_at IS NULL ORDER BY position DESC LIMIT 1"
SETTLED = "SELECT count(*) FROM recipients WHERE campaign_id = $1 AND settled_at IS NOT NULL"
NOW = "SELECT clock_timestamp()"
PROMISES = {
    "a 2xx": "the text is in the ledger, committed and synced; it is kept there with all that becomes of it",
    "a receipt": "the ledger's row is settled, committed and synced, and the event is out, confirmed by a quorum queue",
    "a text in": "committed and synced before it is acknowledged; meaning (STOP, keyword) decided, then in the subscriber's quorum queue",
    "bulk": "each recipient has a row of the campaign and one of the ledger, both settled by its receipt",
}


class Platform:
    """The running fleet, that both systems share."""

    def __init__(self, fleet: Fleet, sink: Sink) -> None:
        self.fleet, self.sink = fleet, sink
        self.databases: dict[str, asyncpg.Connection] = {}
        self.token = ""
        self.subscriber_url = ""
        self.text_in = 0

    @property
    def gateway_port(self) -> int:
        return self.fleet.port["http:gateway"]

    def start(self, services: Sequence[str]) -> None:
        """Answers when each says that it is ready."""
        fleet, begun = self.fleet, time.monotonic()
        for service in services:
            instance = Instance(service, 1)
            told = environment.environment_of(fleet.layout, instance, fleet.port, fleet.secret, "development")
            if service == "inbound":
                told["HELIOGRAPH_WEBHOOKS_TO_PRIVATE_ADDRESSES"] = "true"  # the sink is one
            command = [sys.executable, "-m", instance.module]
            fleet.running[service] = processes.start(command, self._inherited() | told, TREE, fleet.layout.log(service))
        for service in services:
            while lacking := native.lacking(fleet.port[f"ops:{service}"]):
                log = processes.last_lines(fleet.layout.log(service))
                assert fleet.running[service].is_alive(), f"{service} died:\n{log}"
                assert time.monotonic() - begun < READY_LIMIT_S, f"{service} lacks {lacking}:\n{log}"
                time.sleep(LOOK_EVERY_S)

    def stop_services(self) -> None:
        processes.stop(list(reversed(self.fleet.running.values())), DRAIN_LIMIT_S)
        self.fleet.running.clear()

    def console(self, *arguments: str) -> str:
        """What the command printed."""
        fleet = self.fleet
        told = environment.environment_of_console(fleet.port, fleet.secret, "development")
        told["HELIOGRAPH_MANAGEMENT_URL"] = fleet.infra.management_url
        command = [sys.executable, "-m", "services.console", *arguments]
        done = subprocess.run(
            command, cwd=TREE, env=self._inherited() | told, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    async def prepare(self) -> None:
        """The demo company, its session, the SMPP carrier and the route to it, a subscriber and a webhook."""
        await asyncio.to_thread(self.console, "seed-demo")
        await self.connect()
        for service in ("messaging", "inbound", "campaign"):  # headers come by event
            await self.until(service, HEADERS_KNOWN)
        account = {"host": "127.0.0.1", "port": self.fleet.port["smpp"], "system_id": SYSTEM_ID, "password": "simulate"}
        settings = self.fleet.layout.home / "bench-peer.json"
        settings.write_text(json.dumps(account | {"window": WINDOW}))
        await asyncio.to_thread(self.console, "carrier", "add", CARRIER, "smpp", str(settings))
        await asyncio.to_thread(self.console, "route", "add", CARRIER, "--position", "1", "--prefix", PREFIX)
        await self.until("messaging", CONNECTED, CARRIER)
        await asyncio.sleep(IN_EFFECT_S)
        said = await asyncio.to_thread(self.console, "subscriber", "create", "bench-peer", "--company", "Demo")
        self.subscriber_url, self.queue = said.split("\n")[0], said.split("\n")[1].split()[1]
        self.text_in = int(await asyncio.to_thread(self.console, "textin", "create", "Demo", HEADER, KEYWORD))

    async def connect(self) -> None:
        """To the databases and, as a client, to the gateway; also after all was killed."""
        for service in WITH_DATABASE:
            self.databases[service] = await asyncpg.connect(self.fleet.dsn(service))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.gateway_port}", timeout=HTTP_LIMIT_S) as http:
            told = {"Username": "demo", "Password": "demo-password"}
            self.token = (await http.post("/api/Security/Login", json=told)).raise_for_status().json()["Token"]

    def disconnect(self) -> None:
        for database in self.databases.values():
            database.terminate()
        self.databases.clear()

    async def until(self, service: str, sql: str, *arguments: object) -> None:
        give_up = time.monotonic() + RUN_LIMIT_S
        while not await self.databases[service].fetchval(sql, *arguments):
            assert time.monotonic() < give_up, f"not within {RUN_LIMIT_S} s: {sql}"
            await asyncio.sleep(LOOK_EVERY_S)

    async def quiet(self) -> None:
        """Nothing is open, nothing waits to be published."""
        await self.until("messaging", NOTHING_OPEN)
        for service in self.databases:
            await self.until(service, OUTBOX_EMPTY)

    async def ask(self, operation: str, **fields: object) -> Any:
        """One operation of the documented surface; its Result."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.gateway_port}", timeout=HTTP_LIMIT_S) as http:
            told = orjson.dumps({"SessionToken": self.token, **fields})
            headers = {"content-type": "application/json", "accept": "application/json"}
            answer = (await http.post(f"/api/{operation}", content=told, headers=headers)).raise_for_status().json()
        assert answer["Status"] == "Success", (operation, answer)
        return answer["Result"]

    async def hook(self) -> None:
        """Texts that begin with KEYWORD are posted to the sink from now on."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.gateway_port}", timeout=HTTP_LIMIT_S) as http:
            actions = {"webhook_url": f"http://127.0.0.1:{self.sink.port}/webhook"}
            bearer = {"authorization": f"Bearer {self.token}"}
            answer = await http.put(f"/v2/text-ins/{self.text_in}/actions", json=actions, headers=bearer)
            assert answer.is_success, answer.text

    def _inherited(self) -> dict[str, str]:
        return native.inherited(self.fleet.layout) | {"PYTHONPATH": str(TREE)}

    # -- killed and started again --------------------------------------------------------------------------------

    def kill(self) -> None:
        """Services, broker and database; the far side lives on."""
        infra = self.fleet.infra
        assert infra.postgres is not None
        assert infra.rabbitmq is not None
        postmaster, node = infra.postgres.pid(), infra.rabbitmq.node()
        assert postmaster is not None
        assert node is not None
        ours = [process.pid for name, process in self.fleet.running.items() if name != "simulator"]
        kill_all([*ours, postmaster, *children(postmaster), node.pid])
        infra.rabbitmq.kill()  # its epmd
        # It is gone, but where the machine's first process reaps nobody its number stays, and PostgreSQL would take that for a server that runs.
        (infra.postgres.data / "postmaster.pid").unlink()

    async def start_again(self) -> None:
        infra = self.fleet.infra
        assert infra.postgres is not None
        assert infra.rabbitmq is not None
        # All at once, as a supervisor does: each service waits for what it needs.
        services = [service for service in STARTED if service != "simulator"]
        starts = (infra.postgres.start, infra.rabbitmq.start, partial(self.start, services))
        await asyncio.gather(*(asyncio.to_thread(start) for start in starts))


class Heliograph(OwnNumbers):
    still_s = 30.0

    def __init__(self, platform: Platform, key: str, far: FarSide) -> None:
        super().__init__(NUMBERS_FROM if key == SMPP else EMBEDDED_FROM)
        self.key, self.far, self._platform = key, far, platform
        self.promises: Mapping[str, str] = PROMISES
        self.port = platform.gateway_port
        self._account = f"smpp:{SYSTEM_ID}" if key == SMPP else "embedded"

    def request(self, numbers: Sequence[int], *, receipts: bool) -> bytes:
        """There is always a receipt."""
        [number] = numbers
        fields = {"SessionToken": self._platform.token, "FromNumber": HEADER, "Message": TEXT}
        body = orjson.dumps(fields | {"ToNumber": f"+{number}"})
        head = "POST /api/Messages/SendInstantMessage HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\naccept: application/json\r\n"
        return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body

    def accepts(self, status: int, body: bytes) -> bool:
        return status == httpx.codes.OK and b'"Success"' in body

    async def receipts_begin(self) -> None:
        self._since = await self._platform.databases["messaging"].fetchval(NOW)

    async def receipts_handled(self, count: int) -> tuple[int, float]:
        await self._platform.until("messaging", NOTHING_OPEN)
        await self._platform.until("messaging", OUTBOX_EMPTY)
        at = time.time()
        return int(await self._platform.databases["messaging"].fetchval(DELIVERED_SINCE, self._since)), at

    async def texts_out(self, numbers: range) -> tuple[int, float]:
        """As an outside system hears them: by AMQP, each event acknowledged."""
        wanted, seen, last_at = set(numbers), set[int](), 0.0
        connection = await aio_pika.connect(self._platform.subscriber_url)
        async with connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=100)
            queue = await channel.get_queue(self._platform.queue, ensure=False)

            async def heard(message: aio_pika.abc.AbstractIncomingMessage) -> None:
                nonlocal last_at
                seen.update(int(item["number"][1:]) for item in orjson.loads(message.body).get("items", ()))
                last_at = time.time()
                await message.ack()

            await queue.consume(heard)
            await self.far.text_in(self._account, HEADER, "Yes please, tomorrow is fine", numbers)
            await until_all(lambda: len(seen & wanted), len(numbers), self.still_s)
        return len(seen & wanted), last_at

    async def webhook_out(self, numbers: range) -> tuple[int, float]:
        await self._platform.hook()
        sink = self._platform.sink
        sink.clear()
        await self.far.text_in(self._account, HEADER, f"{KEYWORD} yes please", numbers)
        came = await until_all(lambda: len(sink.texts), len(numbers), self.still_s)
        return came, sink.last_at

    async def bulk(self, count: int) -> BulkRun:
        """From LaunchCampaign's answer until every recipient is settled. The list is there before."""
        platform, numbers = self._platform, self.numbers(count)
        list_id = await platform.ask("Phonelists/CreateList", Title=f"{self.key} {numbers.start}", Folder=0)
        for start in range(0, count, LIST_ENTRIES_MAX):
            entries = [{"PhoneNumber": f"+{number}"} for number in numbers[start : start + LIST_ENTRIES_MAX]]
            await platform.ask("Phonelists/AddMultipleEntries", ListID=list_id, ListEntries=entries)
        fields = {"Title": f"{self.key} {numbers.start}", "Text": TEXT, "Folder": 0, "Brand": "Demo"}
        campaign_id = await platform.ask("Campaigns/CreateCampaign", **fields, FromNumber=HEADER, Lease=0)
        await platform.ask("Campaigns/LinkCampaignAndPhonelist", CampaignID=campaign_id, ListID=list_id)
        await platform.quiet()
        self.far.forget()
        begun_at = time.time()
        await platform.ask("Campaigns/LaunchCampaign", CampaignID=campaign_id)
        await until_all(self.far.look, count, self.still_s)
        campaigns = platform.databases["campaign"]
        give_up = time.monotonic() + RUN_LIMIT_S
        while await campaigns.fetchval(UNSETTLED, campaign_id) and time.monotonic() < give_up:
            await asyncio.sleep(LOOK_EVERY_S)
        at = time.time()
        return BulkRun(count, begun_at, await campaigns.fetchval(SETTLED, campaign_id), at, with_receipts=True)

    async def quiet(self) -> None:
        await self._platform.quiet()

    def cpu_s(self) -> dict[str, float]:
        return {name: spent for name, spent in self._platform.fleet.cpu_s().items() if name != "simulator"}

    async def kill(self) -> None:
        self._platform.disconnect()
        await asyncio.to_thread(self._platform.kill)

    async def start_again(self) -> None:
        await self._platform.start_again()

    async def after_kill(self, accepted: Sequence[int]) -> Verdict:
        await self._platform.connect()
        await until_all(self.far.look, len(accepted), 2.0)
        await self._platform.quiet()
        messaging, numbers = self._platform.databases["messaging"], [f"+{number}" for number in accepted]
        self.far.look()
        delivered = {int(row["number"][1:]) for row in await messaging.fetch(DELIVERED_OF, numbers)}
        in_doubt = {int(row["number"][1:]) for row in await messaging.fetch(IN_DOUBT_OF, numbers)}
        return Verdict(delivered, in_doubt)


@asynccontextmanager
async def heliograph(sink: Sink, described: dict[str, str]) -> AsyncIterator[list[Heliograph]]:
    """Adds to `described` what machine and servers they are."""
    with step("heliograph: PostgreSQL, RabbitMQ"):
        fleet = await new_fleet()
        described |= machine.describe(fleet.infra)
    platform = Platform(fleet, sink)
    try:
        with step("heliograph: services"):
            await asyncio.to_thread(platform.start, STARTED)
        await platform.prepare()
        simulator = fleet.running["simulator"].pid
        far = FarSide(fleet.submits_log, fleet.port["control"], fleet.port["smpp"], simulator)
        await far.behave()
        yield [Heliograph(platform, SMPP, far), Heliograph(platform, EMBEDDED, far)]
    finally:
        platform.disconnect()
        await asyncio.to_thread(platform.stop_services)
        await asyncio.to_thread(fleet.infra.stop)
        shutil.rmtree(fleet.layout.tree)
