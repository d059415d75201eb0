"""Campaigns on hold, stopped, going on: what is queued obeys, what is claimed is counted, and nothing is claimed that should not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import pytest

from libs.common.clock import now
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import CampaignSteered, Recipient, RecipientsHandedOver
from libs.common.contracts.messaging import SteerCampaign
from libs.common.contracts.policies import Policy, SetPolicy
from libs.common.db import Tx
from libs.common.ids import uuid7
from services.messaging.app import Messaging as App
from services.messaging.sending.rules import Lane
from services.messaging.submitting import store
from services.messaging.submitting.courses import on_course
from services.messaging.submitting.floors import BEGINNING
from tests.harness import Client, client, eventually
from tests.infra import Infra
from tests.integration.messaging.conftest import COMPANY, GRANT, Messaging
from tests.integration.messaging.test_windows_of_a_campaign import settled_of, window

CAMPAIGNS = iter(range(10_000, 20_000))
PARKED = (
    32_000  # a carrier that is not there, whatever other tests add: what waits for it is claimed by nobody but the test
)
QUEUED = "SELECT count(*) FROM open_texts WHERE campaign_id = $1 AND state = 'queued'"
HELD = f"{QUEUED} AND next_attempt_at > now() + interval '900 years'"
TIMES = "SELECT array_agg(next_attempt_at ORDER BY position) FROM open_texts WHERE campaign_id = $1"


@pytest.fixture(scope="module")
async def campaign(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "campaign") as asks:
        yield asks


def steer(
    campaign_id: int, course: Literal["go", "hold", "stop"], revision: int, expires_at: datetime | None = None
) -> SteerCampaign:
    return SteerCampaign(
        company_id=COMPANY, campaign_id=campaign_id, course=course, revision=revision, expires_at=expires_at
    )


async def steered(messaging: Messaging, campaign: Client, steer: SteerCampaign) -> int:
    """As campaign does it: asked, and told. What can still arrive."""
    answer = await campaign.ask(steer)
    id_ = uuid7()
    await campaign.publish(CampaignSteered.model_validate(steer.model_dump()), id_)
    await eventually(lambda: messaging.count("SELECT count(*) FROM inbox WHERE id = $1", id_))
    return answer.can_still_arrive


async def value(messaging: Messaging, sql: str, *args: object) -> Any:
    async with messaging.process.app.db.transaction() as tx:
        return await tx.fetchval(sql, *args)


async def parked(messaging: Messaging, campaign: Client, count: int) -> int:
    """A campaign of so many texts, which wait for a carrier that is not there."""
    campaign_id = next(CAMPAIGNS)
    await steered(messaging, campaign, steer(campaign_id, "hold", 1))
    await campaign.publish(window(campaign_id, 1, count))
    await eventually(lambda: messaging.count(f"SELECT ({HELD}) = $2", campaign_id, count))
    await value(messaging, "UPDATE open_texts SET route = $2 WHERE campaign_id = $1", campaign_id, PARKED)
    await steered(messaging, campaign, steer(campaign_id, "go", 2))
    return campaign_id


async def claimed(tx: Tx, most: int, claim_id: UUID) -> list[Any]:
    """As a claim for that carrier does it."""
    rows = await store.claim_queued(tx, PARKED, Lane.BULK, {COMPANY: BEGINNING}, {COMPANY: most}, claim_id)
    return await on_course(tx, claim_id, rows)


async def gone(messaging: Messaging, campaign_id: int) -> None:
    await value(messaging, "DELETE FROM open_texts WHERE campaign_id = $1", campaign_id)


async def test_a_held_campaign_sends_nothing_until_it_goes_on_and_then_all_of_it(
    messaging: Messaging, campaign: Client
) -> None:
    campaign_id = next(CAMPAIGNS)
    event = window(campaign_id, 1, 20)

    assert await steered(messaging, campaign, steer(campaign_id, "hold", 1)) == 0
    await campaign.publish(event)
    await eventually(lambda: messaging.count(f"SELECT ({HELD}) = 20", campaign_id))
    assert (await messaging.simulator.stats())["submits"] == 0
    await campaign.publish(CampaignSteered(company_id=COMPANY, campaign_id=campaign_id, course="go", revision=2))

    assert await settled_of(messaging, campaign_id, 20) == {"delivered": 20}
    assert (await messaging.simulator.stats())["submits"] == 20


async def test_times_are_kept_through_holds_and_a_stale_course_changes_nothing(
    messaging: Messaging, campaign: Client
) -> None:
    campaign_id = await parked(messaging, campaign, 10)
    waits = "UPDATE open_texts SET next_attempt_at = now() + position * interval '1 hour' WHERE campaign_id = $1"
    await value(messaging, waits, campaign_id)
    before = await value(messaging, TIMES, campaign_id)

    for course, revision, held in (("hold", 5, 10), ("hold", 6, 10), ("go", 4, 10), ("hold", 6, 10), ("go", 7, 0)):
        assert await steered(messaging, campaign, steer(campaign_id, course, revision)) == 0  # type: ignore[arg-type]
        assert await messaging.count(HELD, campaign_id) == held, (course, revision)

    assert await value(messaging, TIMES, campaign_id) == before
    await gone(messaging, campaign_id)


async def test_a_new_end_of_the_lease_holds_for_all_that_is_not_claimed_and_for_windows_under_way(
    messaging: Messaging, campaign: Client
) -> None:
    campaign_id = await parked(messaging, campaign, 10)
    async with messaging.process.app.db.transaction() as tx:
        assert len(await claimed(tx, 4, uuid7())) == 4
    later = now() + timedelta(days=3)

    assert await steered(messaging, campaign, steer(campaign_id, "hold", 3, later)) == 4
    await campaign.publish(window(campaign_id, 11, 10))  # handed over before the lease was extended
    await eventually(lambda: messaging.count(f"SELECT ({QUEUED}) = 16", campaign_id))

    ends = "SELECT count(*) FROM open_texts WHERE campaign_id = $1 AND expires_at = $2 AND claim_id IS NULL"
    assert await messaging.count(ends, campaign_id, later) == 16
    assert await steered(messaging, campaign, steer(campaign_id, "hold", 4)) == 4
    endless = "SELECT count(*) FROM open_texts WHERE campaign_id = $1 AND expires_at IS NULL"
    assert await messaging.count(endless, campaign_id) == 20
    await gone(messaging, campaign_id)


async def test_a_claim_in_progress_is_waited_for_and_counted(messaging: Messaging, campaign: Client) -> None:
    campaign_id = await parked(messaging, campaign, 10)
    app: App = messaging.process.app
    async with app.db.transaction() as tx:
        assert len(await claimed(tx, 6, uuid7())) == 6
        asked = asyncio.create_task(steered(messaging, campaign, steer(campaign_id, "hold", 3)))
        await somebody_waits(messaging)
        assert not asked.done()
        # A claim that comes while somebody steers goes without its rows; it does not wait, nor is waited for in vain.
        async with app.db.transaction() as late:
            assert await claimed(late, 2, uuid7()) == []
    assert await asked == 6

    assert await messaging.count(HELD, campaign_id) == 4
    async with app.db.transaction() as tx:
        assert await claimed(tx, 10, uuid7()) == []
    await gone(messaging, campaign_id)


async def test_a_claim_that_holds_rows_when_it_comes_too_late_gives_them_to_whoever_steers(
    messaging: Messaging, campaign: Client
) -> None:
    """The claim has locked texts before it asks for their course; the one who steers waits for these. A wait for each other would be a deadlock."""
    for course in ("hold", "stop"):
        campaign_id = await parked(messaging, campaign, 10)
        async with messaging.process.app.db.transaction() as tx:
            claim_id = uuid7()
            rows = await store.claim_queued(tx, PARKED, Lane.BULK, {COMPANY: BEGINNING}, {COMPANY: 6}, claim_id)
            asked = asyncio.create_task(steered(messaging, campaign, steer(campaign_id, course, 3)))
            await somebody_waits(messaging)
            assert await on_course(tx, claim_id, rows) == []
        assert await asked == 0

        assert await messaging.count(HELD, campaign_id) == (10 if course == "hold" else 0)
        cancelled = "SELECT count(*) FROM texts WHERE campaign_id = $1 AND state = 'cancelled'"
        assert await messaging.count(cancelled, campaign_id) == (0 if course == "hold" else 10)
        await gone(messaging, campaign_id)


@pytest.mark.parametrize("course", ["hold", "stop"])
async def test_what_comes_back_to_the_queue_later_does_not_go_out(
    messaging: Messaging, campaign: Client, course: Literal["hold", "stop"]
) -> None:
    campaign_id, claim_id = await parked(messaging, campaign, 10), uuid7()
    async with messaging.process.app.db.transaction() as tx:
        rows = await claimed(tx, 10, claim_id)
    assert await steered(messaging, campaign, steer(campaign_id, course, 3)) == 10
    async with messaging.process.app.db.transaction() as tx:  # its carrier could not take them now
        await store.put_back(tx, claim_id, [(row["id"], 0.0) for row in rows])

    async with messaging.process.app.db.transaction() as tx:
        assert await claimed(tx, 10, uuid7()) == []

    assert await steered(messaging, campaign, steer(campaign_id, course, 3)) == 0
    assert await messaging.count(HELD, campaign_id) == (10 if course == "hold" else 0)
    if course == "hold":
        await steered(messaging, campaign, steer(campaign_id, "go", 4))
        async with messaging.process.app.db.transaction() as tx:
            assert len(await claimed(tx, 10, uuid7())) == 10
    await gone(messaging, campaign_id)


async def test_recipients_with_words_of_their_own_get_those(messaging: Messaging, campaign: Client) -> None:
    campaign_id = next(CAMPAIGNS)
    plain = window(campaign_id, 1, 3)
    bodies = ["Dear Ann", None, "Dear Ωmega"]
    items = [
        Recipient(**recipient.model_dump() | {"body": body})
        for recipient, body in zip(plain.items, bodies, strict=True)
    ]
    await campaign.publish(RecipientsHandedOver(**plain.model_dump() | {"items": items}))

    assert await settled_of(messaging, campaign_id, 3) == {"delivered": 3}
    assert [(await messaging.on_handset(r.number))[0] for r in items] == ["Dear Ann", "Sale now on", "Dear Ωmega"]


async def test_near_gsm_is_for_each_ones_words(messaging: Messaging, campaign: Client) -> None:
    campaign_id = next(CAMPAIGNS)
    await messaging.gateway.ask(SetPolicy(policy=Policy(near_gsm=True)), GRANT)
    try:
        await eventually(lambda: _true(messaging.process.app.policy_of(COMPANY).near_gsm))
        plain = window(campaign_id, 1, 2)
        items = [plain.items[0].model_copy(update={"body": "Ann’s “tea”"}), plain.items[1]]
        await campaign.publish(plain.model_copy(update={"body": "Everyone’s", "items": items}))
        await settled_of(messaging, campaign_id, 2)
    finally:
        await messaging.gateway.ask(SetPolicy(policy=Policy()), GRANT)

    assert [(await messaging.on_handset(r.number))[0] for r in items] == ['Ann\'s "tea"', "Everyone's"]


async def test_only_the_campaign_service_steers(messaging: Messaging) -> None:
    assert await messaging.gateway.refused(steer(1, "stop", 9), GRANT) is Code.PERMISSION_DENIED
    assert await messaging.count("SELECT count(*) FROM campaigns WHERE campaign_id = 1") == 0


async def test_another_companys_steer_of_a_campaign_changes_nothing(messaging: Messaging, campaign: Client) -> None:
    campaign_id = await parked(messaging, campaign, 3)
    theirs = steer(campaign_id, "stop", 9).model_copy(update={"company_id": COMPANY + 1})
    assert await steered(messaging, campaign, theirs) == 0
    assert await messaging.count(QUEUED, campaign_id) == 3
    await gone(messaging, campaign_id)


async def test_the_index_of_the_queue_finds_what_is_steered(messaging: Messaging) -> None:
    from services.messaging.sending import store as sending

    plan = ""
    async with messaging.process.app.db.transaction() as tx:
        for sql in (sending.STEER_QUEUED, sending.QUEUED_OF_CAMPAIGN):
            arguments = "1, 17, true, NULL, 1.0" if "$5" in sql else "1, 17"
            types = "int, int, bool, timestamptz, float" if "$5" in sql else "int, int"
            await tx.execute(f"PREPARE steer_plan ({types}) AS {sql}")
            plan = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN EXECUTE steer_plan ({arguments})"))
            await tx.execute("DEALLOCATE steer_plan")
            assert "open_texts_queue" in plan, plan


async def somebody_waits(messaging: Messaging) -> None:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await eventually(lambda: messaging.count(sql))


async def _true(answer: bool) -> bool:
    return answer
