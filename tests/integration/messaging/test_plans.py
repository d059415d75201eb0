"""Flat growth: what the hot path reads of the tables does not grow with history. Each statement's plan, as the services' connections make it, without
old rows and with them: no table that grows is walked through, and as many pages are touched."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

import asyncpg
import pytest

from libs.common.clock import now
from libs.common.contracts.messaging import State
from libs.common.db import migrator
from libs.common.db.pool import PLANNER
from libs.common.ids import uuid7
from services.messaging.ledger import closing
from services.messaging.receipts import store as receipts
from services.messaging.sending.rules import Lane
from services.messaging.submitting import store as submitting
from services.messaging.submitting.floors import BEGINNING
from services.messaging.suppressions import store as suppressions
from services.messaging.usage import store as usage
from services.messaging.usage.rules import month_of
from tests.infra import Infra

OLD_TEXTS, STOPS, OLD_PARTS = 300_000, 50_000, 50_000
BATCH = 100
COMPANY, CAMPAIGN = 17, 5
DEEPER = 2  # levels by which the indexes may have grown, of which each row looked up reads a page more
GROWING = (
    "texts",
    "suppressions",
    "open_texts",
    "sent_parts",
    "claims",
    "usage_months",
    "raw_receipts",
    "inbound_texts",
)

OLD = """
INSERT INTO texts (id, company_id, lane, test, state, number, sender, campaign_id, position, attempts, version, settled_at, reason, taken)
SELECT (left(uuid7_floor(now() - interval '20 days' + n * interval '1 second')::text, 15) || right(gen_random_uuid()::text, 21))::uuid,
    17 + n % 50, 2, false, 'delivered', '+4474' || lpad(n::text, 8, '0'), '82830', 1 + n % 40, n, 1, 3, now(), '', 1
FROM generate_series(1, $1) AS n
"""
STOPPED = """
INSERT INTO suppressions (number, company_id, cause, scope, active, sequence, at)
SELECT '+4475' || lpad(n::text, 8, '0'), 17 + n % 50, 'stop', '', true, 1, now() FROM generate_series(1, $1) AS n
"""
PARTS = """
INSERT INTO sent_parts (carrier, reference, text_id, part, parts, concat, sender, state)
SELECT 2, 'old' || n, gen_random_uuid(), 1, 1, 0, '82830', 'delivered' FROM generate_series(1, $1) AS n
"""
WAITING = """
INSERT INTO open_texts (id, company_id, lane, number, sender, campaign_id, position, next_attempt_at)
SELECT (left(uuid7_floor(now())::text, 15) || right(gen_random_uuid()::text, 21))::uuid, $2, 2, '+4475' || lpad(n::text, 8, '0'), '82830', $3, n,
    now() - interval '1 minute'
FROM generate_series(1, $1) AS n RETURNING id
"""


@pytest.fixture
async def database(infra: Infra) -> AsyncIterator[asyncpg.Connection]:
    """As the services' own connections are."""
    dsn = infra.create_database("messaging")
    await migrator.migrate(dsn, "messaging")
    connection = await asyncpg.connect(dsn, server_settings=PLANNER)
    try:
        yield connection
    finally:
        await connection.close()
        infra.drop_database(dsn)


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, list | tuple):
        inside = (literal(each).strip("'") for each in value)
        return "'{" + ",".join(f'"{each}"' if each != "NULL" else each for each in inside) + "}'"
    return str(value) if isinstance(value, int | float) else f"'{value}'"


async def plan(database: asyncpg.Connection, sql: str, *arguments: Any) -> Any:
    """Prepared, so that it is the generic plan; nothing of it stays."""
    await database.execute(f"PREPARE under_test AS {sql}")
    try:
        given = f"({', '.join(map(literal, arguments))})" if arguments else ""
        told = await database.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE under_test{given}")
    finally:
        await database.execute("DEALLOCATE under_test")
    return json.loads(told)[0]["Plan"]


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def walked(plan: Any) -> list[str]:
    """Tables that grow and are read from end to end."""
    return [
        n["Relation Name"]
        for n in nodes(plan)
        if n["Node Type"] == "Seq Scan" and n["Relation Name"].startswith(GROWING)
    ]


