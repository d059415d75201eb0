"""Codes while a campaign runs: SendTwoFactorToken by a few people a second, each timed to the handset, from the campaign's first text to nearly its last.

Each function does one run, as those of figures.py do. Owns nothing: the fleet and the looking are given.
"""

from __future__ import annotations

import asyncio
import time

import orjson

from tests.bench.figures import ITEMS_A_SECOND_MIN, LIMIT_S, LOOK_EVERY_S, OPEN, SETTLED, Run, World, quiet, until
from tests.bench.load import MESSAGE_ID, Connection, post
from tests.bench.machine import quantile
from tests.bench.verification_figures import UNLIMITED

EVERY_S = 0.05  # a code: twenty people a second log in, whether or not the one before has his
UNTIL = 0.95  # of the campaign
CLIENTS = 64  # requests that may be under way at once

CODES = "codes sent"
P99 = "code to the handset, p99 ms"


async def codes_beside_a_campaign(world: World, count: int, campaign_id: int) -> Run:
    for scope in ("prefix", "company"):
        await asyncio.to_thread(world.fleet.console, "verification", "limit", "Demo", scope, *UNLIMITED)
    codes = Codes(world)
    at: dict[str, float] = {}  # of every text, by id
    begun = time.monotonic()
    limit_s = LIMIT_S + count / ITEMS_A_SECOND_MIN
    await world.ask("/api/Campaigns/LaunchCampaign", CampaignID=campaign_id)
    launched = time.monotonic()
    async with world.connections(CLIENTS) as opened, asyncio.TaskGroup() as under_way:
        asking = None
        while len(at) < count * UNTIL:
            assert time.monotonic() < begun + limit_s, f"{len(at)} of {count} were submitted"
            await asyncio.sleep(LOOK_EVERY_S * 4)
            at |= {entry["own_ref"]: entry["at"] for entry in world.new_submits()}
            if at and asking is None:
                asking = under_way.create_task(codes.ask(opened, under_way))
        codes.enough = True
    await until(world.databases["campaign"], OPEN, campaign_id, limit_s=limit_s)
    took_s = time.monotonic() - launched
    await quiet(world)
    at |= {entry["own_ref"]: entry["at"] for entry in world.new_submits()}
    return Run(count, {SETTLED: count / took_s} | codes.figures(at))


class Codes:
    """By id: when each was asked for, and when it was answered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked: dict[str, tuple[float, float]] = {}
        self.enough = False

    async def ask(self, opened: list[Connection], under_way: asyncio.TaskGroup) -> None:
        """One each EVERY_S by the clock, not by the answers: who waits does not keep the next from asking."""
        free, next_at = list(opened), time.monotonic()
        while not self.enough:
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
            next_at += EVERY_S
            assert free, f"{CLIENTS} codes are unanswered"
            under_way.create_task(self._ask_one(free.pop(), free))

    async def _ask_one(self, connection: Connection, free: list[Connection]) -> None:
        (number,) = self._world.new_numbers(1)
        fields = {
            "SessionToken": self._world.token,
            "FromNumber": "82830",
            "ToNumber": f"+{number}",
            "Message": "{code} is your code",
            "GenerationRule": "6 digits",
            "Token": "{code}",
        }
        begun = time.time()
        head, body = await connection.ask(post("/api/Messages/SendTwoFactorToken", orjson.dumps(fields)))
        assert b'"Success"' in body, body[:300]
        at = head.find(MESSAGE_ID) + len(MESSAGE_ID)
        self._asked[head[at : at + 36].decode()] = begun, time.time()
        free.append(connection)

    def figures(self, at: dict[str, float]) -> dict[str, float]:
        handset_ms = [(at[id_] - begun) * 1000 for id_, (begun, _) in self._asked.items()]
        answer_ms = [(answered - begun) * 1000 for begun, answered in self._asked.values()]
        return {
            CODES: len(self._asked),
            "code to the answer, p99 ms": quantile(answer_ms, 99),
            "code to the handset, p50 ms": quantile(handset_ms, 50),
            P99: quantile(handset_ms, 99),
            "code to the handset, the slowest, ms": max(handset_ms),
        }
