"""A campaign of a million, interrupted in every way: STOPs come in, it is paused and resumed, its workers are killed; then once more, and stopped for good.

`python -m tests.bench.million [--recipients N] [--seed N]`, or `make bench-chaos`. Two copies of each service; half of the texts by the embedded carrier, half
by SMPP over one bind. Ends with 1 unless the books balance, nobody has the text twice, nobody is missing, and what is in doubt is at most a carrier's
window a kill. Owns its servers and processes. What must hold is in million_check.py.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import uvloop

from deploy.native.environment import WITH_DATABASE
from libs.common.contracts.auth import SEND, CreateUser
from libs.common.contracts.campaign import ReadCampaignBooks
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.inbound import ReadInboundBooks
from libs.common.contracts.messaging import ReadMessagingBooks
from libs.common.contracts.phonelist import ReadPhonelistBooks
from libs.common.contracts.routing import AddCarrier, AddRoute, NewRoute
from libs.common.contracts.senders import AddHeader
from libs.common.db import migrator
from tests.bench.million_check import Aftermath, Halt, faults, lines
from tests.faults.fleet import Fleet
from tests.harness import client as client_of
from tests.infra import PASSWORD, start_infra

RECIPIENTS, STOPS, KILLS, PAUSES = 1_000_000, 2_000, 6, 5
RUN, STOP = "run", "stop"
NUMBERS_FROM = 447_400_000_000
HEADER, USERNAME, USER_PASSWORD = "82830", "million", "million-password"
# An embedded client's window is larger, but its two claims under way hold no more.
WINDOW = 500
KILLED = ("messaging", "campaign", "connector", "campaign-2", "messaging-2", "connector-2")
STOPPED_FIRST = 0.1  # of the STOPs: before the launch
STOPS_TOGETHER = 20  # handsets that text at one moment
NEAR = 2_000  # so far ahead of the campaign's front the handsets are that text STOP, so that some are just in time and some are not
PAUSED_S = (0.3, 3.0)
SETTLED_IN_PEACE_S = (
    60.0  # lost answers' receipts are matched within it: submitting's lease and grace, and a round of adopting
)
LOOK_EVERY_S = 0.05
LIMIT_S = 300.0
RECIPIENTS_A_SECOND_MIN = 500

KNOWN_HEADER = "SELECT EXISTS (SELECT FROM headers)"
CONNECTED = "SELECT EXISTS (SELECT FROM binds WHERE connected)"
SUPPRESSED = "SELECT count(*) FROM suppressions WHERE cause = 'stop' AND active"
ENDED = """
SELECT state IN ('finished', 'stopped') AND NOT EXISTS (
    SELECT FROM recipients WHERE campaign_id = id AND position <= checkpoint AND state IS NULL
) FROM campaigns WHERE id = $1
"""
AT_REST = "SELECT NOT EXISTS (SELECT FROM open_texts WHERE state <> 'in_doubt') AND NOT EXISTS (SELECT FROM claims)"
NO_OUTBOX = "SELECT NOT EXISTS (SELECT FROM outbox)"
RECIPIENTS_OF = """
SELECT '+' || r.number AS number, r.state, r.position > c.checkpoint AS waits FROM recipients r JOIN campaigns c ON c.id = r.campaign_id
WHERE c.id = $1
"""
LEDGER_OF = """
SELECT number, state FROM open_texts WHERE campaign_id = $1 UNION ALL SELECT number, state FROM texts WHERE campaign_id = $1
"""


class Network:
    """What its log has of one campaign, from now on: how often each handset got the text, and when each came."""

    def __init__(self, log: Path, body: str) -> None:
        self._log, self._body = log, body
        self._read = log.stat().st_size
        self.arrived: Counter[str] = Counter()
        self._times: list[float] = []

    def look(self) -> int:
        """How many texts came."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            lines_ = log.read()
        whole = lines_[: lines_.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            entry = orjson.loads(line)
            if entry["text"] == self._body and entry["outcome"] == "taken":
                self.arrived[entry["to"]] += 1
                self._times.append(entry["at"])
        return len(self._times)

    def came_after(self, at: float) -> int:
        return len(self._times) - bisect_right(self._times, at)


class Marketer:
    """A program at /v2. Asks again where the platform says that it cannot answer now, as its documentation tells it to."""

    def __init__(self, fleet: Fleet) -> None:
        self._http = httpx.AsyncClient(base_url=fleet.url("http:gateway"), timeout=120)
        self.answered_s = 0.0  # the last ask, with all that it took

    async def log_in(self) -> None:
        login = {"Username": USERNAME, "Password": USER_PASSWORD}
        token = (await self._http.post("/api/Security/Login", json=login)).raise_for_status().json()["Token"]
        self._http.headers["authorization"] = f"Bearer {token}"

    async def ask(self, path: str, json: Any = None, **more: Any) -> Any:
        begun = time.monotonic()
        while True:
            answer = await self._http.post(f"/v2/{path}", json=json, **more)
            if answer.status_code not in (503, 504) or time.monotonic() > begun + LIMIT_S:
                break
            await asyncio.sleep(0.2)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:300]}"
        self.answered_s = time.monotonic() - begun
        return answer.json() if answer.content else None

    async def close(self) -> None:
        await self._http.aclose()


