"""What is left of a run: waits until all is quiet, then reads the databases, the broker, the network's log and the settled events into a History.

Reads as PostgreSQL's superuser and the broker's admin: nothing is asked of the services but what they say of their own books.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import asyncpg
import httpx

from deploy.native.environment import WITH_DATABASE
from libs.common.contracts.campaign import ReadCampaignBooks
from libs.common.contracts.inbound import ReadInboundBooks
from libs.common.contracts.messaging import ReadMessagingBooks
from libs.common.contracts.phonelist import ReadPhonelistBooks
from tests.faults.fleet import Fleet
from tests.faults.history import Campaign, Fault, History, Received, Recipient, Settled, Stop, Submit, Text
from tests.faults.load import Load
from tests.harness import client
from tests.infra import PASSWORD, Infra

RECORDER = "faults.settled"  # a queue that keeps every settled event of the run
QUIET_LIMIT_S = 180.0
QUIET_FOR_S = 5.0  # the broker's own counts are up to two seconds old

LED = "SELECT EXISTS (SELECT FROM relay JOIN pg_stat_activity ON pid = holder) AS led"
OPEN = "SELECT count(*) FROM open_texts WHERE state <> 'in_doubt'"
UNFINISHED = "SELECT count(*) FROM campaigns WHERE state NOT IN ('draft', 'finished')"
TEXTS = """
SELECT id::text, company_id, lane, state, number, sender, body, campaign_id, position, version FROM open_texts
UNION ALL
SELECT id::text, company_id, lane, state, number, sender, body, campaign_id, position, version FROM texts
"""
CAMPAIGNS = "SELECT id, company_id, state, targeted, checkpoint FROM campaigns"
RECIPIENTS = (
    "SELECT campaign_id, position, '+' || number AS number, text_id::text, state::text, version FROM recipients"
)
RECEIVED = "SELECT id::text, company_id, number, header, body FROM texts"
CONVERSED = "SELECT id::text FROM inbound_texts"
# Both are written once, at the first STOP; when that was committed is what track_commit_timestamp keeps.
STOPS = """
SELECT company_id, number, wish = 'stop' AS stopped, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS committed_at
FROM contact_changes
"""
SUPPRESSIONS = """
SELECT company_id, number, active AS stopped, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS committed_at FROM suppressions
    WHERE cause = 'stop' AND scope = ''
"""


@asynccontextmanager
async def _database(infra: Infra, name: str) -> AsyncIterator[asyncpg.Connection]:
    dsn = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{infra.postgres_port}/{name}"
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        yield connection
    finally:
        await connection.close()


async def _rows(infra: Infra, database: str, sql: str) -> list[dict[str, Any]]:
    async with _database(infra, database) as connection:
        return [dict(row) for row in await connection.fetch(sql)]


async def relays_led(infra: Infra) -> bool:
    """Whether each service's relay is led by a process that lives."""
    return all([(await _rows(infra, name, LED))[0]["led"] for name in WITH_DATABASE])


