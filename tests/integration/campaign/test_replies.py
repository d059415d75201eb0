"""What comes back of a campaign: put to the newest one that went to the number from that sender, once, and to none where none of late did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from libs.common import clock
from libs.common.contracts.base import Event
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.inbound import ContactsStopped, ContactState, InboundText, TextsReceived
from libs.common.contracts.messaging import State
from libs.common.ids import uuid7
from libs.common.service import Process
from tests.harness import Client, client
from tests.infra import Infra
from tests.integration.campaign.conftest import (
    HEADER,
    all_handed_over,
    all_heard,
    launched,
    new_list,
    number,
    tell_ends,
    value,
)


@pytest.fixture
async def inbound(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "inbound") as tells:
        yield tells


def text(from_: str, at: datetime | None = None, to: str = HEADER) -> InboundText:
    return InboundText(id=uuid7(), number=from_, to=to, body="Thank you", at=at or clock.now())


async def told(process: Process, inbound: Client, *events: Event) -> None:
    ids = [uuid7() for _ in events]
    for event, id_ in zip(events, ids, strict=True):
        await inbound.publish(event, id_)
    await all_heard(process, ids)


async def received(process: Process, inbound: Client, company_id: int, *texts: InboundText) -> None:
    await told(process, inbound, TextsReceived(company_id=company_id, items=list(texts)))


async def kept(process: Process, texts: Sequence[InboundText]) -> list[tuple[int, int]]:
    """Campaign and position of each text that was kept."""
    assert process.db is not None
    async with process.db.transaction() as tx:
        rows = await tx.fetch(
            "SELECT text_id, campaign_id, position FROM replies WHERE text_id = ANY($1::uuid[])",
            [each.id for each in texts],
        )
    found: dict[UUID, tuple[int, int]] = {row["text_id"]: (row["campaign_id"], row["position"]) for row in rows}
    return [found.get(each.id, (0, 0)) for each in texts]


async def sent(
    gateway: Client,
    messaging: Client,
    process: Process,
    company_id: int,
    windows: list[RecipientsHandedOver],
    count: int = 3,
) -> tuple[int, list[Recipient]]:
    """A campaign to the first `count` numbers, delivered."""
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(n) for n in range(count)]))
    people = await all_handed_over(windows, id_, count)
    await all_heard(process, await tell_ends(messaging, company_id, id_, people))
    return id_, people


async def test_a_text_is_put_to_the_newest_campaign_that_went_to_its_number(
    campaign: Process,
    gateway: Client,
    messaging: Client,
    inbound: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    older, _ = await sent(gateway, messaging, campaign, company_id, windows, 3)
    newer, _ = await sent(gateway, messaging, campaign, company_id, windows, 2)
    texts = [
        text(number(0)),
        text(number(0)),
        text(number(2)),
        text(number(77)),
        text(number(1), to="82830"),
        text("Bank"),
    ]

    await received(campaign, inbound, company_id, *texts)
    await received(campaign, inbound, company_id, *texts)  # told again

    assert await kept(campaign, texts) == [(newer, 1), (newer, 1), (older, 3), (0, 0), (0, 0), (0, 0)]


async def test_a_text_that_came_before_the_campaign_or_long_after_is_no_reply(
    campaign: Process,
    gateway: Client,
    messaging: Client,
    inbound: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    id_, _ = await sent(gateway, messaging, campaign, company_id, windows)
    now = clock.now()
    texts = [
        text(number(0), now - timedelta(minutes=10)),
        text(number(1), now + timedelta(days=6, hours=23)),
        text(number(2), now + timedelta(days=7, minutes=1)),
    ]

    await received(campaign, inbound, company_id, *texts)

    assert await kept(campaign, texts) == [(0, 0), (id_, 2), (0, 0)]


@pytest.mark.parametrize("state", [State.SUPPRESSED, State.CANCELLED, State.REJECTED, State.EXPIRED])
async def test_who_was_sent_nothing_replies_to_nothing(
    state: State,
    campaign: Process,
    gateway: Client,
    messaging: Client,
    inbound: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    older, _ = await sent(gateway, messaging, campaign, company_id, windows)
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(0)]))
    people = await all_handed_over(windows, id_, 1)
    await all_heard(campaign, await tell_ends(messaging, company_id, id_, people, state, parts=0))
    texts = [text(number(0))]

    await received(campaign, inbound, company_id, *texts)

    assert await kept(campaign, texts) == [(older, 1)]


async def test_another_companys_campaign_gets_no_reply(
    campaign: Process,
    gateway: Client,
    messaging: Client,
    inbound: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    await sent(gateway, messaging, campaign, company_id, windows)
    texts = [text(number(0))]

    await received(campaign, inbound, company_id + 1_000_000, *texts)

    assert await kept(campaign, texts) == [(0, 0)]


async def test_an_opt_out_is_kept_once_and_one_that_only_looks_so_is_not(
    campaign: Process,
    gateway: Client,
    messaging: Client,
    inbound: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
) -> None:
    id_, _ = await sent(gateway, messaging, campaign, company_id, windows)
    stops = [
        ContactState(number=number(0), header=HEADER, sequence=1, at=clock.now()),
        ContactState(number=number(1), header=HEADER, sequence=1, at=clock.now(), soft=True),
        ContactState(number=number(9), header=HEADER, sequence=1, at=clock.now()),
    ]
    stopped = ContactsStopped(company_id=company_id, items=stops)

    await told(campaign, inbound, stopped, stopped)

    positions = "SELECT array_agg(position) FROM replies WHERE campaign_id = $1 AND opt_out"
    assert await value(campaign, positions, id_) == [1]
