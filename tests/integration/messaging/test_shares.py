"""Who waits for whom: companies share a lane by weight, and lanes do not wait for each other. Told by the ledger's order, not by a clock."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from libs.common.contracts.auth import SEND
from libs.common.contracts.messaging import SendVerification, State
from libs.common.contracts.usage import SetAccount
from libs.common.ids import uuid7
from services.messaging.sending.rules import Lane
from services.messaging.submitting import loop as submitting
from tests.harness import eventually, grant
from tests.integration.messaging.conftest import number
from tests.integration.messaging.operated import Operated

CAMPAIGNS = itertools.count(900_000)
CLAIM = 250


async def waiting(operated: Operated, company_id: int, texts: int) -> int:
    """A campaign of that company, of which everything waits in the queue."""
    campaign_id = next(CAMPAIGNS)
    await operated.execute(
        "INSERT INTO campaigns (campaign_id, company_id, sender, body) VALUES ($1, $2, '82830', 'Sale now on')",
        campaign_id,
        company_id,
    )
    await operated.execute(
        "INSERT INTO open_texts (id, company_id, lane, number, sender, campaign_id, position) "
        "SELECT (left(uuid7_floor(now())::text, 15) || right(gen_random_uuid()::text, 21))::uuid, $1, 2,"
        " '+4474' || lpad(($2::int % 100)::text, 3, '0') || lpad(n::text, 5, '0'), '82830', $2, n"
        " FROM generate_series(1, $3) AS n",
        company_id,
        campaign_id,
        texts,
    )
    return campaign_id


async def claimed_in_turn(operated: Operated, claims: int, *companies: int) -> list[Counter[int]]:
    """What each of so many claims has of each company, one after the other; then they are as they were."""
    desk = operated.desk("embedded")
    turns = []
    async with operated.app.db.transaction() as tx:
        for _ in range(claims):
            rows = await submitting._claim(operated.app, desk, tx, Lane.BULK, desk.floors, uuid7())
            turns.append(Counter(row["company_id"] for row in rows))
        await tx.execute("DELETE FROM open_texts WHERE company_id = ANY($1::int[])", companies)
    return turns


async def held(operated: Operated) -> Any:
    """Nothing is claimed but by the test."""
    desk = operated.desk("embedded")
    await operated.set("embedded", state="paused")
    await eventually(lambda: _paused(desk))
    return desk


async def _paused(desk: Any) -> bool:
    return bool(desk.paused)


async def test_a_companys_thousand_is_not_delayed_by_anothers_twenty_thousand_beyond_its_share(
    operated: Operated,
) -> None:
    await held(operated)
    big, small = operated.company + 400_000, operated.company + 500_000
    await waiting(operated, big, 20_000)
    await waiting(operated, small, 1_000)

    turns = await claimed_in_turn(operated, 12, big, small)

    assert [turn.total() for turn in turns] == [CLAIM] * 12
    assert [turn[small] for turn in turns[:8]] == [125] * 8
    assert sum(turn[big] for turn in turns[:8]) == 1_000, "as much as the other, until it was done"
    assert [turn[big] for turn in turns[8:]] == [CLAIM] * 4, "then all of it"


async def test_by_weight_three_to_one_and_what_one_leaves_the_others_take_in_the_same_claim(operated: Operated) -> None:
    await held(operated)
    heavy, light, few = operated.company + 400_000, operated.company + 500_000, operated.company + 600_000
    await operated.console.ask(SetAccount(company_id=heavy, weight=3))
    await operated.seen()
    await waiting(operated, heavy, 20_000)
    await waiting(operated, light, 20_000)
    await waiting(operated, few, 10)

    turns = await claimed_in_turn(operated, 20, heavy, light, few)

    assert [turn.total() for turn in turns] == [CLAIM] * 20
    assert turns[0][few] == 10
    got = sum(turns[1:], Counter[int]())
    assert abs(got[heavy] - 3 * got[light]) <= 3 * 19, "to the nearest text of each claim"


async def test_more_companies_than_a_claim_has_room_for_all_get_their_turn(operated: Operated) -> None:
    await held(operated)
    companies = [operated.company + 400_000 + n for n in range(300)]
    for company_id in companies:
        await waiting(operated, company_id, 3)

    turns = await claimed_in_turn(operated, 4, *companies)

    got = sum(turns, Counter[int]())
    assert [turn.total() for turn in turns] == [CLAIM, CLAIM, CLAIM, 900 - 3 * CLAIM]
    assert min(got[company_id] for company_id in companies) == 3


async def test_a_code_and_a_single_text_do_not_wait_behind_twenty_thousand_of_a_campaign(operated: Operated) -> None:
    campaign_id = await waiting(operated, operated.company, 20_000)
    under_way = "SELECT count(*) > 500 FROM (SELECT FROM texts WHERE campaign_id = $1 LIMIT 501) AS first"
    await eventually(lambda: operated.messaging.count(under_way, campaign_id), within_s=30)
    code = SendVerification(to=number(700), sender="82830", body="Code <>", placeholder="<>")
    verification = (await operated.messaging.gateway.ask(code, grant(operated.company, SEND))).id
    single = await operated.send(number(701))
    for id_ in (verification, single):
        await operated.messaging.becomes(id_, State.DELIVERED, within_s=30)
        left = await operated.messaging.count(
            "SELECT count(*) FROM open_texts WHERE campaign_id = $1 AND claim_id IS NULL", campaign_id
        )
        assert left > 5_000, "the campaign was still waiting when it had arrived"
    # Of what was claimed while they waited, which is from the making of their ids to their claim, the campaign had two claims in hand and began few more.
    for id_ in (verification, single):
        passed = await operated.messaging.count(
            "WITH mine AS (SELECT claimed_at, to_timestamp(('x' || replace(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000.0) AS made_at"
            " FROM texts WHERE id = $1)"
            " SELECT count(*) FROM (SELECT claimed_at FROM texts WHERE campaign_id = $2 UNION ALL"
            " SELECT claimed_at FROM open_texts WHERE campaign_id = $2 AND claim_id IS NOT NULL) AS c, mine"
            " WHERE c.claimed_at BETWEEN mine.made_at AND mine.claimed_at",
            id_,
            campaign_id,
        )
        assert passed <= 8 * CLAIM
    await operated.execute("DELETE FROM open_texts WHERE campaign_id = $1 AND claim_id IS NULL", campaign_id)
