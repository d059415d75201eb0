"""What a dry run is told is what sending then does: the same recipients are forecast, then sent, and compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from libs.common.clock import now
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import Recipient, RecipientsHandedOver
from libs.common.contracts.inbound import ContactsStopped, ContactState
from libs.common.contracts.messaging import Forecast, ForecastItem, ForecastTexts
from libs.common.contracts.policies import Policy, SetPolicy
from libs.common.contracts.routing import AddRoute, ListRoutes, NewRoute, RemoveRoute
from libs.common.contracts.usage import Price, SetPrices
from libs.common.ids import uuid7
from tests.harness import client, eventually, grant
from tests.integration.messaging.operated import BEACON, CABLE, LONG, Operated

CURLY = "It’s on its way, don’t wait… " * 3  # two parts as Unicode, one in the GSM alphabet
SPLIT = "x" * 306  # two parts with a header of 6 octets, three with one of 7
BODIES = (None, CURLY, LONG, SPLIT, "Party 🎉", "€" * 100)
PRICES = {"+": 90_000, "+44": 40_000, "+4475": 55_000}


def items_of(operated: Operated, first: int) -> list[ForecastItem]:
    numbers = [f"+4474{operated.company:04d}{first + n:04d}" for n in range(60)]
    numbers += [f"+4475{operated.company:04d}{first + n:04d}" for n in range(12)]
    numbers += ["+447012345678", "+447612345678", "+449098765432"]  # no text reaches them
    numbers += [f"+4915{operated.company:05d}{n:04d}" for n in range(3)]
    return [ForecastItem(number=number, body=BODIES[n % len(BODIES)]) for n, number in enumerate(numbers)]


async def forecast(operated: Operated, items: list[ForecastItem], **more: Any) -> Forecast:
    ask = ForecastTexts(company_id=operated.company, sender="82830", body="Sale now on", items=items, **more)
    async with client(operated.messaging.gateway.infra, "campaign") as campaign:
        return await campaign.ask(ask)


async def sent(operated: Operated, campaign_id: int, items: list[ForecastItem]) -> list[Any]:
    """The ledger's rows of them, once all have ended."""
    window = RecipientsHandedOver(
        company_id=operated.company,
        campaign_id=campaign_id,
        sender="82830",
        body="Sale now on",
        items=[Recipient(id=uuid7(), position=n, number=i.number, body=i.body) for n, i in enumerate(items, 1)],
    )
    async with client(operated.messaging.gateway.infra, "campaign") as campaign:
        await campaign.publish(window)

    async def all_ended() -> list[Any]:
        rows = await operated.rows("SELECT state, reason, taken FROM texts WHERE campaign_id = $1", campaign_id)
        return rows if len(rows) == len(items) else []

    rows: list[Any] = await eventually(all_ended, within_s=30)
    return rows


async def stop(operated: Operated, numbers: list[str], **more: Any) -> None:
    contacts = [ContactState(number=number, header="82830", sequence=1, at=now(), **more) for number in numbers]
    async with client(operated.messaging.gateway.infra, "inbound") as inbound:
        await inbound.publish(ContactsStopped(company_id=operated.company, items=contacts))
    sql = "SELECT count(*) = $2 FROM suppressions WHERE number = ANY($1::text[])"
    await eventually(lambda: operated.messaging.count(sql, numbers, len(numbers)))


@pytest.mark.parametrize("near_gsm", [False, True])
async def test_sending_does_what_was_forecast(operated: Operated, near_gsm: bool) -> None:
    await operated.console.ask(SetPrices(currency="GBP", prices=[Price(prefix=p, micros=m) for p, m in PRICES.items()]))
    await operated.console.ask(SetPolicy(company_id=operated.company, policy=Policy(near_gsm=near_gsm)))
    await operated.route(BEACON, prefix="+4475")  # its parts have a header of 7 octets
    await operated.seen()
    items = items_of(operated, 100 * near_gsm)
    await stop(operated, [items[3].number, items[9].number])
    await stop(operated, [items[15].number], soft=True)
    await stop(operated, [items[21].number], scope="header:82830")
    await stop(operated, [items[27].number], scope="header:another")

    told = await forecast(operated, items)
    rows = await sent(operated, 70_000 + operated.company, items)

    out = Counter(row["reason"] for row in rows if row["state"] in ("suppressed", "rejected"))
    assert told.left_out == out
    assert {reason: count for reason, count in out.items() if "opted" in reason} == {
        "opted out": 3,
        "it may have opted out: a person has to read its text": 1,
    }
    assert told.would_get == sum(row["taken"] > 0 for row in rows) == len(items) - 7
    assert told.by_parts == Counter(row["taken"] for row in rows if row["taken"])
    assert 3 in told.by_parts
    getting = [item for n, item in enumerate(items) if n not in {3, 9, 15, 21, 72, 73, 74}]
    unicode = sum(item.body == BODIES[4] or (item.body == CURLY and not near_gsm) for item in getting)
    assert told.texts == {"ucs2": unicode, "gsm": len(getting) - unicode}
    [used] = await operated.rows(
        "SELECT sum(micros)::bigint AS micros, sum(parts)::int AS parts, sum(texts)::int AS texts FROM usage_entries WHERE campaign_id = $1",
        70_000 + operated.company,
    )
    assert (told.micros, told.currency) == (used["micros"], "GBP")
    assert used["parts"] == sum(parts * texts for parts, texts in told.by_parts.items())
    assert used["texts"] == told.would_get


async def test_whom_no_route_reaches_is_left_out_as_sending_leaves_him_out(operated: Operated) -> None:
    [everything] = (await operated.console.ask(ListRoutes())).items
    await operated.console.ask(RemoveRoute(id=everything.id))
    await operated.route(CABLE, prefix="+4475")
    await operated.seen()
    items = items_of(operated, 200)
    try:
        told = await forecast(operated, items)
        rows = await sent(operated, 75_000 + operated.company, items)
    finally:
        await operated.console.ask(AddRoute(route=NewRoute(carrier="embedded", position=1000)))

    assert told.left_out == Counter(row["reason"] for row in rows if row["state"] == "rejected")
    assert told.left_out == {"no route: no carrier is for such texts": len(items) - 12}
    assert told.would_get == sum(row["state"] == "delivered" for row in rows) == 12


async def test_a_test_costs_nothing_and_only_campaign_may_ask(operated: Operated) -> None:
    told = await forecast(operated, items_of(operated, 300), test=True)

    assert (told.would_get, told.micros) == (75, 0)
    ask = ForecastTexts(company_id=operated.company, sender="82830", body="x", items=[])
    assert await operated.messaging.gateway.refused(ask, grant(operated.company, "send")) == Code.PERMISSION_DENIED
