"""A campaign's windows in the ledger: each recipient once, stopped when the campaign is, fair between companies."""

from __future__ import annotations

from collections import Counter

import pytest

from libs.common.clock import now
from libs.common.contracts.campaign import CampaignSteered, Recipient, RecipientsHandedOver
from libs.common.contracts.inbound import ContactsStopped, ContactState
from libs.common.contracts.messaging import ReadMessagingBooks, RecipientsSettled, State
from libs.common.ids import uuid7
from services.messaging.app import Messaging as App
from services.messaging.sending.rules import Lane
from services.messaging.submitting import store
from services.messaging.submitting.floors import BEGINNING
from tests.harness import client, eventually, heard
from tests.infra import Infra
from tests.integration.messaging.conftest import Messaging

CAMPAIGNS = iter(range(1_000, 10_000))


def window(campaign_id: int, first: int, count: int, company_id: int = 17) -> RecipientsHandedOver:
    recipients = [
        Recipient(id=uuid7(), position=first + n, number=f"+4474{campaign_id:04d}{first + n:04d}") for n in range(count)
    ]
    return RecipientsHandedOver(
        company_id=company_id, campaign_id=campaign_id, sender="82830", body="Sale now on", items=recipients
    )


async def settled_of(messaging: Messaging, campaign_id: int, count: int) -> Counter[str]:
    sql = "SELECT count(*) >= $2 FROM texts WHERE campaign_id = $1"
    await eventually(lambda: messaging.count(sql, campaign_id, count))
    assert messaging.process.db is not None
    async with messaging.process.db.reading() as tx:
        rows = await tx.fetch(
            "SELECT state, count(*) AS n FROM texts WHERE campaign_id = $1 GROUP BY state", campaign_id
        )
    return Counter({row["state"]: row["n"] for row in rows})


@pytest.mark.parametrize("repeats", [1, 3])
async def test_a_window_is_sent_once_however_often_it_is_delivered(
    messaging: Messaging, infra: Infra, repeats: int
) -> None:
    campaign_id, id_ = next(CAMPAIGNS), uuid7()
    event = window(campaign_id, 1, 500)
    async with client(infra, "campaign") as campaign, heard(infra, RecipientsSettled) as settled:
        for _ in range(repeats):
            await campaign.publish(event, id_)
        assert Counter(delivered=500) == await settled_of(messaging, campaign_id, 500)

        async def told() -> bool:
            return sum(len(e.items) for e in settled) >= 500  # type: ignore[attr-defined]

        await eventually(told)

    positions = Counter(item.position for e in settled for item in e.items)  # type: ignore[attr-defined]
    assert Counter(range(1, 501)) == positions
    assert all([await messaging.on_handset(r.number) == ["Sale now on"] for r in event.items[::50]])
    assert (await messaging.simulator.stats())["doubles"] == 0


async def test_a_stop_that_overtakes_a_window_cancels_it(messaging: Messaging, infra: Infra) -> None:
    campaign_id = next(CAMPAIGNS)
    async with client(infra, "campaign") as campaign:
        await campaign.publish(CampaignSteered(company_id=17, campaign_id=campaign_id, course="stop", revision=1))
        stopped = "SELECT count(*) FROM campaigns WHERE course = 'stop' AND campaign_id = $1"
        await eventually(lambda: messaging.count(stopped, campaign_id))
        await campaign.publish(window(campaign_id, 1, 20))

        assert Counter(cancelled=20) == await settled_of(messaging, campaign_id, 20)
    assert (await messaging.simulator.stats())["submits"] == 0


async def test_a_number_that_stopped_before_the_claim_is_suppressed_by_it(messaging: Messaging, infra: Infra) -> None:
    campaign_id = next(CAMPAIGNS)
    event = window(campaign_id, 1, 10)
    contact = ContactState(number=event.items[3].number, header="82830", sequence=1, at=now())
    async with client(infra, "campaign") as campaign, client(infra, "inbound") as inbound:
        await inbound.publish(ContactsStopped(company_id=17, items=[contact]))
        await eventually(lambda: messaging.count("SELECT count(*) FROM suppressions WHERE number = $1", contact.number))
        await campaign.publish(event)

        assert Counter(delivered=9, suppressed=1) == await settled_of(messaging, campaign_id, 10)
    assert await messaging.on_handset(contact.number) == []


async def test_a_claim_is_shared_between_the_companies_that_wait(messaging: Messaging) -> None:
    app: App = messaging.process.app
    async with app.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO campaigns (campaign_id, company_id, body) VALUES (900, 901, 'x'), (901, 902, 'x')"
        )
        for company_id, campaign_id, count in ((901, 900, 100), (902, 901, 10)):
            await tx.execute(
                "INSERT INTO open_texts (id, company_id, lane, number, sender, campaign_id, position) "
                "SELECT gen_random_uuid(), $1, 2, '+447400000000', 'x', $2, n FROM generate_series(1, $3) AS n",
                company_id,
                campaign_id,
                count,
            )
        claimed = await store.claim_queued(
            tx, 1, Lane.BULK, {901: BEGINNING, 902: BEGINNING}, {901: 10, 902: 10}, uuid7()
        )
        await tx.execute("DELETE FROM open_texts WHERE company_id IN (901, 902)")
        await tx.execute("DELETE FROM claims WHERE worker = 'a test'")

    assert Counter({901: 10, 902: 10}) == Counter(row["company_id"] for row in claimed)


async def test_the_books_of_a_campaign_balance_and_are_shown_to_operators(messaging: Messaging, infra: Infra) -> None:
    campaign_id = next(CAMPAIGNS)
    async with client(infra, "campaign") as campaign, client(infra, "console") as console:
        await campaign.publish(window(campaign_id, 1, 30))
        await settled_of(messaging, campaign_id, 30)
        books = await console.ask(ReadMessagingBooks(campaigns=[campaign_id]))

    assert books.faults == []
    assert [tally.states for tally in books.campaigns] == [{State.DELIVERED: 30}]
