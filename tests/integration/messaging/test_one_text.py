"""One text, from the ask to the handset and back, and everything that can be wrong with it."""

from __future__ import annotations

import pytest

from libs.common.clock import now
from libs.common.contracts.base import Code
from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped, ContactState
from libs.common.contracts.messaging import SendText, SendVerification, ShowText, State, TextsSettled
from tests.harness import client, eventually, grant, heard
from tests.infra import Infra
from tests.integration.messaging.conftest import COMPANY, GRANT, Messaging, fresh, number


async def test_a_text_reaches_the_handset_once_and_is_delivered_when_its_receipt_comes(messaging: Messaging) -> None:
    id_ = await messaging.send(number(1), "Ünïcödé & €uro\r\nsecond line")

    await messaging.becomes(id_, State.DELIVERED)
    assert await messaging.on_handset(number(1)) == ["Ünïcödé & €uro\r\nsecond line"]


async def test_the_end_of_a_text_is_announced_once_with_its_id(messaging: Messaging, infra: Infra) -> None:
    async with heard(infra, TextsSettled) as events:
        id_ = await messaging.send(number(2))
        await eventually(lambda: _true(events))

        settled = [item for event in events for item in event.items if item.id == id_]  # type: ignore[attr-defined]
    assert [item.state for item in settled] == [State.DELIVERED]


async def test_asking_again_with_the_same_id_sends_nothing_more(messaging: Messaging) -> None:
    id_ = fresh()
    for _ in range(3):
        assert id_ == await messaging.send(number(3), id_=id_)

    await messaging.becomes(id_, State.DELIVERED)
    assert len(await messaging.on_handset(number(3))) == 1


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (SendText(to="not a number", sender="82830", body="x"), Code.INVALID_NUMBER),
        (SendText(to="", sender="82830", body="x"), Code.INVALID_NUMBER),
        (SendText(to=number(4), sender="Somebody", body="x"), Code.INVALID_SENDER),
        (SendText(to=number(4), sender="82830", body="  "), Code.TEXT_EMPTY),
        (SendText(to=number(4), sender="82830", body="x" * 1531), Code.TEXT_TOO_LONG),
        (SendText(to=number(4), sender="82830", body="nul\x00"), Code.INVALID_REQUEST),
        (SendVerification(to=number(4), sender="82830", body="x", rule="3 digits"), Code.INVALID_RULE),
        (SendVerification(to=number(4), sender="82830", body="x", placeholder="[here]"), Code.INVALID_REQUEST),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_leaves_no_row(
    messaging: Messaging, ask: SendText, code: Code
) -> None:
    before = await messaging.count("SELECT count(*) FROM open_texts")

    assert code == await messaging.gateway.refused(ask, GRANT)
    assert before == await messaging.count("SELECT count(*) FROM open_texts")


async def test_only_a_user_who_may_send_sends_and_only_with_a_grant_of_auths(messaging: Messaging) -> None:
    ask = SendText(to=number(4), sender="82830", body="x")

    assert await messaging.gateway.refused(ask, grant(COMPANY)) == Code.PERMISSION_DENIED
    assert await messaging.gateway.refused(ask, "forged.grant") == Code.SESSION_EXPIRED
    assert await messaging.gateway.refused(ask, "") == Code.SESSION_EXPIRED
    assert await messaging.gateway.refused(ask, grant(COMPANY + 1, "send")) == Code.INVALID_SENDER


async def test_a_stopped_number_is_refused_until_it_texts_start(messaging: Messaging, infra: Infra) -> None:
    async with client(infra, "inbound") as inbound:
        await inbound.publish(ContactsStopped(company_id=COMPANY, items=[_contact(number(5), 1)]))
        await eventually(
            lambda: messaging.count("SELECT count(*) FROM suppressions WHERE active AND number = $1", number(5))
        )
        refused = await messaging.gateway.refused(SendText(to=number(5), sender="82830", body="x"), GRANT)
        await inbound.publish(ContactsReinstated(company_id=COMPANY, items=[_contact(number(5), 2)]))
        await eventually(
            lambda: messaging.count(
                "SELECT count(*) FROM suppressions WHERE NOT active AND cause = 'stop' AND number = $1", number(5)
            )
        )

    assert refused == Code.OPTED_OUT
    await messaging.becomes(await messaging.send(number(5)), State.DELIVERED)


async def test_an_older_start_does_not_undo_a_newer_stop(messaging: Messaging, infra: Infra) -> None:
    async with client(infra, "inbound") as inbound:
        await inbound.publish(ContactsStopped(company_id=COMPANY, items=[_contact(number(6), 8)]))
        await eventually(lambda: messaging.count("SELECT count(*) FROM suppressions WHERE sequence = 8"))
        await inbound.publish(ContactsReinstated(company_id=COMPANY, items=[_contact(number(6), 7)]))
        await inbound.publish(ContactsStopped(company_id=COMPANY, items=[_contact(number(7), 9)]))
        await eventually(lambda: messaging.count("SELECT count(*) FROM suppressions WHERE sequence = 9"))

    assert await messaging.gateway.refused(SendText(to=number(6), sender="82830", body="x"), GRANT) == Code.OPTED_OUT


async def test_a_code_is_answered_sent_and_kept_nowhere(messaging: Messaging) -> None:
    id_ = fresh()
    ask = SendVerification(
        to=number(8), sender="Heliograph", body="Your code is [c].", rule="8 mixed clear", placeholder="[c]"
    )

    answer = await messaging.gateway.ask(ask, GRANT, id_)
    again = await messaging.gateway.ask(ask, GRANT, id_)

    await messaging.becomes(id_, State.DELIVERED)
    assert answer == again
    assert [f"Your code is {answer.code}."] == await messaging.on_handset(number(8))
    assert len(answer.code) == 8
    for table in ("open_texts", "texts", "inbox", "outbox"):
        assert await messaging.count(f"SELECT count(*) FROM {table} t WHERE t::text LIKE $1", f"%{answer.code}%") == 0


async def test_operators_see_the_whole_life_of_a_text_but_not_its_body(messaging: Messaging, infra: Infra) -> None:
    id_ = await messaging.send(number(9), "a secret body")
    await messaging.becomes(id_, State.DELIVERED)

    async with client(infra, "console") as console:
        life = await console.ask(ShowText(id=id_))

    what = [step["what"] for step in life.steps]
    assert what[0] == "made, lane ordinary"
    assert "claimed, attempt 1" in what
    assert any(step.startswith("taken by embedded as ") for step in what)
    assert any(step.startswith("receipt ") and step.endswith(": delivered") for step in what)
    assert "route: routes at 1000: embedded 100" in what
    assert "delivered" in what
    assert "secret" not in life.model_dump_json()


async def _true(events: list[object]) -> bool:
    return bool(events)


def _contact(number_: str, sequence: int) -> ContactState:
    return ContactState(number=number_, header="82830", sequence=sequence, at=now())