@dataclass(frozen=True)
class Planned:
    """When the campaign has come to `at` handsets."""

    at: int
    what: str  # pause, stop, STOPs, or kill
    whom: str = ""


def plan(rng: random.Random, variant: str, options: argparse.Namespace) -> list[Planned]:
    """What happens, by progress and never by time."""
    count = options.recipients
    last = count * rng.uniform(0.5, 0.9) if variant == STOP else count

    def moment(until: float = 0.97) -> int:
        return int(rng.uniform(0.01, until) * last)

    whom = [KILLED[n % len(KILLED)] for n in range(options.kills)]
    steps = [Planned(moment(), "kill", name) for name in whom]
    steps += [Planned(moment(), "pause") for _ in range(options.pauses)]
    bursts = max(1, int(options.stops * (1 - STOPPED_FIRST)) // STOPS_TOGETHER)
    steps += [Planned(moment(), "STOPs") for _ in range(bursts)]
    if variant == STOP:
        steps.append(Planned(int(last), "stop"))
    return sorted(steps, key=lambda step: step.at)


@dataclass
class Campaign:
    """One of them, from its draft to what came of it."""

    fleet: Fleet
    databases: Mapping[str, asyncpg.Connection]
    marketer: Marketer
    rng: random.Random
    numbers: Sequence[str]
    variant: str
    list_id: int
    stopped: set[str]  # numbers that texted STOP, in the other one too
    id: int = 0
    halts: list[Halt] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)

    async def run(self, steps: Sequence[Planned], stops_first: int) -> Aftermath:
        body = f"Everything half price until Sunday ({self.variant}). Reply STOP to stop"
        await self._say_stop(self.rng.sample(self.numbers, stops_first))
        await until(self.databases["messaging"], f"SELECT ({SUPPRESSED}) >= $1", len(self.stopped))
        stopped_before = set(self.stopped)
        new = {"title": self.variant, "text": body, "from": HEADER}
        self.id = (await self.marketer.ask("campaigns", new))["id"]
        await self.marketer.ask(f"campaigns/{self.id}/lists", {"list_id": self.list_id})
        network = Network(self.fleet.simulator_log, body)
        await self.marketer.ask(f"campaigns/{self.id}/launch")
        await self._through(steps, network)
        limit_s = LIMIT_S + len(self.numbers) / RECIPIENTS_A_SECOND_MIN
        await until(self.databases["campaign"], ENDED, self.id, limit_s=limit_s)
        await self._at_rest()
        await asyncio.sleep(SETTLED_IN_PEACE_S)
        await self._at_rest()
        network.look()
        return await self._aftermath(network, stopped_before)

    async def _through(self, steps: Sequence[Planned], network: Network) -> None:
        left = list(steps)
        progressed, seen = time.monotonic(), 0
        # Those that are opted out or in doubt never come: what is left over when nothing moves any more is not done.
        while left:
            await asyncio.sleep(LOOK_EVERY_S)
            if (now_seen := network.look()) != seen:
                progressed, seen = time.monotonic(), now_seen
            if await self.databases["campaign"].fetchval(
                "SELECT state = 'finished' FROM campaigns WHERE id = $1", self.id
            ):
                print(f"  finished before {len(left)} of the {len(steps)} steps")
                return
            assert time.monotonic() < progressed + LIMIT_S, f"nothing moves, at {seen:,} handsets"
            while left and seen >= left[0].at:
                await self._do(left.pop(0), network)

    async def _do(self, step: Planned, network: Network) -> None:
        match step.what:
            case "kill":
                self._kill(step.whom)
            case "STOPs":
                first = min(network.look(), len(self.numbers) - 1)
                ahead = self.numbers[first : first + NEAR] or self.numbers[-NEAR:]
                await self._say_stop(self.rng.sample(ahead, min(len(ahead), STOPS_TOGETHER)))
            case "pause":
                await self._halted("pause", network)
                await self.marketer.ask(f"campaigns/{self.id}/resume")
            case "stop":
                await self._halted("stop", network)

    async def _halted(self, what: str, network: Network) -> None:
        """Ordered, answered, and looked at for a while: what comes after the answer is what it said can still arrive."""
        answer = await self.marketer.ask(f"campaigns/{self.id}/{what}")
        answered_at, answered_s = time.time(), self.marketer.answered_s
        await asyncio.sleep(self.rng.uniform(*PAUSED_S))
        network.look()
        self.halts.append(Halt(what, answered_s, answer["can_still_arrive"], network.came_after(answered_at)))

    def _kill(self, name: str) -> None:
        """kill -9; the fleet starts it again, as an orchestrator would."""
        process = self.fleet.lives[name].process
        if process is not None and process.returncode is None:
            process.kill()
            self.kills[name.partition("-")[0]] += 1

    async def _say_stop(self, numbers: Sequence[str]) -> None:
        bulk = [{"from": number, "to": HEADER, "text": "STOP"} for number in numbers]
        self.stopped |= set(numbers)
        async with httpx.AsyncClient(timeout=60) as http:
            (await http.post(f"{self.fleet.url('control')}/handsets/messages", json=bulk)).raise_for_status()

    async def _at_rest(self) -> None:
        await until(self.databases["messaging"], AT_REST)
        for database in self.databases.values():
            await until(database, NO_OUTBOX)

    async def _aftermath(self, network: Network, stopped_before: set[str]) -> Aftermath:
        rows = await self.databases["campaign"].fetch(RECIPIENTS_OF, self.id)
        ledger = await self.databases["messaging"].fetch(LEDGER_OF, self.id)
        return Aftermath(
            numbers=set(self.numbers),
            arrived=network.arrived,
            recipients={row["number"]: row["state"] for row in rows},
            ledger={row["number"]: row["state"] for row in ledger},
            not_handed_over={row["number"] for row in rows if row["waits"] and row["state"] is None},
            stopped=self.stopped,
            stopped_before=stopped_before,
            stopped_for_good=self.variant == STOP,
            kills=self.kills,
            window=WINDOW,
            books=await self._books(len(rows), len(ledger)),
            halts=self.halts,
        )

    async def _books(self, recipients: int, texts: int) -> list[str]:
        async with client_of(self.fleet.infra, "console") as console:
            said = [
                *(await console.ask(ReadMessagingBooks(campaigns=[self.id]))).faults,
                *(await console.ask(ReadCampaignBooks())).faults,
                *(await console.ask(ReadInboundBooks())).faults,
                *(await console.ask(ReadPhonelistBooks())).faults,
            ]
        row = await self.databases["campaign"].fetchrow(
            "SELECT targeted, checkpoint FROM campaigns WHERE id = $1", self.id
        )
        assert row is not None
        targeted, checkpoint = row
        if not targeted == recipients == len(self.numbers):
            said.append(f"{targeted} targeted, {recipients} rows, {len(self.numbers)} numbers")
        if checkpoint != texts:
            said.append(f"{checkpoint} were handed over and the ledger has {texts}")
        return said


