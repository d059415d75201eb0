"""Texts for later: sent at their time and not before, cancelled or stopped until then, and a burden to nobody while they wait."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from libs.common.clock import now
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped, ContactState
from libs.common.contracts.messaging import (
    SCHEDULE_DAYS_MAX,
    CancelText,
    ReadText,
    SendText,
    State,
    TextsSettled,
)
from libs.common.ids import uuid7
from services.messaging.app import Messaging as App
from services.messaging.sending.rules import TRANSACTIONAL_LIFE, Lane
from services.messaging.submitting import store
from services.messaging.submitting.floors import BEGINNING
from tests.harness import client, eventually, heard
from tests.infra import Infra
from tests.integration.messaging.conftest import COMPANY, GRANT, OTHERS_GRANT, TEST_GRANT, Messaging, fresh, number

HOUR_S = 3600.0


async def test_a_text_goes_out_at_its_time_and_not_before_though_nothing_wakes_it(messaging: Messaging) -> None:
    send_at = now() + timedelta(seconds=2)
    ask = SendText(to=number(100), sender="82830", body="At its time", send_at=send_at)
    id_ = (await messaging.gateway.ask(ask, GRANT)).id
    waiting = await messaging.gateway.ask(ReadText(id=id_), GRANT)
    await messaging.becomes(id_, State.DELIVERED)
    sent = await messaging.gateway.ask(ReadText(id=id_), GRANT)

    assert (waiting.state, waiting.send_at, waiting.submitted_at) == (State.QUEUED, send_at, None)
    assert sent.submitted_at is not None
    assert send_at <= sent.submitted_at < send_at + timedelta(seconds=2)
    assert sent.send_at == send_at
    assert await messaging.on_handset(number(100)) == ["At its time"]


@pytest.mark.parametrize("ago_s", [0.0, HOUR_S, 400 * 24 * HOUR_S])
async def test_a_time_that_has_passed_is_now(messaging: Messaging, ago_s: float) -> None:
    id_ = await messaging.schedule(number(101), -ago_s)

    await messaging.becomes(id_, State.DELIVERED)
    assert (await messaging.gateway.ask(ReadText(id=id_), GRANT)).send_at is None


async def test_a_text_waits_until_two_days_after_its_time_and_ninety_days_are_the_furthest(
    messaging: Messaging,
) -> None:
    furthest = timedelta(days=SCHEDULE_DAYS_MAX)
    id_ = await messaging.schedule(number(102), furthest.total_seconds() - 60)
    too_far = SendText(to=number(102), sender="82830", body="x", send_at=now() + furthest + timedelta(minutes=1))

    sql = "SELECT count(*) FROM open_texts WHERE id = $1 AND expires_at = send_at + $2 AND next_attempt_at = send_at"
    assert await messaging.count(sql, id_, TRANSACTIONAL_LIFE) == 1
    assert await messaging.gateway.refused(too_far, GRANT) == Code.INVALID_DATE
    await messaging.gateway.ask(CancelText(id=id_), GRANT)


async def test_a_cancelled_text_never_goes_out_and_its_end_is_announced(messaging: Messaging, infra: Infra) -> None:
    async with heard(infra, TextsSettled) as events:
        id_ = await messaging.schedule(number(103), 1.0, reference="order 7")
        cancel, cancel_id = CancelText(id=id_), fresh()
        for _ in range(3):  # a repeat is answered as the first was
            await messaging.gateway.ask(cancel, GRANT, cancel_id)
        after = await messaging.schedule(number(104), 1.2)
        await messaging.becomes(after, State.DELIVERED)  # so the other's time has passed too

        async def told() -> bool:
            return any(item.id == id_ for event in events for item in event.items)  # type: ignore[attr-defined]

        await eventually(told)

    [item] = [item for event in events for item in event.items if item.id == id_]  # type: ignore[attr-defined]
    assert (item.state, item.reference) == (State.CANCELLED, "order 7")
    assert await messaging.state_of(id_) == State.CANCELLED
    assert await messaging.on_handset(number(103)) == []
    assert await messaging.gateway.refused(cancel, GRANT) == Code.WRONG_STATE


async def test_only_what_is_queued_and_the_companys_own_can_be_cancelled(messaging: Messaging, infra: Infra) -> None:
    campaign, recipient = 20_001, Recipient(id=uuid7(), position=1, number="+447400200001")
    window = RecipientsHandedOver(company_id=COMPANY, campaign_id=campaign, sender="82830", body="x", items=[recipient])
    delivered, waiting = await messaging.send(number(105)), await messaging.schedule(number(106), HOUR_S)
    async with client(infra, "campaign") as as_campaign:
        await as_campaign.publish(window)
        await messaging.becomes(delivered, State.DELIVERED)
        await eventually(lambda: messaging.count("SELECT count(*) FROM texts WHERE id = $1", recipient.id))

    refused = messaging.gateway.refused
    assert await refused(CancelText(id=delivered), GRANT) == Code.WRONG_STATE
    assert await refused(CancelText(id=recipient.id), GRANT) == Code.WRONG_STATE
    assert await refused(CancelText(id=fresh()), GRANT) == Code.NOT_FOUND
    for others in (delivered, waiting, recipient.id):
        assert await refused(CancelText(id=others), OTHERS_GRANT) == Code.NOT_FOUND
    assert await refused(CancelText(id=waiting), TEST_GRANT) == Code.PERMISSION_DENIED
    assert await messaging.state_of(waiting) == State.QUEUED
    await messaging.gateway.ask(CancelText(id=waiting), GRANT)


async def test_a_cancel_that_races_the_claim_ends_in_exactly_one_of_two_ways(messaging: Messaging) -> None:
    texts = {await messaging.schedule(f"+4474003{n:05d}", 1.0): f"+4474003{n:05d}" for n in range(60)}

    async def cancelled(n: int, id_: object) -> bool:
        await asyncio.sleep(0.8 + n * 0.01)  # from before their time to after the claim
        try:
            await messaging.gateway.ask(CancelText.model_validate({"id": id_}), GRANT)
        except Refusal as refusal:
            codes.add(refusal.code)
            return False
        return True

    codes: set[Code] = set()
    answers = await asyncio.gather(*(cancelled(n, id_) for n, id_ in enumerate(texts)))

    assert codes <= {Code.WRONG_STATE}
    for (id_, to), was_cancelled in zip(texts.items(), answers, strict=True):
        await messaging.becomes(id_, State.CANCELLED if was_cancelled else State.DELIVERED)
        assert await messaging.on_handset(to) == ([] if was_cancelled else ["For later"])
    assert (await messaging.simulator.stats())["submits"] == answers.count(False)


async def test_a_cancel_waits_for_a_claim_that_was_quicker_and_is_refused(messaging: Messaging) -> None:
    app: App = messaging.process.app
    id_ = await messaging.schedule(number(107), HOUR_S)
    async with app.db.transaction() as tx:
        await tx.execute("UPDATE open_texts SET next_attempt_at = now() - interval '1 hour' WHERE id = $1", id_)
        claimed = await store.claim_queued(tx, 1, Lane.ORDINARY, {COMPANY: BEGINNING}, {COMPANY: 10}, uuid7())
        refused = asyncio.create_task(messaging.gateway.refused(CancelText(id=id_), GRANT))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'"
        await eventually(lambda: messaging.count(waiting))

    assert [row["id"] for row in claimed] == [id_]
    assert await refused == Code.WRONG_STATE
    assert await messaging.state_of(id_) == State.SUBMITTING
    async with app.db.transaction() as tx:
        await tx.execute("DELETE FROM open_texts WHERE id = $1", id_)
        await tx.execute("DELETE FROM claims WHERE worker = 'a test'")


async def test_a_stop_ends_what_is_scheduled_and_a_later_start_does_not_bring_it_back(
    messaging: Messaging, infra: Infra
) -> None:
    def contact(sequence: int) -> ContactState:
        return ContactState(number=number(108), header="82830", sequence=sequence, at=now())

    id_ = await messaging.schedule(number(108), HOUR_S)
    async with client(infra, "inbound") as inbound:
        await inbound.publish(ContactsStopped(company_id=COMPANY, items=[contact(1)]))
        await messaging.becomes(id_, State.SUPPRESSED)
        assert (
            await messaging.gateway.refused(
                SendText(to=number(108), sender="82830", body="x", send_at=now() + timedelta(hours=1)), GRANT
            )
            == Code.OPTED_OUT
        )
        await inbound.publish(ContactsReinstated(company_id=COMPANY, items=[contact(2)]))

    assert await messaging.on_handset(number(108)) == []
    assert await messaging.gateway.refused(CancelText(id=id_), GRANT) == Code.WRONG_STATE


async def test_what_waits_for_later_takes_no_share_of_a_claim_and_is_not_walked_through(messaging: Messaging) -> None:
    """A hundred companies with texts for tomorrow, one with texts for now: the claim is all of it, and touches nothing else."""
    app: App = messaging.process.app
    async with app.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO open_texts (id, company_id, lane, number, sender, body, next_attempt_at) "
            "SELECT gen_random_uuid(), 1000 + n % 100, 1, '+447400000000', 'x', 'x', now() + interval '1 day' FROM generate_series(1, 5000) AS n"
        )
        await tx.execute(
            "INSERT INTO open_texts (id, company_id, lane, number, sender, body) "
            "SELECT gen_random_uuid(), 1050, 1, '+447400000000', 'x', 'x' FROM generate_series(1, 40)"
        )
        waiting = await store.waiting_companies(tx, 1, Lane.ORDINARY)
        floors = dict.fromkeys(waiting, BEGINNING)
        claimed = await store.claim_queued(tx, 1, Lane.ORDINARY, floors, dict.fromkeys(floors, 30), uuid7())
        # The next one reaches the end of what is due: there it must stop.
        claim = (Lane.ORDINARY, [30] * len(floors), uuid7(), list(floors), list(floors.values()), 1)
        plan = await tx.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {store.CLAIM}", *claim)
        left = await tx.fetchval("SELECT count(*) FROM open_texts WHERE company_id = 1050 AND claim_id IS NULL")
        await tx.execute("DELETE FROM open_texts WHERE company_id BETWEEN 1000 AND 1100")
        await tx.execute("DELETE FROM claims WHERE worker = 'a test'")

    assert waiting == [1050]
    assert (len(claimed), left) == (30, 50)
    assert not re.search(r'Rows Removed by Filter": [1-9]', plan)
