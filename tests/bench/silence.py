"""STOP to silence: how long after a person's STOP a text of a running campaign still reaches the handset. Two copies of each service, two carriers.

`python -m tests.bench.silence [recipients] [handsets]`. Measured from the network's own log alone; beside it the bound of the design, from what the
databases know. Owns its servers and processes; ends with 1 where the bar is missed. See docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import uvloop

from deploy.native.environment import WITH_DATABASE
from libs.common.contracts.auth import SEND, CreateUser
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.routing import AddCarrier, AddRoute, NewRoute
from libs.common.contracts.senders import AddHeader
from libs.common.db import migrator
from libs.common.ids import uuid7_time
from tests.bench.machine import quantile
from tests.faults.fleet import Fleet
from tests.faults.load import PASSWORD as USERS_PASSWORD
from tests.faults.load import SUCCESS, Client
from tests.faults.plan import COMPANIES
from tests.harness import client
from tests.infra import PASSWORD, Infra, start_infra

BAR_S = 2.0  # published: no text later than this after the network had the STOP
RECIPIENTS, HANDSETS = 100_000, 500
NUMBERS_FROM = 447_400_000_000
BODY = "Everything half price until Sunday. Reply STOP to stop"
NEAR_S, NEAR_SHARE = (
    1.0,
    0.7,
)  # so many of the handsets text STOP within this time of their turn; the others at any time before it
STOPS_UNTIL = 0.97  # of the campaign
ENTRIES_MAX = 25_000  # a request
LIMIT_S = 240.0
LOOK_EVERY_S = 0.02
COMPANY = COMPANIES[0]

# Every claim that went to a carrier, with what it held: claims go when they are settled.
KEEP_CLAIMS = """
CREATE TABLE kept_claims (id uuid PRIMARY KEY, texts uuid[] NOT NULL);
CREATE FUNCTION keep_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN INSERT INTO kept_claims VALUES (NEW.id, NEW.texts); RETURN NEW; END $$;
CREATE TRIGGER keep_claim AFTER INSERT ON claims FOR EACH ROW EXECUTE FUNCTION keep_claim();
"""
COMMITTED = "extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS committed_at"  # each row is written once
HEARD = f"SELECT number, {COMMITTED} FROM contact_changes WHERE wish = 'stop'"
SUPPRESSED = f"SELECT number, {COMMITTED} FROM suppressions WHERE cause = 'stop' AND active"
TEXTS = """
SELECT id, number, state, carrier, extract(epoch FROM claimed_at)::float8 AS claimed_at, extract(epoch FROM submitted_at)::float8 AS submitted_at
FROM texts WHERE campaign_id = $1
"""
OPEN = "SELECT NOT EXISTS (SELECT FROM recipients WHERE campaign_id = $1 AND state IS NULL)"
HEADERS_KNOWN = "SELECT EXISTS (SELECT FROM headers)"
CONNECTED = "SELECT count(*) = 2 FROM binds WHERE connected"


class Network:
    """What its log has: the campaign's texts by number, and the STOPs as it took them."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self.texts: dict[str, float] = {}  # number -> when

    def look(self) -> int:
        """How many handsets have the campaign's text."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            lines = log.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            entry = orjson.loads(line)
            if entry["text"] == BODY and entry["outcome"] == "taken":
                assert entry["to"] not in self.texts, "a handset has the campaign's text twice"
                self.texts[entry["to"]] = entry["at"]
        return len(self.texts)

    def stops(self) -> dict[str, float]:
        journal = self._log.with_name(f"{self._log.name}.journal")
        texts = [text for line in journal.read_bytes().splitlines() for text in orjson.loads(line).get("texts", ())]
        return {sender: at for _, sender, _, _, at, _ in texts}


# ------------------------------------------------------------------------------------------------------------- the load


async def campaign_with_stops(
    fleet: Fleet, databases: Mapping[str, asyncpg.Connection], numbers: Sequence[str], handsets: int
) -> tuple[int, Network]:
    marketer = Client(fleet, COMPANY, 0)
    network = Network(fleet.simulator_log)
    try:
        campaign_id = await _drafted(marketer, numbers)
        await marketer.until("Campaigns/LaunchCampaign", frozenset({SUCCESS}), CampaignID=campaign_id)
        await _text_stop(fleet, network, numbers, handsets)
        await until(databases["campaign"], OPEN, campaign_id)
        network.look()
    finally:
        await marketer.close()
    return campaign_id, network


async def _drafted(marketer: Client, numbers: Sequence[str]) -> int:
    async def done(operation: str, **fields: Any) -> Any:
        return await marketer.until(operation, frozenset({SUCCESS}), **fields)

    list_id = await done("Phonelists/CreateList", Title="Everyone", Folder=0)
    for start in range(0, len(numbers), ENTRIES_MAX):
        entries = [{"PhoneNumber": number} for number in numbers[start : start + ENTRIES_MAX]]
        await done("Phonelists/AddMultipleEntries", ListID=list_id, ListEntries=entries)
    fields = {"Title": "Sale", "Text": BODY, "Folder": 0, "Brand": "", "FromNumber": COMPANY.header, "Lease": 0}
    campaign_id: int = await done("Campaigns/CreateCampaign", **fields)
    await done("Campaigns/LinkCampaignAndPhonelist", CampaignID=campaign_id, ListID=list_id)
    return campaign_id


async def _text_stop(fleet: Fleet, network: Network, numbers: Sequence[str], handsets: int) -> None:
    """At random moments of the campaign, each from a handset that does not have its text yet."""
    moments = sorted(random.uniform(0, STOPS_UNTIL * len(numbers)) for _ in range(handsets))
    waiting = Waiting(numbers, network)
    rate, give_up = Rate(), time.monotonic() + LIMIT_S
    async with httpx.AsyncClient(timeout=30) as http, asyncio.TaskGroup() as texting:
        while moments:
            assert time.monotonic() < give_up, "the campaign does not get on"
            await asyncio.sleep(LOOK_EVERY_S)
            seen = network.look()
            rate.saw(seen)
            while moments and seen >= moments[0]:
                moments.pop(0)
                near = random.random() < NEAR_SHARE
                number = waiting.some(within=int(rate.per_s * NEAR_S) + 1 if near else len(numbers))
                if number is not None:
                    texting.create_task(_say_stop(fleet, http, number))


class Waiting:
    """The handsets that have neither the campaign's text nor texted STOP, in the campaign's order. Looks at few of them: the driver is to stay small."""

    def __init__(self, numbers: Sequence[str], network: Network) -> None:
        self._numbers = numbers
        self._network = network
        self._chosen: set[str] = set()
        self._first = 0  # before it, all have their text

    def some(self, within: int) -> str | None:
        """One of the next `within`; None where they are hard to find."""
        while self._first < len(self._numbers) and self._gone(self._numbers[self._first]):
            self._first += 1
        for _ in range(100):
            number = self._numbers[min(len(self._numbers) - 1, self._first + random.randrange(within))]
            if not self._gone(number):
                self._chosen.add(number)
                return number
        return None

    def _gone(self, number: str) -> bool:
        return number in self._network.texts or number in self._chosen


async def _say_stop(fleet: Fleet, http: httpx.AsyncClient, number: str) -> None:
    url = f"{fleet.url('control')}/handsets/{number}/messages"
    (await http.post(url, json={"to": COMPANY.header, "text": "STOP"})).raise_for_status()


class Rate:
    """Of the last second."""

    def __init__(self) -> None:
        self._seen = [(time.monotonic(), 0)]

    def saw(self, count: int) -> None:
        at = time.monotonic()
        self._seen = [*(one for one in self._seen if one[0] > at - 1.0), (at, count)]

    @property
    def per_s(self) -> float:
        (first_at, first), (last_at, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_at - first_at) if last_at > first_at else 0.0


# -------------------------------------------------------------------------------------------------------- what came of it


@dataclass(frozen=True)
class Outcome:
    """Times in seconds. `by_network`: from the STOP, as the network took it, to the text that still came; from its log alone."""

    recipients: int
    stopped: int
    by_network: Sequence[float]
    to_inbound: Sequence[float]  # from the network's taking the STOP to inbound's commit
    to_messaging: Sequence[float]  # from there to messaging's commit
    after_commit: Sequence[float]  # from there to the text that still came
    drains: Sequence[float]  # from a claim to the answer to its text
    suppressed_by_claim: int
    dropped_before_write: int
    claimed_though_stopped: int
    unheard: int
    carriers: Mapping[str, int]

    @property
    def bound_s(self) -> float:
        return max(self.to_messaging) + max(self.drains)

    def faults(self) -> list[str]:
        said = [
            (self.unheard, f"{self.unheard} STOPs did not get to messaging"),
            (self.claimed_though_stopped, f"{self.claimed_though_stopped} texts were claimed by a statement that could see the STOP"),
            (max(self.by_network, default=0) > BAR_S, f"a text came later than {BAR_S} s after the STOP"),
            (max(self.after_commit, default=0) > max(self.drains), "a text came later than one claim's drain after the STOP was known"),
        ]  # fmt: skip
        return [words for wrong, words in said if wrong]

    def lines(self) -> list[str]:
        still, all_ = self.by_network, [0.0] * (self.stopped - len(self.by_network)) + list(self.by_network)
        return [
            f"campaign of {self.recipients:,}, two copies of each service, "
            + ", ".join(f"{count:,} by {name}" for name, count in sorted(self.carriers.items())),
            f"handsets that texted STOP before their text came: {self.stopped}; to {len(still)} of them it still came",
            f"STOP to the last text, of all:                 {_shown(all_)}",
            f"  of those to whom one still came:             {_shown(still)}",
            f"  network has the STOP -> inbound's commit:    {_shown(self.to_inbound)}",
            f"  inbound's commit -> messaging's commit:      {_shown(self.to_messaging)}",
            f"  messaging's commit -> the last text:         {_shown(self.after_commit)}",
            f"  one claim's drain, of the campaign's texts:  {_shown(self.drains)}",
            f"bound (commit to commit, and one claim's drain): {self.bound_s * 1000:,.0f} ms; bar, from the handset: {BAR_S * 1000:,.0f} ms",
            f"suppressed by the claim: {self.suppressed_by_claim}; claimed before, dropped just before the write: {self.dropped_before_write}; "
            f"claimed by a statement that could see the STOP: {self.claimed_though_stopped}",
        ]


def _shown(times_s: Sequence[float]) -> str:
    if not times_s:
        return "none"
    ms = [each * 1000 for each in times_s]
    return f"p50 {quantile(ms, 50):7,.1f} ms, p99 {quantile(ms, 99):7,.1f} ms, max {max(ms):7,.1f} ms"


async def outcome(databases: Mapping[str, asyncpg.Connection], campaign_id: int, network: Network) -> Outcome:
    stops, came = network.stops(), network.texts
    # A handset whose text was on its way when it was chosen had it before its STOP.
    stopped = {number: at for number, at in stops.items() if came.get(number, at + 1) > at}
    heard = {row["number"]: row["committed_at"] for row in await databases["inbound"].fetch(HEARD)}
    known = {row["number"]: row["committed_at"] for row in await databases["messaging"].fetch(SUPPRESSED)}
    texts = {row["id"]: row for row in await databases["messaging"].fetch(TEXTS, campaign_id)}
    claims = await databases["messaging"].fetch("SELECT id, texts FROM kept_claims")
    held = [
        (uuid7_time(claim["id"]).timestamp(), texts[id_]) for claim in claims for id_ in claim["texts"] if id_ in texts
    ]
    carriers: dict[str, int] = {}
    for row in texts.values():
        if row["submitted_at"] is not None:
            carriers[row["carrier"]] = carriers.get(row["carrier"], 0) + 1
    suppressed = {row["id"] for row in texts.values() if row["state"] == "suppressed"}
    dropped = suppressed & {row["id"] for _, row in held}
    return Outcome(
        recipients=len(texts),
        stopped=len(stopped),
        by_network=[came[number] - at for number, at in stopped.items() if number in came],
        to_inbound=[heard[number] - at for number, at in stops.items() if number in heard],
        to_messaging=[known[number] - at for number, at in heard.items() if number in known],
        after_commit=[came[number] - known[number] for number in stopped if number in known and came.get(number, 0) > known[number]],
        drains=[row["submitted_at"] - row["claimed_at"] for row in texts.values() if row["submitted_at"] is not None],
        suppressed_by_claim=len(suppressed - dropped),
        dropped_before_write=len(dropped),
        # A claim's id is made before its statement begins: one made after the commit belongs to a statement that could see it.
        claimed_though_stopped=sum(began > known.get(row["number"], began) for began, row in held),
        unheard=len(stops.keys() - known.keys()),
        carriers=carriers,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ the installation


async def prepare(fleet: Fleet) -> dict[str, asyncpg.Connection]:
    infra = fleet.infra
    await asyncio.to_thread(_keep_commit_times, infra)
    for service in WITH_DATABASE:
        await migrator.migrate(infra.dsn(service), service)
    databases = {
        name: await asyncpg.connect(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{infra.postgres_port}/{name}")
        for name in ("messaging", "inbound", "campaign")
    }
    await databases["messaging"].execute(KEEP_CLAIMS)
    await fleet.start(*fleet.lives)
    await _provision(fleet)
    for database in databases.values():
        await until(database, HEADERS_KNOWN)
    await until(databases["messaging"], CONNECTED)
    await asyncio.sleep(3)  # every process has looked at carriers and routes by then
    return databases


def _keep_commit_times(infra: Infra) -> None:
    """When a STOP was committed is read from PostgreSQL itself."""
    assert infra.postgres is not None
    infra.sql("ALTER SYSTEM SET track_commit_timestamp = on;")
    infra.postgres.stop()
    infra.postgres.start()


async def _provision(fleet: Fleet) -> None:
    """A company, and beside the embedded carrier one of SMPP with a bind for each connector; each takes half of the texts."""
    smpp = {"host": "127.0.0.1", "port": fleet.ports["smpp"], "system_id": "silence", "password": "simulate"}
    async with client(fleet.infra, "console") as console:
        id_ = (await console.ask(CreateCompany(name=COMPANY.name))).id
        await console.ask(
            CreateUser(company_id=id_, username=COMPANY.username, password=USERS_PASSWORD, permissions=[SEND])
        )
        await console.ask(AddHeader(company_id=id_, header=COMPANY.header))
        await console.ask(AddCarrier(name="smpp", protocol="smpp", settings=smpp | {"binds": 2, "window": 500}))
        await console.ask(AddRoute(route=NewRoute(carrier="smpp")))


async def until(database: asyncpg.Connection, sql: str, *arguments: object) -> None:
    """Until the query answers true."""
    give_up = time.monotonic() + LIMIT_S
    while not await database.fetchval(sql, *arguments):
        assert time.monotonic() < give_up, f"not within {LIMIT_S} s: {sql}"
        await asyncio.sleep(0.1)


async def run(recipients: int, handsets: int) -> int:
    numbers = [f"+{number}" for number in range(NUMBERS_FROM, NUMBERS_FROM + recipients)]
    infra = await asyncio.to_thread(start_infra, durable=True)
    with tempfile.TemporaryDirectory(prefix="heliograph-silence-") as folder:
        fleet = Fleet(infra, Path(folder))
        databases: dict[str, asyncpg.Connection] = {}
        try:
            databases = await prepare(fleet)
            campaign_id, network = await campaign_with_stops(fleet, databases, numbers, handsets)
            result = await outcome(databases, campaign_id, network)
        finally:
            for database in databases.values():
                await database.close()
            await fleet.close()
            await asyncio.to_thread(infra.stop)
    print("\n".join(result.lines()), flush=True)
    for surprise in fleet.surprises:
        print(f"surprise: {surprise}")
    faults = result.faults()
    print("\n".join(f"MISSED: {fault}" for fault in faults) or "held")
    return 1 if faults else 0


def main() -> None:
    given = [int(word) for word in sys.argv[1:3]]
    recipients, handsets = given + [RECIPIENTS, HANDSETS][len(given) :]
    sys.exit(uvloop.run(run(recipients, handsets)))


if __name__ == "__main__":
    main()
