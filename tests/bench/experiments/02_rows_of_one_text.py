"""Experiment 2: what the rows of one text cost PostgreSQL, on a wide ledger and on a narrow table of open texts.

Starts a private durable PostgreSQL, loads old rows and stops, then runs whole campaigns through freeze, hand over, take, claim, settle,
receipt and final, and prints the CPU of every PostgreSQL process a recipient. Owns its folder and port; measures nothing but PostgreSQL.
Run: python -m tests.bench.experiments.02_rows_of_one_text --help. What came of it: docs/decisions/0002-a-narrow-table-of-open-texts.md
"""

import argparse
import asyncio
import json
import random
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from tests.bench.experiments import text_rows as sql
from tests.bench.experiments.private_servers import Server, private_postgres
from tests.bench.experiments.text_rows import NARROW, WIDE, Candidate

BATCH = 500
COMPANIES = 5
WINDOW_TEXTS = 4_000  # of one campaign, waiting in the lanes
FLOOR_AGE_S = 1.0  # how long a claimer trusts its floors before it looks at the whole lane again
MONTH_MS = 30 * 86_400_000
MONTHS = 4  # the old rows fill four monthly partitions evenly, the last one also takes the new rows

# ------------------------------------------------------------------------------------------------------------------ loading


def uuid7_floor(at_ms: int) -> uuid.UUID:
    return uuid.UUID(int=at_ms << 80)


def uuid7s(at_ms: int, first: int, count: int) -> list[uuid.UUID]:
    """Ids of one campaign rise with the position: 42 random bits, then a counter of 32."""
    salt = random.getrandbits(30)
    top = (at_ms << 80) | (7 << 76) | (random.getrandbits(12) << 64) | (2 << 62) | (salt << 32)
    return [uuid.UUID(int=top | (first + n)) for n in range(count)]


def month_start_ms() -> int:
    return int(time.time() * 1000) // MONTH_MS * MONTH_MS


async def create(server: Server, database: str, schema: str) -> None:
    admin = await asyncpg.connect(server.url("postgres"))
    await admin.execute(f"drop database if exists {database} with (force)")
    await admin.execute(f"create database {database}")
    await admin.close()
    connection = await asyncpg.connect(server.url(database))
    await connection.execute(schema)
    await connection.close()


async def load(
    server: Server, candidate: Candidate, database: str, old_rows: int, stops: int, conversation_index: bool
) -> None:
    await create(server, database, candidate.schema + sql.SHARED_SCHEMA)
    db = await asyncpg.connect(server.url(database))
    extra = ", lane" if candidate is WIDE else ""
    for back in reversed(range(MONTHS)):
        start = month_start_ms() - back * MONTH_MS
        share = old_rows // MONTHS
        async with db.transaction():  # made and filled in one transaction: no WAL at level minimal
            await db.execute(f"create table texts_{back} (like texts including defaults including constraints)")
            rows = sql.HISTORY.replace("$start", str(start)).replace("$from", "1").replace("$to", str(share))
            if share:
                rows = rows.replace("substr(h, 1, 16)\n", f"substr(h, 1, 16){', 0' if extra else ''}\n")
                await db.execute(f"insert into texts_{back} ({sql.HISTORY_COLUMNS}{extra}) {rows}")
            await db.execute(f"alter table texts_{back} add primary key (id)")
        low, high = uuid7_floor(start), uuid7_floor(start + MONTH_MS)
        await db.execute(f"alter table texts attach partition texts_{back} for values from ('{low}') to ('{high}')")
    if conversation_index:
        await db.execute("create index texts_number on texts (company_id, number)")
    async with db.transaction():
        await db.execute("truncate suppressions")
        await db.execute(
            "insert into suppressions (company_id, number) select 1 + g % 50, 447800000000 + g from generate_series(1, $1::int) g",
            stops,
        )
    await db.execute("vacuum (freeze, analyze)")
    await db.close()


# ----------------------------------------------------------------------------------------------------------------- the path


@dataclass
class Meter:
    """CPU of each step: what the step's own backend has used."""

    backends: dict[str, int] = field(default_factory=dict)
    start_ns: dict[str, int] = field(default_factory=dict)

    def add(self, step: str, connection: asyncpg.Connection) -> None:
        self.backends[step] = connection.get_server_pid()
        self.start_ns[step] = self._read(step)

    def _read(self, step: str) -> int:
        return int(Path(f"/proc/{self.backends[step]}/schedstat").read_text().split()[0])

    def us(self, step: str) -> float:
        return (self._read(step) - self.start_ns[step]) / 1000


STEPS = ("freeze", "hand over", "relay c", "take", "claim", "settle", "receipt", "relay m", "final")
Connections = dict[str, asyncpg.Connection]


