"""Credit and caps: obeyed at claim, however many claim at once; what a carrier refuses comes back; who runs out is told, and goes on when topped up."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from libs.common.clock import now
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.messaging import State
from libs.common.contracts.usage import Account, AccountLow, Price, ReadAccount, SetAccount, SetPrices
from libs.common.ids import uuid7
from services.messaging.__main__ import SERVICE
from services.messaging.usage import charging
from tests.harness import client, eventually, grant, heard, running
from tests.integration.messaging.conftest import number
from tests.integration.messaging.operated import BEACON, LONG, Operated

PRICE = 40_000
CREDIT_PARTS = 700


@pytest.fixture
async def priced(operated: Operated) -> Operated:
    await operated.console.ask(SetPrices(currency="GBP", prices=[Price(prefix="+", micros=PRICE)]))
    await operated.seen()
    return operated


async def account(operated: Operated, **terms: Any) -> None:
    await operated.console.ask(SetAccount(company_id=operated.company, **terms))
    await operated.seen()


async def read(operated: Operated) -> Account:
    return await operated.messaging.gateway.ask(ReadAccount(), grant(operated.company))


async def hand_over(
    operated: Operated, campaign_id: int, texts: int, company: int = 0, expires_at: datetime | None = None
) -> None:
    company = company or operated.company
    async with client(operated.messaging.gateway.infra, "campaign") as campaign:
        for start in range(0, texts, 500):
            items = [
                Recipient(id=uuid7(), position=n + 1, number=f"+4474{campaign_id % 10_000:04d}{n:04d}")
                for n in range(start, min(start + 500, texts))
            ]
            event = RecipientsHandedOver(
                company_id=company,
                campaign_id=campaign_id,
                sender="82830",
                body="Sale now on",
                items=items,
                expires_at=expires_at,
            )
            await campaign.publish(event)


LEDGER = """
SELECT a.granted_micros - a.spent_micros AS credit, a.spent_micros AS spent,
    (SELECT coalesce(sum(micros), 0)::bigint FROM (
        SELECT micros FROM usage_months WHERE company_id = $1 UNION ALL SELECT micros FROM usage_entries WHERE company_id = $1) AS u) AS used,
    (SELECT coalesce(sum(coalesce(c.taken[array_position(c.texts, o.id)], o.taken)), 0)::bigint
        FROM open_texts o LEFT JOIN claims c ON c.id = o.claim_id WHERE o.company_id = $1)
    + (SELECT coalesce(sum(taken), 0)::bigint FROM texts WHERE company_id = $1) AS taken,
    (SELECT count(*) FROM open_texts WHERE company_id = $1 AND claim_id IS NULL)::int AS queued
