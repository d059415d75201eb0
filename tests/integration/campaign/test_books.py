"""The books: they balance while campaigns run, and name what was broken on purpose."""

from __future__ import annotations

import asyncio

from libs.common.contracts.campaign import CampaignState, Progress, ReadCampaignBooks, RecipientsHandedOver
from libs.common.service import Process
from tests.harness import Client
from tests.integration.campaign.conftest import (
    all_handed_over,
    launched,
    new_campaign,
    new_list,
    number,
    progress,
    tell_ends,
    value,
)


def balanced(seen: Progress) -> bool:
    return seen.targeted == seen.waiting + seen.handed_over + sum(seen.ended.values())


async def test_the_books_balance_at_every_look_while_a_campaign_runs(
    campaign: Process,
    gateway: Client,
    console: Client,
    messaging: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    list_id = await new_list(gateway, company_id, [number(n) for n in range(6_000)])
    id_ = await launched(gateway, company_id, list_id)

    async def send() -> None:
        await tell_ends(messaging, company_id, id_, await all_handed_over(windows, id_, 6_000))

    sending = asyncio.create_task(send())
    states = set()
    while CampaignState.FINISHED not in states:
        seen = await progress(gateway, company_id, id_)
        states.add(seen.state)
        assert balanced(seen)
        books = await console.ask(ReadCampaignBooks())
        assert [fault for fault in books.faults if fault.startswith(f"campaign {id_}:")] == []
        assert seen.id in {each.id for each in books.campaigns}
    await sending
    assert CampaignState.SENDING in states


async def test_a_row_that_vanished_and_an_end_that_came_too_early_are_named(
    campaign: Process, gateway: Client, console: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(n) for n in range(3)]))
    await all_handed_over(windows, id_, 3)
    await value(campaign, "DELETE FROM recipients WHERE campaign_id = $1 AND position = 3 RETURNING 1", id_)
    await value(campaign, "UPDATE campaigns SET checkpoint = 1 WHERE id = $1 RETURNING id", id_)
    early = "UPDATE recipients SET state = 'delivered', version = 1 WHERE campaign_id = $1 AND position = 2 RETURNING 1"
    await value(campaign, early, id_)

    books = await console.ask(ReadCampaignBooks())

    assert [fault for fault in books.faults if fault.startswith(f"campaign {id_}:")] == [
        f"campaign {id_}: targeted says 3, its recipients are 2",
        f"campaign {id_}: 1 recipients ended who were never handed over",
    ]
    await value(campaign, "UPDATE campaigns SET state = 'stopped' WHERE id = $1 RETURNING id", id_)


async def test_a_draft_has_empty_books(gateway: Client, company_id: int) -> None:
    seen = await progress(gateway, company_id, await new_campaign(gateway, company_id))

    assert (seen.targeted, seen.waiting, seen.handed_over, seen.ended) == (0, 0, 0, {})
    assert seen.left_out == {"duplicate": 0, "excluded": 0, "incomplete": 0}