async def until(condition: Callable[[], bool], done: asyncio.Event) -> bool:
    """Waits in the driver, which is not measured. False when the run is over."""
    while not condition():
        if done.is_set():
            return False
        await asyncio.sleep(0.001)
    return True


class Run:
    """One pass of all campaigns through the path. The queues between the steps stand for the broker and the carrier."""

    def __init__(self, candidate: Candidate, connections: Connections, recipients: int, floors: bool) -> None:
        self.candidate, self.db, self.total, self.floors = candidate, connections, recipients, floors
        self.bound: tuple[uuid.UUID, ...] = (uuid7_floor(month_start_ms()),) if candidate.bounded else ()
        base = int(time.time() * 1000)
        self.campaigns = {base + n: 1 + n for n in range(COMPANIES)}
        self.waiting: dict[int, int] = defaultdict(int)
        self.taken: asyncio.Queue[bytes] = asyncio.Queue()
        self.claims: asyncio.Queue[tuple[uuid.UUID, list[uuid.UUID]]] = asyncio.Queue(4)
        self.receipts: asyncio.Queue[list[str]] = asyncio.Queue()
        self.finals: asyncio.Queue[bytes] = asyncio.Queue()
        self.done = asyncio.Event()
        self.ended = 0
        self.stopped = 0

    async def freeze(self) -> None:
        share = self.total // COMPANIES
        for campaign, company in self.campaigns.items():
            # one number in a hundred is one of the company's stops
            stopped = [447800000000 + company - 1 + 50 * n for n in range(1, share // 100 + 1)]
            numbers = stopped + random.sample(range(447700000000, 447799999999), share - len(stopped))
            random.shuffle(numbers)
            await self.db["freeze"].execute(
                "insert into campaigns (id, company_id, targeted) values ($1, $2, $3)", campaign, company, share
            )
            ids = uuid7s(campaign, 0, share)
            for at in range(0, share, 5_000):  # as the list service's pages come
                part = slice(at, min(share, at + 5_000))
                positions = list(range(part.start + 1, part.stop + 1))
                await self.db["freeze"].execute(sql.FREEZE, campaign, positions, numbers[part], ids[part])

    async def hand_over(self) -> None:
        db, checkpoint = self.db["hand over"], dict.fromkeys(self.campaigns, 0)
        while checkpoint:
            for campaign, company in list(self.campaigns.items()):
                if campaign not in checkpoint or self.waiting[campaign] >= WINDOW_TEXTS:
                    await asyncio.sleep(0.001)
                    continue
                async with db.transaction():
                    rows = await db.fetch(sql.NEXT_BATCH, campaign, checkpoint[campaign], BATCH)
                    if not rows:
                        del checkpoint[campaign]
                        continue
                    items = [{"id": str(row[2]), "number": row[1], "position": row[0]} for row in rows]
                    body = {"message": str(uuid.uuid4()), "company": company, "campaign": campaign, "items": items}
                    await db.execute(sql.MOVE_CHECKPOINT, campaign, rows[-1][0])
                    await db.execute(sql.EMIT, f"campaign.texts.handed-over.{company}", orjson.dumps(body))
                checkpoint[campaign] = rows[-1][0]
                self.waiting[campaign] += len(rows)

    async def relay(self, step: str, target: asyncio.Queue[bytes]) -> None:
        db, floor, known_at = self.db[step], 0, time.monotonic()
        while not self.done.is_set():
            if time.monotonic() - known_at > FLOOR_AGE_S or not self.floors:
                floor, known_at = 0, time.monotonic()  # a lower id may have been committed later
            rows = await db.fetch(sql.RELAY_TAKE, floor)
            if rows:
                for row in rows:
                    target.put_nowait(row["body"])
                await db.execute(sql.RELAY_DONE, [row["id"] for row in rows])
                floor = rows[-1]["id"]
            await asyncio.sleep(0.01 if not rows else 0)

    async def take(self) -> None:
        db = self.db["take"]
        while await until(lambda: not self.taken.empty(), self.done):
            event = orjson.loads(self.taken.get_nowait())
            items = event["items"]
            ids = [item["id"] for item in items]
            numbers, positions = [item["number"] for item in items], [item["position"] for item in items]
            async with db.transaction():
                if await db.fetchval(sql.INBOX, "take", event["message"]):
                    arguments = (
                        ids,
                        numbers,
                        positions,
                        event["campaign"],
                        event["company"],
                        1,
                        "82830",
                        *self.bound,
                    )
                    await db.execute(self.candidate.take, *arguments)

    async def claim(self) -> None:
        db, floors, known_at, out = self.db["claim"], dict[int, Any](), 0.0, 0
        while out < self.total:
            if not floors or time.monotonic() - known_at > FLOOR_AGE_S or not self.floors:
                floors = {row[0]: row[1] for row in await db.fetch(self.candidate.lanes, 1, *self.bound)}
                known_at = time.monotonic()
            if not floors:
                await asyncio.sleep(0.005)
                continue
            claim, share = uuid.uuid4(), BATCH // len(floors)
            async with db.transaction():
                rows = await db.fetch(
                    self.candidate.claim, list(floors), list(floors.values()), 1, share, claim, *self.bound
                )
                stopped = [row for row in rows if row["stopped"]]
                await self.emit_finals(
                    db, [(row["company_id"], row["campaign_id"], row["position"], "suppressed") for row in stopped]
                )
            highest: dict[int, Any] = {}
            for row in rows:
                self.waiting[row["campaign_id"]] -= 1
                highest[row["company_id"]] = max(
                    highest.get(row["company_id"], row["next_attempt_at"]), row["next_attempt_at"]
                )
            floors = highest  # who gave nothing is looked for again when the floors are refreshed
            out += len(rows)
            self.stopped += len(stopped)
            ids = [row["id"] for row in rows if not row["stopped"]]
            if ids:
                await self.claims.put((claim, ids))

    async def emit_finals(self, db: asyncpg.Connection, finals: list[tuple[int, int, int, str]]) -> None:
        by_campaign: dict[tuple[int, int], list[tuple[int, str]]] = defaultdict(list)
        for company, campaign, position, state in finals:
            by_campaign[company, campaign].append((position, state))
        for (company, campaign), items in by_campaign.items():
            body = {"message": str(uuid.uuid4()), "campaign": campaign, "items": items}
            await db.execute(sql.EMIT, f"messaging.texts.settled.{company}", orjson.dumps(body))

    async def settle(self) -> None:
        while await until(lambda: not self.claims.empty(), self.done):
            claim, ids = self.claims.get_nowait()
            references = [f"{random.getrandbits(64):016x}" for _ in ids]
            settled = await self.db["settle"].fetch(self.candidate.settle, ids, references, claim, 1, *self.bound)
            assert len(settled) == len(ids), "a claimed text was not settled"
            self.receipts.put_nowait(references)

    async def receive(self) -> None:
        db, late, received = self.db["receipt"], list[str](), 0
        while await until(lambda: not self.receipts.empty(), self.done):
            late += self.receipts.get_nowait()
            random.shuffle(late)
            # a receipt comes some time after its text, mixed with others: some claims are kept behind until the last is in
            while len(late) >= 8 * BATCH or (late and received + len(late) + self.stopped == self.total):
                batch, late = late[:BATCH], late[BATCH:]
                by_state = {"failed": batch[::20], "delivered": [one for n, one in enumerate(batch) if n % 20]}
                finals: list[tuple[int, int, int, str]] = []
                async with db.transaction():
                    await db.execute(sql.RAW, 1, orjson.dumps(by_state))
                    for state, references in by_state.items():
                        rows = await db.fetch(self.candidate.receive, 1, references, state)
                        assert len(rows) == len(references), "a receipt found no text"
                        finals += [(*row, state) for row in rows]
                    await self.emit_finals(db, finals)
                received += len(batch)

    async def final(self) -> None:
        db = self.db["final"]
        while self.ended < self.total:
            event = orjson.loads(await self.finals.get())
            by_state: dict[str, list[int]] = defaultdict(list)
            for position, state in event["items"]:
                by_state[state].append(position)
            async with db.transaction():
                if await db.fetchval(sql.INBOX, "final", event["message"]):
                    for state, positions in by_state.items():
                        tag = await db.execute(sql.FINAL, event["campaign"], positions, state)
                        self.ended += int(tag.split()[1])
        self.done.set()

    async def through(self) -> None:
        steps: list[Awaitable[None]] = [
            self.hand_over(),
            self.take(),
            self.claim(),
            self.settle(),
            self.receive(),
            self.final(),
        ]
        steps += [self.relay("relay c", self.taken), self.relay("relay m", self.finals)]
        await asyncio.wait_for(asyncio.gather(*steps), 600)


@asynccontextmanager
async def connected(
    server: Server, messaging: str, campaign: str, planner: dict[str, str]
) -> AsyncIterator[Connections]:
    at_campaign = {"freeze", "hand over", "relay c", "final"}
    url = {step: server.url(campaign if step in at_campaign else messaging) for step in STEPS}
    opened = {step: await asyncpg.connect(url[step], server_settings=planner) for step in STEPS}
    try:
        yield opened
    finally:
        for connection in opened.values():
            await connection.close()


async def measure(
    server: Server, candidate: Candidate, messaging: str, arguments: argparse.Namespace, held: bool
) -> dict[str, Any]:
    """One run. With `held`, a snapshot is open on both databases from a minute of traffic before it until its end."""
    planner = {} if arguments.planner_free else sql.HOT_PATH
    async with connected(server, messaging, "campaign", planner) as connections:
        holders = [await asyncpg.connect(server.url(name)) for name in (messaging, "campaign")] if held else []
        await connections["freeze"].execute("checkpoint")
        for holder in holders:
            await holder.execute("begin isolation level repeatable read")
            await holder.fetchval("select count(*) from outbox")
        until_s = time.monotonic() + (arguments.hold_s if held else 0)
        while True:
            meter = Meter()
            for step, connection in connections.items():
                meter.add(step, connection)
            run = Run(candidate, connections, arguments.recipients, not arguments.no_floors)
            cpu, begun = server.cpu_s(), time.monotonic()
            await run.freeze()
            frozen = time.monotonic()
            await run.through()
            ended = time.monotonic()
            if ended >= until_s:
                break
        path = server.cpu_s() - cpu
        steps = {step: round(meter.us(step) / run.total, 1) for step in STEPS}
        for holder in holders:
            await holder.close()
        for table in ("outbox", candidate.hot_table if candidate is NARROW else "texts_0"):
            await connections["claim"].execute(f"vacuum {table}")
        await connections["freeze"].execute("checkpoint")
        after = server.cpu_s() - cpu - path
    per = 1e6 / run.total
    return {
        "us": round((path + after) * per, 1),
        "path": round(path * per, 1),
        "steps": steps,
        "behind": round(path * per - sum(steps.values()), 1),
        "after": round(after * per, 1),
        "per_s": round(run.total / (ended - frozen)),
        "freeze_per_s": round(run.total / (frozen - begun)),
        "stopped": run.stopped,
    }


async def sizes(server: Server, database: str) -> dict[str, int]:
    db = await asyncpg.connect(server.url(database))
    rows = await db.fetch(
        "select relname, pg_relation_size(oid) / 1048576 as mb from pg_class where relkind in ('r', 'i') and relname like any($1)",
        ["open_texts%", "texts_0%", "suppressions%", "texts_number%"],
    )
    await db.close()
    return {row["relname"]: row["mb"] for row in rows if row["mb"]}


async def experiment(server: Server, arguments: argparse.Namespace) -> None:
    admin = await asyncpg.connect(server.url("postgres"))
    have = {row[0] for row in await admin.fetch("select datname from pg_database")}
    await admin.close()
    jobs = []
    for candidate in (NARROW, WIDE):
        if candidate.name not in arguments.candidates:
            continue
        for label, rows, stops in (("bare", 0, 0), ("old", arguments.old_rows, arguments.stops)):
            if label in arguments.histories:
                jobs.append((candidate, f"{candidate.name}_{label}"))
                if jobs[-1][1] not in have:
                    begun = time.monotonic()
                    await load(server, candidate, jobs[-1][1], rows, stops, arguments.conversation_index)
                    print(f"loaded {jobs[-1][1]}: {rows:,} rows in {time.monotonic() - begun:.0f} s", flush=True)
    await create(server, "campaign", sql.CAMPAIGN_SCHEMA)
    server.stop()
    server.start("replica")
    for candidate, database in jobs:
        for held in (False, True):
            if held and arguments.hold_s == 0:
                continue
            for _ in range(arguments.runs):
                result = await measure(server, candidate, database, arguments, held)
                print(json.dumps({"case": f"{database}{' held' if held else ''}", **result}), flush=True)
        print(json.dumps({"case": database, "mb": await sizes(server, database)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--old-rows", type=int, default=20_000_000)
    parser.add_argument("--stops", type=int, default=5_000_000)
    parser.add_argument("--hold-s", type=int, default=60, help="how long a snapshot is held; 0 leaves those runs out")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--candidates", nargs="+", default=["narrow", "wide"])
    parser.add_argument("--histories", nargs="+", default=["bare", "old"])
    parser.add_argument("--no-floors", action="store_true", help="every claim starts at the oldest entry of the lane")
    parser.add_argument("--planner-free", action="store_true", help="leave the plans of the hot path to the statistics")
    parser.add_argument(
        "--conversation-index", action="store_true", help="an index of the ledger by company and number"
    )
    parser.add_argument("--data", type=Path, help="keep the loaded rows in this folder and use them again")
    arguments = parser.parse_args()
    with private_postgres(arguments.data) as server:
        asyncio.run(experiment(server, arguments))


if __name__ == "__main__":
    main()