async def record_settled(infra: Infra) -> None:
    """From now on every settled event is kept, through broker restarts too."""
    connection = await aio_pika.connect(infra.broker_url("admin"))
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(RECORDER, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind("heliograph.events", "messaging.*.settled.*")


async def _recorded(infra: Infra) -> list[Settled]:
    settled = []
    connection = await aio_pika.connect(infra.broker_url("admin"))
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(RECORDER, passive=True)
        while (message := await queue.get(no_ack=True, fail=False)) is not None:
            event = json.loads(message.body)
            for item in event["items"]:
                settled.append(
                    Settled(message.message_id or "", item["id"], event["company_id"], item["state"], item["version"])
                )
    return settled


async def waiting(fleet: Fleet) -> dict[str, int]:
    """Everything that is still to be done, by where it waits."""
    infra = fleet.infra
    left: dict[str, int] = {}
    for name in WITH_DATABASE:
        async with _database(infra, name) as connection:
            left[f"outbox of {name}"] = await connection.fetchval("SELECT count(*) FROM outbox")
            if name == "messaging":
                left["open texts"] = await connection.fetchval(OPEN)
                left["claims"] = await connection.fetchval("SELECT count(*) FROM claims")
            if name == "campaign":
                left["campaigns under way"] = await connection.fetchval(UNFINISHED)
    stats = await fleet.stats()
    left["receipts at the network"] = stats["receipts_pending"]
    left["texts at the network"] = stats["texts_pending"]
    async with httpx.AsyncClient(timeout=10) as http:
        queues = (await http.get(f"{infra.management_url}/api/queues/heliograph")).raise_for_status().json()
    for queue in queues:
        if queue["name"] != RECORDER and (count := queue.get("messages", 0)):
            left[f"queue {queue['name']}"] = count
    return left


async def drain(fleet: Fleet) -> tuple[dict[str, int], float]:
    """Waits until nothing is left, for QUIET_FOR_S; what is left after QUIET_LIMIT_S, and how long it took."""
    began = quiet_since = time.monotonic()
    left: dict[str, int] = {"nothing was looked at": 1}
    while time.monotonic() - began < QUIET_LIMIT_S:
        left = await waiting(fleet)
        # A dead letter stays: there is nothing to wait for.
        if any(count for what, count in left.items() if what != "queue dead"):
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > QUIET_FOR_S:
            break
        await asyncio.sleep(0.5)
    return left, quiet_since - began


async def history_of(fleet: Fleet, load: Load, left: dict[str, int]) -> History:
    infra = fleet.infra
    return History(
        texts_offered=load.texts,
        campaigns_offered=load.campaigns,
        inbound_offered=load.inbound,
        submits=_submits(fleet),
        texts=[Text(**row) for row in await _rows(infra, "messaging", TEXTS)],
        campaigns=[Campaign(**row) for row in await _rows(infra, "campaign", CAMPAIGNS)],
        recipients=[Recipient(**row) for row in await _rows(infra, "campaign", RECIPIENTS)],
        received=[Received(**row) for row in await _rows(infra, "inbound", RECEIVED)],
        conversed=[row["id"] for row in await _rows(infra, "messaging", CONVERSED)],
        stops=[Stop(**row) for row in await _rows(infra, "inbound", STOPS)],
        suppressions=[Stop(**row) for row in await _rows(infra, "messaging", SUPPRESSIONS)],
        settled=await _recorded(infra),
        faults=[*fleet.faults, *_never_died(fleet), *await fleet.ordered()],
        waiting=left,
        books=await _books(infra, [offer.campaign_id for offer in load.campaigns]),
        surprises=fleet.surprises,
    )


def _never_died(fleet: Fleet) -> list[Fault]:
    return [
        Fault(f"{name}: {death}", None)
        for name, life in fleet.lives.items()
        for death in ([life.armed] if life.armed else []) + life.deaths
    ]


def _submits(fleet: Fleet) -> list[Submit]:
    journal = fleet.simulator_log.with_name(fleet.simulator_log.name + ".journal")
    acked = {n for line in journal.read_text().splitlines() for n in json.loads(line).get("receipts_acked", ())}
    return [
        Submit(
            each["n"],
            each["at"],
            each["own_ref"],
            each["from"],
            each["to"],
            each["text"],
            each["outcome"],
            each["receipt"],
            each["n"] in acked,
        )
        for each in map(json.loads, fleet.simulator_log.read_text().splitlines())
    ]


async def _books(infra: Infra, campaigns: list[int]) -> list[str]:
    """What the services say of their own books."""
    async with client(infra, "console") as console:
        return [
            *(await console.ask(ReadMessagingBooks(campaigns=campaigns))).faults,
            *(await console.ask(ReadCampaignBooks())).faults,
            *(await console.ask(ReadInboundBooks())).faults,
            *(await console.ask(ReadPhonelistBooks())).faults,
        ]
