"""Two companies, one carrier: what a small campaign waits for while another company's large one goes out.

Each function does one run, as those of figures.py do. Owns the second company, whose weight is the first one's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.bench.figures import (
    ITEMS_A_SECOND_MIN,
    LIMIT_S,
    LOOK_EVERY_S,
    Run,
    World,
    new_company,
    prepare_campaign_to,
    quiet,
)

COMPANY, HEADER = "Bench shares", "82766"
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
        _, token = await new_company(world, COMPANY, HEADER, ("messaging", "campaign"))
        world.kept["shares"] = replace(world, token=token)
    theirs: World = world.kept["shares"]
    some, others, large = (world.new_numbers(round(size)) for size in (SMALL * count, SMALL * count, count))
    small = [
        Campaign(theirs, await prepare_campaign_to(theirs, numbers, HEADER, ""), numbers) for numbers in (some, others)
    ]
    return [*small, Campaign(world, await prepare_campaign_to(world, large), large)]


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