FROM accounts a WHERE a.company_id = $1
"""


async def moment(operated: Operated) -> Any:
    """One snapshot of account, usage and texts: they agree at any moment, and no more is spent than was granted."""
    [row] = await operated.rows(LEDGER, operated.company)
    assert row["spent"] == row["used"] == row["taken"] * PRICE
    assert row["credit"] is None or row["credit"] >= 0
    return row


async def at_the_end(operated: Operated) -> bool:
    """Nothing more can go: a long text takes three parts."""
    row = await moment(operated)
    assert row["taken"] <= CREDIT_PARTS
    return bool(row["taken"] > CREDIT_PARTS - 3)


@pytest.mark.parametrize("bound", ["credit", "cap"])
async def test_two_processes_that_claim_at_once_never_spend_more_than_there_is(priced: Operated, bound: str) -> None:
    """Two copies, two lanes, two loops each; some texts are refused at first, so credit comes back in between."""
    campaign_id = 83_000 + priced.company
    terms = (
        {"credit_micros": CREDIT_PARTS * PRICE}
        if bound == "credit"
        else {"parts_a_month": CREDIT_PARTS, "credit_micros": 10**12}
    )
    await account(priced, **terms)
    await priced.simulator.fault("throttle", count=60, retry_after_s=0.2)
    settings = priced.messaging.process.settings
    url = f"tcp://127.0.0.1:{priced.simulator.carrier_port}"
    async with running(priced.messaging.gateway.infra, SERVICE, settings.database_url, simulator_url=url):  # type: ignore[attr-defined]
        await hand_over(priced, campaign_id, 600)
        singles = [priced.send(number(600 + n % 50), f"{n} {LONG}") for n in range(100)]
        await asyncio.gather(*singles)
        await eventually(lambda: at_the_end(priced), within_s=30)
    assert (await moment(priced))["queued"] > 0
    await account(priced, unlimited=True)

    async def all_out() -> bool:
        [row] = await priced.rows(
            "SELECT count(*) AS n FROM texts WHERE company_id = $1 AND state = 'delivered'", priced.company
        )
        return int(row["n"]) == 700

    await eventually(all_out, within_s=30)


async def test_who_runs_out_is_told_once_and_what_waits_goes_when_it_is_topped_up(priced: Operated) -> None:
    await account(priced, credit_micros=10 * PRICE, low_micros=5 * PRICE)
    async with heard(priced.messaging.gateway.infra, AccountLow) as lows:
        for n in range(5):
            await priced.messaging.becomes(await priced.send(number(660 + n)), State.DELIVERED)
        assert [low for low in lows if low.company_id == priced.company] == []
        ids = [await priced.send(number(670 + n)) for n in range(8)]
        for id_ in ids[:5]:
            await priced.messaging.becomes(id_, State.DELIVERED)
        assert [await priced.messaging.state_of(id_) for id_ in ids[5:]] == [State.QUEUED] * 3
        assert (await read(priced)).credit_micros == 0

        async def told() -> bool:
            return any(low.company_id == priced.company for low in lows)

        await eventually(told)
        await account(priced, top_up_micros=100 * PRICE)
        for id_ in ids[5:]:
            await priced.messaging.becomes(id_, State.DELIVERED)
        mine = [low for low in lows if low.company_id == priced.company]
    assert [(low.credit_micros, low.parts_left) for low in mine] == [(mine[0].credit_micros, None)]  # type: ignore[attr-defined]
    assert mine[0].credit_micros < 5 * PRICE  # type: ignore[attr-defined]
    assert (await moment(priced))["credit"] == 97 * PRICE


async def test_a_company_without_credit_costs_the_claims_nothing_more_and_holds_nobody_up(priced: Operated) -> None:
    await account(priced, credit_micros=0)
    await hand_over(priced, 84_000 + priced.company, 1_000)
    other = priced.company + 300_000
    sql = "SELECT count(*) FROM open_texts WHERE company_id = $1"
    await eventually(lambda: priced.messaging.count(f"{sql} AND version > 1", priced.company))  # it was tried
    await hand_over(priced, 86_000 + priced.company, 1_000, company=other)

    delivered = "SELECT count(*) = 1000 FROM texts WHERE company_id = $1 AND state = 'delivered'"
    await eventually(lambda: priced.messaging.count(delivered, other), within_s=30)
    assert await priced.messaging.count(f"{sql} AND state = 'queued'", priced.company) == 1_000
    tries = await priced.messaging.count(
        "SELECT sum(version - 1) / 2 FROM open_texts WHERE company_id = $1", priced.company
    )
    assert tries <= 4 * 250 * 2, "a claim or two of each loop, and then no more"
    await priced.execute("DELETE FROM open_texts WHERE company_id = $1", priced.company)


async def test_what_waits_for_credit_ends_when_its_time_is_over(
    priced: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charging, "TRIED_AGAIN_S", 0.2)  # in place of a minute
    await account(priced, credit_micros=0)
    campaign_id = 85_000 + priced.company
    await hand_over(priced, campaign_id, 300, expires_at=now() + timedelta(seconds=2))

    expired = "SELECT count(*) = 300 FROM texts WHERE campaign_id = $1 AND state = 'expired'"
    await eventually(lambda: priced.messaging.count(expired, campaign_id), within_s=20)
    assert (await moment(priced))["taken"] == 0


async def test_an_account_without_bounds_is_not_touched_by_sending(priced: Operated) -> None:
    await account(priced, weight=3)
    await priced.messaging.becomes(await priced.send(number(680)), State.DELIVERED)

    [row] = await priced.rows("SELECT spent_micros, month_parts FROM accounts WHERE company_id = $1", priced.company)
    assert (row["spent_micros"], row["month_parts"]) == (0, 0)
    told = await read(priced)
    assert (told.credit_micros, told.parts_a_month, told.parts_this_month, told.weight) == (None, None, 1, 3)


async def test_a_cap_counts_what_the_month_had_before_it_was_set(priced: Operated) -> None:
    for n in range(3):
        await priced.messaging.becomes(await priced.send(number(685 + n)), State.DELIVERED)
    await account(priced, parts_a_month=4)
    await priced.messaging.becomes(await priced.send(number(688)), State.DELIVERED)
    waits = await priced.send(number(689))
    await priced.seen()

    assert await priced.messaging.state_of(waits) == State.QUEUED
    assert (await read(priced)).parts_this_month == 4
    await priced.execute(
        "UPDATE accounts SET month = month - 31 WHERE company_id = $1", priced.company
    )  # as the next month finds it
    await priced.messaging.becomes(waits, State.DELIVERED)


async def test_what_a_carrier_refuses_is_credit_again(priced: Operated) -> None:
    await priced.route(BEACON)
    await account(priced, credit_micros=3 * PRICE)
    await priced.simulator.fault("refuse", count=1, number=number(690))
    await priced.messaging.becomes(await priced.send(number(690), LONG), State.FAILED)

    assert (await moment(priced))["credit"] == PRICE


async def test_bad_terms_are_refused_and_change_nothing(priced: Operated) -> None:
    await account(priced, credit_micros=5)
    for terms in ({"unlimited": True, "credit_micros": 1}, {"credit_micros": 1, "top_up_micros": 1}):
        assert await priced.console.refused(SetAccount(company_id=priced.company, **terms)) == Code.INVALID_REQUEST  # type: ignore[arg-type]
    assert await priced.console.refused(SetAccount(company_id=0, weight=1)) == Code.INVALID_REQUEST
    assert (
        await priced.messaging.gateway.refused(SetAccount(company_id=1, weight=1), grant(1)) == Code.PERMISSION_DENIED
    )
    assert (await read(priced)).credit_micros == 5