# ------------------------------------------------------------------------------------------------------------ the installation


async def prepare(fleet: Fleet) -> dict[str, asyncpg.Connection]:
    infra = fleet.infra
    for service in WITH_DATABASE:
        await migrator.migrate(infra.dsn(service), service)
    await fleet.start(*fleet.lives)
    await _provision(fleet)
    databases = {
        name: await asyncpg.connect(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{infra.postgres_port}/{name}")
        for name in WITH_DATABASE
    }
    for name in ("messaging", "inbound", "campaign"):
        await until(databases[name], KNOWN_HEADER)
    await until(databases["messaging"], CONNECTED)
    await asyncio.sleep(3)  # every process has looked at carriers and routes by then
    return databases


async def _provision(fleet: Fleet) -> None:
    smpp = {"host": "127.0.0.1", "port": fleet.ports["smpp"], "system_id": "million", "password": "simulate"}
    async with client_of(fleet.infra, "console") as console:
        id_ = (await console.ask(CreateCompany(name="Million"))).id
        await console.ask(CreateUser(company_id=id_, username=USERNAME, password=USER_PASSWORD, permissions=[SEND]))
        await console.ask(AddHeader(company_id=id_, header=HEADER))
        await console.ask(AddCarrier(name="smpp", protocol="smpp", settings=smpp | {"binds": 1, "window": WINDOW}))
        await console.ask(AddRoute(route=NewRoute(carrier="smpp")))


async def _listed(marketer: Marketer, numbers: Sequence[str]) -> int:
    async def file() -> AsyncIterator[bytes]:
        yield b"Phone Number\n"
        for start in range(0, len(numbers), 5_000):
            yield "".join(f"{number}\n" for number in numbers[start : start + 5_000]).encode()

    list_id: int = (await marketer.ask("lists", {"title": "Everyone"}))["id"]
    report = await marketer.ask(f"lists/{list_id}/imports", content=file(), headers={"content-type": "text/csv"})
    assert report["added"] == len(numbers), report
    return list_id


async def until(database: asyncpg.Connection, sql: str, *arguments: object, limit_s: float = LIMIT_S) -> None:
    """Until the query answers true."""
    give_up = time.monotonic() + limit_s
    while not await database.fetchval(sql, *arguments):
        assert time.monotonic() < give_up, f"not within {limit_s:.0f} s: {sql}"
        await asyncio.sleep(0.2)


def surprises(fleet: Fleet, kills: int) -> list[str]:
    """What nobody ordered. Whom we killed ended with -9."""
    ordered = [each for each in fleet.surprises if each.endswith("ended by itself with -9")]
    return [each for each in fleet.surprises if each not in ordered] + ordered[kills:]


async def run(options: argparse.Namespace) -> int:
    rng = random.Random(options.seed)
    print(
        f"seed {options.seed}: {options.recipients:,} recipients, {options.stops} STOPs, {options.kills} kills, {options.pauses} pauses"
    )
    numbers = [f"+{number}" for number in range(NUMBERS_FROM, NUMBERS_FROM + options.recipients)]
    infra = await asyncio.to_thread(start_infra, durable=True)
    wrong, kills, stopped = list[str](), 0, set[str]()
    with tempfile.TemporaryDirectory(prefix="heliograph-million-") as folder:
        fleet = Fleet(infra, Path(folder))
        databases: dict[str, asyncpg.Connection] = {}
        try:
            databases = await prepare(fleet)
            marketer = Marketer(fleet)
            await marketer.log_in()
            list_id = await _listed(marketer, numbers)
            for variant in options.variants:
                begun = time.monotonic()
                campaign = Campaign(fleet, databases, marketer, rng, numbers, variant, list_id, stopped)
                found = await campaign.run(plan(rng, variant, options), int(options.stops * STOPPED_FIRST))
                kills += sum(campaign.kills.values())
                print(f"\n{variant}, {time.monotonic() - begun:.0f} s")
                print("\n".join(f"  {line}" for line in lines(found)), flush=True)
                wrong += [f"{variant}: {fault}" for fault in faults(found)]
            await marketer.close()
        finally:
            for database in databases.values():
                await database.close()
            await fleet.close()
            await asyncio.to_thread(infra.stop)
    wrong += [f"surprise: {each}" for each in surprises(fleet, kills)]
    print("\n".join(f"WRONG: {each}" for each in wrong) or "\nheld", flush=True)
    return 1 if wrong else 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.million", description=__doc__)
    parser.add_argument("--recipients", type=int, default=RECIPIENTS)
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="printed, to see the same again"
    )
    parser.add_argument("--stops", type=int, default=STOPS, help="handsets that text STOP, of each campaign")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--pauses", type=int, default=PAUSES)
    parser.add_argument("--variants", nargs="+", choices=(RUN, STOP), default=[RUN, STOP])
    sys.exit(uvloop.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
