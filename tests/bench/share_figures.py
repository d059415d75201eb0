"""Two companies, one carrier: what a small campaign waits for while another company's large one goes out.

Each function does one run, as those of figures.py do. Owns the second company, whose weight is the first one's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from libs.common.contracts.auth import SEND, CreateUser
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.senders import AddHeader
from tests.bench.figures import ITEMS_A_SECOND_MIN, LIMIT_S, LOOK_EVERY_S, Run, World, prepare_campaign_to, quiet, until
from tests.bench.load import post
from tests.harness import client as client_of

COMPANY, HEADER, USER, PASSWORD = "Bench shares", "82766", "bench-shares", "bench-shares-password"
SMALL = 0.05  # of the large one
ALONE, BESIDE = "the small one alone, launch to the last handset, s", "the same beside the large one, s"
SHARE = "the large one's texts meanwhile, for one of the small one's"


@dataclass(frozen=True)
class Campaign:
    world: World  # of its company
    id: int
    numbers: range


async def prepare(world: World, count: int) -> Sequence[Campaign]:
    """The small one, to be sent alone; it again to others; the large one."""
    if "shares" not in world.kept:
        world.kept["shares"] = await _company(world)
    theirs: World = world.kept["shares"]
    some, others, large = (world.new_numbers(round(size)) for size in (SMALL * count, SMALL * count, count))
    small = [
        Campaign(theirs, await prepare_campaign_to(theirs, numbers, HEADER, ""), numbers) for numbers in (some, others)
    ]
    return [*small, Campaign(world, await prepare_campaign_to(world, large), large)]


async def _company(world: World) -> World:
    async with client_of(world.fleet.infra, "console") as console:
        id_ = (await console.ask(CreateCompany(name=COMPANY))).id
        await console.ask(CreateUser(company_id=id_, username=USER, password=PASSWORD, permissions=[SEND]))
        await console.ask(AddHeader(company_id=id_, header=HEADER))
    for service in ("messaging", "campaign"):
        await until(world.databases[service], "SELECT EXISTS (SELECT FROM headers WHERE company_id = $1)", id_)
    async with world.connections(1) as (connection,):
        login = orjson.dumps({"Username": USER, "Password": PASSWORD})
        token = orjson.loads((await connection.ask(post("/api/Security/Login", login)))[1])["Token"]
    return replace(world, token=token)


async def small_beside_large(world: World, count: int, campaigns: Sequence[Campaign]) -> Run:
    alone, beside, large = campaigns
    at: dict[str, float] = {}  # of every text, by number
    alone_s = await _launched(world, alone, at)
    await quiet(world)
    begun = time.time()
    await large.world.ask("/api/Campaigns/LaunchCampaign", CampaignID=large.id)
    await _at_handsets(world, large, at, 0.1)
    beside_s = await _launched(world, beside, at)
    await _at_handsets(world, large, at, 1.0)
    await quiet(world)
    times = sorted(at[str(number)] for number in beside.numbers)
    meanwhile = sum(times[0] <= at[str(number)] <= times[-1] for number in large.numbers)
    assert times[-1] < max(at[str(number)] for number in large.numbers), "the large one was over before the small one"
    assert times[0] > begun
    return Run(count, {ALONE: alone_s, BESIDE: beside_s, SHARE: meanwhile / len(times)})


async def _launched(world: World, campaign: Campaign, at: dict[str, float]) -> float:
    """Seconds from LaunchCampaign to the last of its texts at a handset."""
    begun = time.time()
    await campaign.world.ask("/api/Campaigns/LaunchCampaign", CampaignID=campaign.id)
    await _at_handsets(world, campaign, at, 1.0)
    return max(at[str(number)] for number in campaign.numbers) - begun


async def _at_handsets(world: World, campaign: Campaign, at: dict[str, float], share: float) -> None:
    wanted, missing = share * len(campaign.numbers), {str(number) for number in campaign.numbers}
    until_s = time.monotonic() + LIMIT_S + 2 * len(missing) / ITEMS_A_SECOND_MIN
    while len(campaign.numbers) - len(missing) < wanted:
        assert time.monotonic() < until_s, f"{len(missing)} of {len(campaign.numbers)} are at no handset"
        await asyncio.sleep(LOOK_EVERY_S * 4)
        at |= {entry["to"].removeprefix("+"): entry["at"] for entry in world.new_submits()}
        missing -= at.keys()
