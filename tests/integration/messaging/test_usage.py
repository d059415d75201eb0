"""Usage: every part that a carrier took or may have taken is counted once, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from libs.common.clock import now
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.messaging import ReadMessagingBooks, SettleInDoubt, State
from libs.common.contracts.policies import Policy
from libs.common.contracts.usage import Price, ReadPrices, ReadUsage, SetPrices, UsageRow
from libs.common.ids import uuid7
from services.messaging.doubts import loop as doubts
from services.messaging.submitting import loop as submitting
from services.messaging.usage.loop import sum_up
from tests.harness import client, eventually, grant
from tests.integration.messaging.conftest import COMPANY, TEST_GRANT, number
from tests.integration.messaging.operated import BEACON, LONG, Operated

THIS_MONTH = now().date().replace(day=1)
PRICE = 40_000


@pytest.fixture
async def priced(operated: Operated) -> Operated:
    await operated.console.ask(SetPrices(currency="GBP", prices=[Price(prefix="+", micros=PRICE)]))
    await operated.seen()
    return operated


async def usage(operated: Operated, **query: Any) -> list[UsageRow]:
    ask = ReadUsage(since=THIS_MONTH, until=THIS_MONTH, **query)
    return (await operated.messaging.gateway.ask(ask, grant(operated.company))).rows


async def counted(operated: Operated) -> tuple[int, int]:
    """Texts and parts of the company, by the usage; and that they are what its rows say."""
    rows = await usage(operated)
    texts, parts = sum(row.texts for row in rows), sum(row.parts for row in rows)
    [ledger] = await operated.rows(
        "SELECT count(*) FILTER (WHERE taken > 0)::int AS texts, coalesce(sum(taken), 0)::int AS parts FROM"
        " (SELECT taken FROM texts WHERE company_id = $1 AND NOT test UNION ALL SELECT taken FROM open_texts WHERE company_id = $1 AND NOT test) AS t",
        operated.company,
    )
    assert (texts, parts) == (ledger["texts"], ledger["parts"])
    assert sum(row.micros for row in rows) == parts * PRICE
    return texts, parts


def window(operated: Operated, campaign_id: int, numbers: list[str], **more: Any) -> RecipientsHandedOver:
    items = [Recipient(id=uuid7(), position=n, number=to) for n, to in enumerate(numbers, 1)]
    fields = {"sender": "Heliograph", "body": "Sale now on"} | more
    return RecipientsHandedOver(company_id=operated.company, campaign_id=campaign_id, items=items, **fields)


async def send_window(operated: Operated, window: RecipientsHandedOver) -> None:
    async with client(operated.messaging.gateway.infra, "campaign") as campaign:
        await campaign.publish(window)
    sql = "SELECT count(*) = $2 FROM texts WHERE campaign_id = $1"
    await eventually(lambda: operated.messaging.count(sql, window.campaign_id, len(window.items)), within_s=30)


async def test_singles_and_campaigns_are_told_by_sender_and_campaign_and_stay_the_same_when_summed_up(
    priced: Operated,
) -> None:
    ids = [await priced.send(number(500 + n), LONG if n % 2 else "Short") for n in range(4)]
    for id_ in ids:
        await priced.messaging.becomes(id_, State.DELIVERED)
    await send_window(priced, window(priced, 80_000 + priced.company, [number(510 + n) for n in range(20)]))

    rows = await usage(priced)
    assert [(r.sender, r.campaign_id, r.texts, r.parts, r.micros) for r in rows] == [
        ("82830", 0, 4, 8, 8 * PRICE),
        ("Heliograph", 80_000 + priced.company, 20, 20, 20 * PRICE),
    ]
    assert {(row.month, row.company_id) for row in rows} == {(THIS_MONTH, priced.company)}
    while await priced.messaging.count("SELECT count(*) FROM usage_entries WHERE company_id = $1", priced.company):
        await sum_up(priced.app)
    assert await usage(priced) == rows
    ids = [await priced.send(number(505))]
    await priced.messaging.becomes(ids[0], State.DELIVERED)
    assert [(r.texts, r.parts) for r in await usage(priced)] == [(5, 9), (20, 20)]
    assert await counted(priced) == (25, 29)


async def test_sums_taken_at_once_count_every_entry_once(priced: Operated) -> None:
    await priced.execute(
        "INSERT INTO usage_entries (month, company_id, sender, brand, campaign_id, texts, parts, micros) "
        "SELECT $2, $1, 's' || n % 7, '', n % 5, 1, 2, 3 FROM generate_series(1, 12000) AS n",
        priced.company,
        THIS_MONTH,
    )

    async def until_done() -> None:
        while await priced.messaging.count("SELECT count(*) FROM usage_entries WHERE company_id = $1", priced.company):
            await sum_up(priced.app)

    await asyncio.gather(*(until_done() for _ in range(4)))
    rows = await usage(priced)
    assert (sum(r.texts for r in rows), sum(r.parts for r in rows), sum(r.micros for r in rows)) == (
        12_000,
        24_000,
        36_000,
    )
    await priced.execute("DELETE FROM usage_months WHERE company_id = $1", priced.company)


async def test_what_a_carrier_refuses_is_given_back_and_what_it_takes_later_is_counted(priced: Operated) -> None:
    await priced.route(BEACON)
    await priced.seen()
    await priced.simulator.fault("throttle", count=2, number=number(520), retry_after_s=0.1)
    await priced.simulator.fault("refuse", count=1, number=number(521))
    taken = await priced.send(
        number(520), LONG
    )  # one part is refused at first, then another: only those are sent again
    refused = await priced.send(number(521))
    await priced.messaging.becomes(taken, State.DELIVERED, within_s=20)
    await priced.messaging.becomes(refused, State.REJECTED)

    assert await counted(priced) == (1, 3)


async def test_a_long_text_that_failed_half_way_counts_what_is_out(priced: Operated) -> None:
    await priced.route(BEACON)
    await priced.seen()
    await priced.simulator.fault("refuse", count=1, number=number(525))
    id_ = await priced.send(number(525), LONG)
    await priced.messaging.becomes(id_, State.FAILED)

    assert await counted(priced) == (1, 2)


async def test_a_lost_answer_counts_for_it_may_have_been_taken_and_is_not_counted_again(priced: Operated) -> None:
    await priced.route(BEACON)
    await priced.seen()
    await priced.simulator.fault("no_answer", count=3, number=number(530))
    id_ = await priced.send(number(530), LONG)
    await priced.messaging.becomes(id_, State.IN_DOUBT)
    assert await counted(priced) == (1, 3)

    await priced.console.ask(SettleInDoubt(id=id_, state=State.DELIVERED))
    assert await counted(priced) == (1, 3)


async def test_a_doubt_that_is_tried_once_more_counts_twice_for_it_may_go_out_twice(priced: Operated) -> None:
    await priced.route(BEACON)
    await priced.choose(Policy(in_doubt="retry_once"))
    await priced.seen()
    await priced.simulator.fault("no_answer", count=1, number=number(535))
    id_ = await priced.send(number(535))
    await priced.messaging.becomes(id_, State.IN_DOUBT)
    await priced.execute("UPDATE doubts SET at = at - interval '5 minutes' WHERE text_id = $1", id_)
    await doubts.settle_by_policy(priced.app)
    await priced.messaging.becomes(id_, State.DELIVERED)

    assert await counted(priced) == (1, 2)


async def test_a_receipt_that_overtakes_the_answer_counts_what_the_claim_says(priced: Operated) -> None:
    """It ends the text before the settling could write down what was taken."""
    numbers = [number(540 + n) for n in range(9)]
    for to in numbers[:5]:
        await priced.simulator.fault("receipt_before_answer", count=1, number=to, delay_ms=300)
    campaign_id = 81_000 + priced.company
    await send_window(priced, window(priced, campaign_id, numbers, body=LONG))

    rows = await priced.rows("SELECT taken, submitted_at FROM texts WHERE campaign_id = $1", campaign_id)
    assert [row["taken"] for row in rows] == [3] * 9
    assert any(row["submitted_at"] is None for row in rows), "some were overtaken"
    await eventually(lambda: priced.messaging.count("SELECT count(*) = 0 FROM claims"))
    assert await counted(priced) == (9, 27)


async def test_a_dead_workers_claim_stays_counted_and_its_late_settling_changes_nothing(priced: Operated) -> None:
    app = priced.app
    claim_id, id_ = uuid7(), uuid7()
    await priced.execute(
        "INSERT INTO open_texts (id, company_id, lane, number, sender, body, state, claim_id, claimed_at) "
        "VALUES ($1, $2, 1, '+447700900033', '82830', 'x', 'submitting', $3, now())",
        id_,
        priced.company,
        claim_id,
    )
    await priced.execute(
        "INSERT INTO claims (id, worker, carrier, lease_until, texts, taken) VALUES ($1, 'dead', 'embedded', now() - interval '1 hour', $2, '{3}')",
        claim_id,
        [id_],
    )
    await priced.execute(
        "INSERT INTO usage_entries (month, company_id, sender, brand, campaign_id, texts, parts, micros) VALUES ($1, $2, '82830', '', 0, 1, 3, $3)",
        THIS_MONTH,
        priced.company,
        3 * PRICE,
    )
    assert await submitting.take_over_abandoned(app) == 1
    assert await counted(priced) == (1, 3)
    async with app.db.transaction() as tx:
        await submitting.store.submitted_if_claimed(tx, claim_id, "embedded", [id_], ["r"], [3])
    assert await counted(priced) == (1, 3)


async def test_tests_and_suppressed_texts_cost_nothing(priced: Operated) -> None:
    id_ = await priced.messaging.gateway.ask(submit_test(), TEST_GRANT)
    await priced.messaging.becomes(id_.id, State.DELIVERED)

    assert await usage(priced) == []
    mine = await priced.messaging.gateway.ask(ReadUsage(since=THIS_MONTH, until=THIS_MONTH), grant(COMPANY))
    tested = await priced.messaging.count("SELECT taken FROM texts WHERE id = $1", id_.id)
    assert tested == 1
    assert "never left" not in str(mine)


def submit_test() -> Any:
    from libs.common.contracts.messaging import SendText

    return SendText(to=number(549), sender="82830", body="never left")


async def test_the_books_find_what_the_usage_lacks(priced: Operated) -> None:
    campaign_id = 82_000 + priced.company
    await send_window(priced, window(priced, campaign_id, [number(550 + n) for n in range(30)]))
    books = ReadMessagingBooks(campaigns=[campaign_id])

    assert (await priced.console.ask(books)).faults == []
    await priced.execute("UPDATE texts SET taken = 2 WHERE campaign_id = $1 AND position = 7", campaign_id)
    assert (await priced.console.ask(books)).faults == [
        "1 parts of campaigns stand in the usage and not in the texts, or the other way"
    ]
    await priced.execute("UPDATE texts SET taken = 1 WHERE campaign_id = $1 AND position = 7", campaign_id)


async def test_everybody_reads_his_own_and_the_command_line_all(priced: Operated) -> None:
    id_ = await priced.send(number(560))
    await priced.messaging.becomes(id_, State.DELIVERED)
    ask = ReadUsage(since=THIS_MONTH, until=THIS_MONTH)

    others = (await priced.messaging.gateway.ask(ask.model_copy(update={"company_id": priced.company}), grant(99))).rows
    everything = (await priced.console.ask(ask)).rows
    assert others == []
    assert priced.company in {row.company_id for row in everything}
    first = await priced.console.ask(ask.model_copy(update={"limit": 1}))
    rest = await priced.console.ask(ask.model_copy(update={"skip": 1}))
    assert (first.rows + rest.rows, first.more, first.currency) == (everything, len(everything) > 1, "GBP")
    backwards = ReadUsage(since=date(2026, 2, 1), until=date(2026, 1, 1))
    assert await priced.messaging.gateway.refused(backwards, grant(priced.company)) == Code.INVALID_REQUEST


async def test_prices_are_replaced_whole_and_what_was_sent_keeps_its_cost(priced: Operated) -> None:
    id_ = await priced.send(number(565))
    await priced.messaging.becomes(id_, State.DELIVERED)
    new = [Price(prefix="+44", micros=7), Price(prefix="+447700900566", micros=11)]
    await priced.console.ask(SetPrices(currency="EUR", prices=new))
    await priced.seen()
    for to in (number(566), number(567)):
        await priced.messaging.becomes(await priced.send(to), State.DELIVERED)

    assert [row.micros for row in await usage(priced)] == [PRICE + 11 + 7]
    told = await priced.messaging.gateway.ask(ReadPrices(), grant(priced.company))
    assert (told.currency, told.prices) == ("EUR", new)
    twice = SetPrices(currency="EUR", prices=[Price(prefix="+1", micros=1), Price(prefix="+1", micros=2)])
    assert await priced.console.ask(ReadPrices()) == told
    async with client(priced.messaging.gateway.infra, "console") as console:
        assert await console.refused(twice) == Code.INVALID_REQUEST
    assert (
        await priced.messaging.gateway.refused(SetPrices(currency="EUR", prices=[]), grant(1)) == Code.PERMISSION_DENIED
    )
    assert await priced.console.ask(ReadPrices()) == told
