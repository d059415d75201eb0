"""Numbers that failed: for good at once, for now after three campaigns; what stands against them, until when, and how it is lifted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from libs.common.clock import now
from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.messaging import FailedNumber, LiftFailed, ReadFailed, State
from libs.common.ids import uuid7
from services.messaging.suppressions.rules import PERMANENT_FOR, TEMPORARY_FOR
from tests.harness import client, eventually, grant
from tests.integration.messaging.conftest import number
from tests.integration.messaging.operated import CABLE, Operated

NOT_IN_USE = "+44770090098"  # of the simulator's ranges: for good
SWITCHED_OFF = "+44770090092"  # for now


async def campaign(operated: Operated, id_: int, *numbers: str) -> dict[str, tuple[str, str]]:
    """How a campaign's text to each number ended, and why."""
    items = [Recipient(id=uuid7(), position=n, number=to) for n, to in enumerate(numbers, 1)]
    window = RecipientsHandedOver(
        company_id=operated.company, campaign_id=id_, sender="82830", body="Sale now on", items=items
    )
    async with client(operated.messaging.gateway.infra, "campaign") as told:
        await told.publish(window)
    ends = {}
    for item in items:
        await _ended(operated, item.id)
        [row] = await operated.rows("SELECT state, reason FROM texts WHERE id = $1", item.id)
        ends[item.number] = (row["state"], row["reason"])
    return ends


async def _ended(operated: Operated, id_: UUID) -> None:
    async def so() -> bool:
        return bool(await operated.rows("SELECT FROM texts WHERE id = $1", id_))

    await eventually(so, within_s=20)


async def failed(operated: Operated, **query: Any) -> list[FailedNumber]:
    return (await operated.messaging.gateway.ask(ReadFailed(**query), grant(operated.company))).items


async def by_cable(operated: Operated) -> None:
    await operated.route(CABLE)
    await operated.seen()


async def test_a_number_that_failed_for_good_gets_no_marketing_and_still_what_is_meant_for_it_alone(
    operated: Operated,
) -> None:
    await by_cable(operated)
    to = f"{NOT_IN_USE}1"
    assert (await campaign(operated, 9001, to, number(600)))[to][0] == State.FAILED

    [entry] = await failed(operated)
    assert entry.number == to
    assert abs(entry.until - now() - PERMANENT_FOR) < timedelta(minutes=1)
    assert entry.reason, "the carrier's own word"

    again = await campaign(operated, 9002, to, number(600))
    assert again == {to: (State.SUPPRESSED, "texts to this number failed"), number(600): (State.DELIVERED, "")}
    single = await operated.send(to)
    await _ended(operated, single)
    assert await operated.messaging.state_of(single) == State.FAILED, "it was tried"


async def test_a_single_text_that_failed_for_good_counts_too(operated: Operated) -> None:
    await by_cable(operated)
    to = f"{NOT_IN_USE}2"
    await operated.messaging.becomes(await operated.send(to), State.FAILED)
    assert (await campaign(operated, 9003, to))[to][0] == State.SUPPRESSED


async def test_a_number_refused_as_none_counts_as_one_that_failed_for_good(operated: Operated) -> None:
    await by_cable(operated)
    to = "+447700900991"
    await operated.messaging.becomes(await operated.send(to), State.REJECTED)
    assert [entry.number for entry in await failed(operated)] == [to]


async def test_a_number_that_failed_for_now_does_so_in_three_campaigns_before_it_is_passed_over(
    operated: Operated,
) -> None:
    await by_cable(operated)
    to = f"{SWITCHED_OFF}3"
    for n in range(4):  # singles say nothing of campaigns
        await operated.messaging.becomes(await operated.send(to, f"{n}"), State.FAILED)
    for n in range(3):
        assert await failed(operated) == []
        assert (await campaign(operated, 9010 + n, to))[to][0] == State.FAILED
    [entry] = await failed(operated)
    assert abs(entry.until - now() - TEMPORARY_FOR) < timedelta(minutes=1)
    assert (await campaign(operated, 9013, to))[to][0] == State.SUPPRESSED


async def test_failures_of_long_ago_do_not_count(operated: Operated) -> None:
    await by_cable(operated)
    to = f"{SWITCHED_OFF}4"
    for n in range(2):
        await campaign(operated, 9020 + n, to)
    await operated.execute("UPDATE failures SET at = at - interval '91 days' WHERE number = $1", to)
    assert (await campaign(operated, 9022, to))[to][0] == State.FAILED
    assert await failed(operated) == []


async def test_once_its_time_is_over_or_it_is_lifted_a_number_gets_marketing_again(operated: Operated) -> None:
    await by_cable(operated)
    first, second = f"{NOT_IN_USE}5", f"{NOT_IN_USE}6"
    await campaign(operated, 9030, first, second)
    await operated.execute("UPDATE suppressions SET until = clock_timestamp() WHERE number = $1", first)
    may = grant(operated.company, SEND)
    assert await operated.messaging.gateway.refused(LiftFailed(number=second), grant(operated.company)) == (
        Code.PERMISSION_DENIED
    )
    assert await operated.messaging.gateway.refused(LiftFailed(number=second), grant(17, SEND)) == Code.NOT_FOUND
    await operated.messaging.gateway.ask(LiftFailed(number=second), may)
    assert await operated.messaging.gateway.refused(LiftFailed(number=second), may) == Code.NOT_FOUND
    assert await failed(operated) == []

    again = await campaign(operated, 9031, first, second)
    assert {state for state, _ in again.values()} == {State.FAILED}, "both were tried"
    assert {entry.number for entry in await failed(operated)} == {first, second}


async def test_failed_numbers_are_read_by_pages_by_company_and_since_a_moment(operated: Operated) -> None:
    await by_cable(operated)
    numbers = sorted(f"{NOT_IN_USE}{n}" for n in range(5))
    await campaign(operated, 9040, *reversed(numbers))
    assert [entry.number for entry in await failed(operated)] == numbers
    page = await operated.messaging.gateway.ask(ReadFailed(limit=2), grant(operated.company))
    assert ([entry.number for entry in page.items], page.more) == (numbers[:2], True)
    page = await operated.messaging.gateway.ask(ReadFailed(after=numbers[2], limit=2), grant(operated.company))
    assert ([entry.number for entry in page.items], page.more) == (numbers[3:], False)
    assert await failed(operated, since=now() + timedelta(minutes=1)) == []
    assert [entry.number for entry in await failed(operated, since=datetime(1, 1, 2, tzinfo=UTC))] == numbers
    others = await operated.messaging.gateway.ask(ReadFailed(), grant(operated.company + 10_000))
    assert others.items == []
    nonsense = ReadFailed(after="07700 900123")
    assert await operated.messaging.gateway.refused(nonsense, grant(operated.company)) == Code.INVALID_REQUEST
