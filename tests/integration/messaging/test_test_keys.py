"""What a test key sends goes the whole way of a real text, but for the last step: it never leaves the platform."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from libs.common.clock import now
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.inbound import ContactsStopped, ContactState
from libs.common.contracts.messaging import (
    CancelText,
    FindTexts,
    ReadConversation,
    ReadText,
    RecipientsSettled,
    SendText,
    SendVerification,
    ShowText,
    State,
    TextsSettled,
)
from libs.common.ids import uuid7
from services.messaging.app import Messaging as App
from services.messaging.sending.rules import Lane
from services.messaging.submitting import loop
from tests.harness import client, eventually, heard
from tests.infra import Infra
from tests.integration.messaging.conftest import COMPANY, GRANT, TEST_GRANT, Messaging, number


def text(to: str, **more: object) -> SendText:
    return SendText.model_validate({"to": to, "sender": "82830", "body": "Only a test", **more})


async def test_a_test_is_delivered_by_a_receipt_and_never_leaves(messaging: Messaging, infra: Infra) -> None:
    async with heard(infra, TextsSettled) as events, client(infra, "console") as console:
        id_ = (await messaging.gateway.ask(text(number(130), reference="t1"), TEST_GRANT)).id
        await messaging.becomes(id_, State.DELIVERED)

        async def told() -> list[object]:
            return [event for event in events if any(item.id == id_ for item in event.items)]  # type: ignore[attr-defined]

        [event] = await eventually(told)
        life = await console.ask(ShowText(id=id_))

    assert (event.test, event.items[0].reference) == (True, "t1")
    assert life.carrier == "nowhere"
    what = [step["what"] for step in life.steps]
    assert what[0] == "made, lane ordinary, a test"
    assert {"claimed, attempt 1", f"taken by nowhere as {id_.hex}", f"receipt {id_.hex}: delivered"} <= set(what)
    assert await messaging.simulator.log() == []
    read = await messaging.gateway.ask(ReadText(id=id_), TEST_GRANT)
    assert (read.test, read.body, read.submitted_at is not None) == (True, "Only a test", True)


async def test_tests_and_real_texts_of_one_claim_go_their_own_ways(messaging: Messaging) -> None:
    """All become due at one moment, so that claims hold both kinds."""
    send_at = now() + timedelta(seconds=1)
    real: dict[UUID, str] = {}
    tests: dict[UUID, str] = {}
    for n in range(40):
        to = f"+4474004{n:05d}"
        kind, grant = (real, GRANT) if n % 2 else (tests, TEST_GRANT)
        kind[(await messaging.gateway.ask(text(to, send_at=send_at), grant)).id] = to

    for id_ in (*real, *tests):
        await messaging.becomes(id_, State.DELIVERED)
    submitted = Counter(entry["own_ref"] for entry in await messaging.simulator.log())
    assert submitted == Counter(map(str, real))
    for ids, carrier in ((real, "embedded"), (tests, "nowhere")):
        sql = "SELECT count(*) FROM texts WHERE id = ANY($1::uuid[]) AND carrier = $2 AND submitted_at IS NOT NULL"
        assert await messaging.count(sql, list(ids), carrier) == 20


async def test_a_test_is_refused_for_what_a_real_text_is_refused_for(messaging: Messaging, infra: Infra) -> None:
    contact = ContactState(number=number(131), header="82830", sequence=1, at=now())
    async with client(infra, "inbound") as inbound:
        await inbound.publish(ContactsStopped(company_id=COMPANY, items=[contact]))
        await eventually(lambda: messaging.count("SELECT count(*) FROM suppressions WHERE number = $1", number(131)))

    refused = messaging.gateway.refused
    assert await refused(text(number(131)), TEST_GRANT) == Code.OPTED_OUT
    assert await refused(text(number(132), sender="Somebody"), TEST_GRANT) == Code.INVALID_SENDER
    assert await refused(text("nobody"), TEST_GRANT) == Code.INVALID_NUMBER


async def test_a_tests_code_is_answered_and_nothing_leaves(messaging: Messaging) -> None:
    ask = SendVerification(to=number(133), sender="82830", body="Your code:")
    answer = await messaging.gateway.ask(ask, TEST_GRANT)
    await messaging.becomes(answer.id, State.DELIVERED)

    assert len(answer.code) == 6
    assert await messaging.simulator.log() == []


async def test_a_test_is_no_part_of_a_conversation_but_is_found_and_told_as_one(messaging: Messaging) -> None:
    test = (await messaging.gateway.ask(text(number(134)), TEST_GRANT)).id
    real = await messaging.send(number(134))
    await messaging.becomes(test, State.DELIVERED)
    await messaging.becomes(real, State.DELIVERED)
    waiting = (await messaging.gateway.ask(text(number(134), send_at=now() + timedelta(hours=1)), TEST_GRANT)).id

    conversation = await messaging.gateway.ask(ReadConversation(number=number(134)), GRANT)
    assert [item.id for item in conversation.items] == [real]
    singles = (await messaging.gateway.ask(FindTexts(number=number(134)), GRANT)).items
    assert [(item.id, item.test) for item in singles] == [(test, True), (real, False), (waiting, True)]
    await messaging.gateway.ask(CancelText(id=waiting), TEST_GRANT)


async def test_a_test_campaigns_texts_are_delivered_and_never_leave(messaging: Messaging, infra: Infra) -> None:
    recipients = [Recipient(id=uuid7(), position=n, number=f"+4474005{n:05d}") for n in range(300)]
    window = RecipientsHandedOver(
        company_id=COMPANY, campaign_id=40_001, sender="82830", body="x", test=True, items=recipients
    )
    async with client(infra, "campaign") as campaign, heard(infra, RecipientsSettled) as events:
        await campaign.publish(window)

        async def told() -> bool:
            return sum(len(event.items) for event in events) == 300  # type: ignore[attr-defined]

        await eventually(told)

    assert {(event.test, item.state) for event in events for item in event.items} == {(True, State.DELIVERED)}  # type: ignore[attr-defined]
    assert await messaging.simulator.log() == []


async def test_a_test_goes_on_while_the_network_is_away(messaging: Messaging) -> None:
    await messaging.simulator.kill()
    try:
        id_ = (await messaging.gateway.ask(text(number(135)), TEST_GRANT)).id
        await messaging.becomes(id_, State.DELIVERED)
    finally:
        await messaging.simulator.start()
    app: App = messaging.process.app

    async def connected() -> bool:
        desk = app.desk_of(1)
        return desk is not None and desk.carrier.connected

    await eventually(connected, within_s=30)


@pytest.mark.parametrize("carrier", ["nowhere", "embedded"])
async def test_what_a_dead_worker_had_claimed_is_in_doubt_at_the_carrier_it_would_have_gone_to(
    messaging: Messaging, carrier: str
) -> None:
    app: App = messaging.process.app
    ids, claim_id = [uuid7() for _ in range(3)], uuid7()
    async with app.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO open_texts (id, company_id, lane, test, number, sender, body, state, claim_id, claimed_at) "
            "SELECT id, 17, $2, $4, '+447700900033', '82830', 'x', 'submitting', $3, now() FROM unnest($1::uuid[]) AS t(id)",
            ids,
            Lane.ORDINARY,
            claim_id,
            carrier == "nowhere",
        )
        await tx.execute(
            "INSERT INTO claims (id, worker, carrier, lease_until, texts, taken) "
            "VALUES ($1, 'dead', $3, now() - interval '1 hour', $2, '{1,1,1}')",
            claim_id,
            ids,
            carrier,
        )

    assert await loop.take_over_abandoned(app) == 1
    sql = "SELECT count(*) FROM open_texts WHERE id = ANY($1::uuid[]) AND state = 'in_doubt' AND carrier = $2"
    assert await messaging.count(sql, ids, carrier) == 3