def pages(plan: Any) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def rows_read(plan: Any) -> int:
    """By what looks into tables, those that a filter took away too."""
    scans = [n for n in nodes(plan) if n["Node Type"].endswith("Scan") and "Relation Name" in n]
    return sum(n["Actual Loops"] * (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) for n in scans)


@asynccontextmanager
async def undone(database: asyncpg.Connection) -> AsyncIterator[None]:
    transaction = database.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def measured(database: asyncpg.Connection) -> dict[str, Any]:
    """The plan of each statement of the hot path, for a campaign's batch on its way from the queue to its end."""
    plans: dict[str, Any] = {}

    async def run(name: str, sql: str, *arguments: Any) -> None:
        plans[name] = await plan(database, sql, *arguments)

    async with undone(database):
        ids = [row["id"] for row in await database.fetch(WAITING, BATCH, COMPANY, CAMPAIGN)]
        ids.sort()
        claim, at = uuid7(), now()
        numbers = [f"+4475{n:08d}" for n in range(1, BATCH + 1)]
        await run("waiting", submitting.WAITING, Lane.BULK, 1)
        await run("claim", submitting.CLAIM, Lane.BULK, [BATCH], claim, [COMPANY], [BEGINNING], 1)
        await run("keep claim", submitting.KEEP_CLAIM, claim, "worker", "embedded", 20, ids, [1] * BATCH)
        await run("charge", usage.ENTER, month_of(at), [COMPANY], ["82830"], [""], [CAMPAIGN], [BATCH], [BATCH], [0])
        await run("stops before the write", submitting.STOPS_OF, ids)
        await run("drop claim", submitting.DROP_CLAIM, claim)
        await run("submitted", submitting.SUBMITTED, claim, "embedded", ids[:70], [str(n) for n in range(70)], [1] * 70)
        await run("again", submitting.AGAIN, claim, ids[70:80], [at] * 10, ["busy"] * 10, [0] * 10)
        await run("in doubt", submitting.IN_DOUBT, claim, "embedded", ids[80:], ["lost"] * 20, [1] * 20)
        await run(
            "keep parts",
            receipts.KEEP_PARTS,
            2,
            [f"new{n}" for n in range(70)],
            ids[:70],
            [1] * 70,
            [1] * 70,
            [0] * 70,
            ["82830"] * 70,
            None,
        )
        await run("known parts", receipts.KNOWN_PARTS, 2, [f"new{n}" for n in range(70)])
        await run("end parts", receipts.END_PARTS, 2, [f"new{n}" for n in range(70)], [State.DELIVERED] * 70)
        await run("close", closing.CLOSE, ids, State.DELIVERED, "", closing.BEFORE[State.DELIVERED])
        await run("stops of numbers", suppressions.STOPS_OF, [COMPANY] * BATCH, numbers)
        columns = (numbers, ["stop"] * BATCH, [""] * BATCH, [2] * BATCH, [at] * BATCH)
        await run("stop", suppressions.APPLY, COMPANY, True, *columns)
        await run("sum up", usage.SUM_UP, 5_000)
    return plans


async def test_nothing_of_the_hot_path_reads_more_as_history_grows(database: asyncpg.Connection) -> None:
    before = await measured(database)
    await database.execute("SELECT make_partition(now() - interval '1 month')")
    await database.execute(OLD, OLD_TEXTS)
    await database.execute(STOPPED, STOPS)
    await database.execute(PARTS, OLD_PARTS)
    await database.execute("VACUUM ANALYZE")
    after = await measured(database)

    for name, plan in after.items():
        assert walked(plan) == [], name
        stops = (
            BATCH if name in ("claim", "stops before the write", "stops of numbers", "stop") else 0
        )  # one in 50 companies is this one's
        assert rows_read(plan) <= rows_read(before[name]) + stops, name
        assert pages(plan) <= pages(before[name]) + DEEPER * 2 * BATCH + 20, (name, pages(before[name]), pages(plan))
