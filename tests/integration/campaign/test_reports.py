"""How far a campaign is, told from tallies and what is not tallied yet, and the report of what became of its recipients."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libs.common.contracts.base import Code
from libs.common.contracts.campaign import (
    CampaignState,
    Outcome,
    ReadCampaignBooks,
    ReadProgress,
    ReadReport,
    ReadReportRows,
    RecipientsHandedOver,
)
from libs.common.contracts.messaging import State
from libs.common.db import Tx
from libs.common.service import Process
from services.campaign.recipients import loop as recipients_loop
from services.campaign.recipients import store as recipients
from services.campaign.reports import loop, rules, store
from tests.harness import Client, eventually, grant
from tests.integration.campaign.conftest import (
    all_handed_over,
    launched,
    new_campaign,
    new_list,
    number,
    progress,
    tell_ends,
    value,
)

S = rules.TALLY_SPAN


async def made(process: Process, company_id: int, targeted: int, checkpoint: int, state: str = "paused") -> int:
    """A campaign with rows of its own making; nobody sends it."""
    campaign = (
        "INSERT INTO campaigns (company_id, folder_id, title, body, brand, sender, lease_hours, test, state, launched_at, starts_at, frozen_at,"
        " targeted, checkpoint) VALUES ($1, 0, 'Tea', 'Tea.', '', 'Heliograph', 0, false, $2, now(), now(), now(), $3, $4) RETURNING id"
    )
    id_ = await value(process, campaign, company_id, state, targeted, checkpoint)
    rows = (
        "WITH made AS (INSERT INTO recipients (campaign_id, position, number, text_id)"
        " SELECT $1, p, 447700000000 + p, gen_random_uuid() FROM generate_series(1, $2::int) p RETURNING 1) SELECT count(*) FROM made"
    )
    await value(process, rows, id_, targeted)
    await value(
        process,
        "WITH l AS (INSERT INTO links VALUES ($1, 1, false, 0, 0, $2, true) RETURNING 1) SELECT 1 FROM l",
        id_,
        targeted,
    )
    return int(str(id_))


async def end(
    process: Process, campaign_id: int, first: int, last: int, state: str = "delivered", version: int = 3
) -> None:
    await value(
        process,
        "WITH u AS (UPDATE recipients SET state = $4, version = $5, settled_at = now(), parts = 2, took_ms = position WHERE campaign_id = $1"
        " AND position BETWEEN $2 AND $3 RETURNING 1) SELECT count(*) FROM u",
        campaign_id,
        first,
        last,
        state,
        version,
    )


async def tallied(process: Process, campaign_id: int) -> dict[int, int]:
    """Span -> how many late ones it has. After as many steps as it takes."""
    assert process.db is not None
    async with process.db.transaction() as tx:
        every = await tx.fetch("SELECT span FROM generate_series(0, 1000) span")
        await store.tally(
            tx, [(campaign_id, row["span"]) for row in every if row["span"] * S < await checkpoint(tx, campaign_id)]
        )
        rows = await tx.fetch("SELECT span, cardinality(late) AS late FROM tallies WHERE campaign_id = $1", campaign_id)
    return {row["span"]: row["late"] for row in rows}


async def checkpoint(tx: Tx, campaign_id: int) -> int:
    moved: int = await tx.fetchval("SELECT checkpoint FROM campaigns WHERE id = $1", campaign_id)
    return moved


async def test_progress_is_the_same_before_and_after_its_spans_are_summed(
    campaign: Process, gateway: Client, console: Client, company_id: int
) -> None:
    id_ = await made(campaign, company_id, 4 * S, 3 * S + 400)
    await end(campaign, id_, 1, S)  # whole
    await end(campaign, id_, S + 1, 2 * S - 30, "failed")  # some are late
    await end(campaign, id_, 2 * S - 20, 2 * S - 10, "in_doubt")
    await end(campaign, id_, 2 * S + 1, 2 * S + S // 2, "suppressed")  # half of it is
    before = await progress(gateway, company_id, id_)

    spans = await tallied(campaign, id_)

    assert spans == {0: 0, 1: 30}
    after = await progress(gateway, company_id, id_)
    assert after == before
    assert after.ended == {State.DELIVERED: S, State.FAILED: S - 30, State.IN_DOUBT: 11, State.SUPPRESSED: S // 2}
    assert after.targeted == after.waiting + after.handed_over + sum(after.ended.values())
    assert await faults(console, id_) == []


async def test_a_late_end_of_a_summed_span_is_told_at_once_and_then_summed(
    campaign: Process, gateway: Client, console: Client, company_id: int
) -> None:
    id_ = await made(campaign, company_id, 2 * S, S)
    await end(campaign, id_, 1, S - 2)
    await end(campaign, id_, S - 1, S - 1, "in_doubt")
    assert await tallied(campaign, id_) == {0: 2}

    await end(campaign, id_, S - 1, S - 1, "failed", version=4)
    await end(campaign, id_, S, S)

    assert (await progress(gateway, company_id, id_)).ended == {State.DELIVERED: S - 1, State.FAILED: 1}
    assert await faults(console, id_) == []
    assert await tallied(campaign, id_) == {0: 0}
    assert (await progress(gateway, company_id, id_)).ended == {State.DELIVERED: S - 1, State.FAILED: 1}


async def test_the_loops_sum_up_what_is_over_and_leave_alone_what_is_in_flight(
    campaign: Process, company_id: int
) -> None:
    running = await made(campaign, company_id, recipients_span := store.OPEN_SPAN + 3 * S, recipients_span - S)
    await end(campaign, running, 1, recipients_span - S)
    stopped = await made(campaign, company_id, S, S // 2, "stopped")
    await end(campaign, stopped, 1, S // 2, "cancelled")

    await loop.tally(campaign.app)
    await loop.tally_ended(campaign.app)

    spans = "SELECT array_agg(span ORDER BY span) FROM tallies WHERE campaign_id = $1"
    assert await value(campaign, spans, running) == [0, 1]
    assert await value(campaign, spans, stopped) == [0]


async def test_a_sum_that_is_not_its_rows_is_a_fault_of_the_books(
    campaign: Process, console: Client, company_id: int
) -> None:
    id_ = await made(campaign, company_id, S, S)
    await end(campaign, id_, 1, S)
    await tallied(campaign, id_)

    await end(campaign, id_, 5, 5, "failed")

    assert await faults(console, id_) == [
        f"campaign {id_}: its progress tells of {S} delivered, its recipients are {S - 1} delivered, 1 failed"
    ]
    await value(
        campaign, "UPDATE recipients SET state = 'delivered' WHERE campaign_id = $1 AND position = 5 RETURNING 1", id_
    )


async def faults(console: Client, campaign_id: int) -> list[str]:
    books = await console.ask(ReadCampaignBooks())
    return [fault for fault in books.faults if fault.startswith(f"campaign {campaign_id}:")]


@pytest.fixture
async def half_ended(campaign: Process, company_id: int) -> int:
    id_ = await made(campaign, company_id, 200_000, 110_000)
    await end(campaign, id_, 1, 99_000)
    await end(campaign, id_, 50_005, 50_005, "in_doubt")
    await tallied(campaign, id_)
    return id_


async def test_progress_of_a_large_campaign_reads_the_sums_and_the_rows_that_have_none(
    campaign: Process, half_ended: int
) -> None:
    plan = await explained(campaign, store.READ_PROGRESS, half_ended, 0, S)

    assert rows_read(plan, "recipients") <= 12 * S  # what is in flight, and the one in doubt
    assert rows_read(plan, "tallies") <= 1_000


async def test_each_look_at_a_large_campaign_reads_a_bounded_number_of_rows(campaign: Process, half_ended: int) -> None:
    untallied = await explained(campaign, store.UNTALLIED_OF_RUNNING, S, rules.RUNNING_SPANS, store.OPEN_SPAN)
    tally = await explained(campaign, store.TALLY, [half_ended] * 3, [0, 1, 109], S, rules.LATE_MAX)
    first_open = await explained(campaign, recipients.FIRST_OPEN, recipients.ENDED_MAX)

    assert rows_read(untallied, "recipients") == 0
    assert rows_read(tally, "recipients") <= 3 * 2 * S + 3 * S  # each span twice; the plan rounds averages
    assert rows_read(first_open, "recipients") <= recipients.ENDED_MAX


async def explained(process: Process, sql: str, *args: object) -> dict[str, Any]:
    """As it is run, with the settings of the service's own pool; undone."""
    assert process.db is not None
    async with process.db.transaction() as tx, tx.savepoint():
        plan = json.loads(await tx.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) {sql}", *args))
    return dict(plan[0]["Plan"])


def rows_read(node: dict[str, Any], table: str) -> int:
    own = 0
    if node.get("Relation Name") == table:
        own = node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    return int(own) + sum(rows_read(child, table) for child in node.get("Plans", []))


async def test_the_last_end_is_found_by_bounded_steps(
    campaign: Process, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "ENDED_MAX", 100)
    id_ = await made(campaign, company_id, 1_000, 1_000, "sending")
    await end(campaign, id_, 2, 1_000)
    await recipients_loop.finish(campaign.app)
    assert await value(campaign, "SELECT ended_to FROM campaigns WHERE id = $1", id_) == 0

    await end(campaign, id_, 1, 1)

    async def finished() -> bool:
        return await value(campaign, "SELECT state FROM campaigns WHERE id = $1", id_) == "finished"

    await eventually(finished, within_s=5)  # ten steps, of which the loop waits between none


async def test_a_settled_batch_changes_whole_pages_without_touching_an_index(
    campaign: Process, company_id: int
) -> None:
    id_ = await made(campaign, company_id, 5_000, 5_000)
    assert campaign.db is not None
    counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'recipients'"
    async with campaign.db.transaction() as tx:
        before = await tx.fetchrow(counted)  # the session may not have told its last transaction's yet
        updated = await tx.execute(
            "UPDATE recipients SET state = 'delivered', version = 3, settled_at = now(), parts = 1, took_ms = 1234 WHERE campaign_id = $1",
            id_,
        )
        row = await tx.fetchrow(counted)

    assert updated == "UPDATE 5000"
    assert row is not None
    assert before is not None
    assert [row[name] - before[name] for name in ("n_tup_upd", "n_tup_hot_upd")] == [5_000, 5_000]


async def test_a_report_tells_what_became_of_a_campaign(
    campaign: Process, gateway: Client, messaging: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    id_ = await launched(gateway, company_id, await new_list(gateway, company_id, [number(n) for n in range(100)]))
    people = await all_handed_over(windows, id_, 100)
    await tell_ends(messaging, company_id, id_, people[:90], took_ms=1_500, parts=2)
    await tell_ends(
        messaging, company_id, id_, people[90:95], State.FAILED, reason="call_barred", took_ms=90_000, parts=2
    )
    await tell_ends(messaging, company_id, id_, people[95:], State.SUPPRESSED, reason="opted out", parts=0)

    async def finished() -> bool:
        return (await progress(gateway, company_id, id_)).state is CampaignState.FINISHED

    await eventually(finished)
    await replied(campaign, id_, 3, opt_out=False)
    await replied(campaign, id_, 3, opt_out=False)
    await replied(campaign, id_, 3, opt_out=True)
    await replied(campaign, id_, 7, opt_out=True)

    report = await gateway.ask(ReadReport(campaign_id=id_), grant(company_id))

    assert report.progress == await progress(gateway, company_id, id_)
    assert report.outcomes == [
        Outcome(state=State.DELIVERED, reason="", recipients=90),
        Outcome(state=State.FAILED, reason="call_barred", recipients=5),
        Outcome(state=State.SUPPRESSED, reason="opted out", recipients=5),
    ]
    assert (report.parts, report.replies, report.opt_outs) == (190, 2, 2)
    assert report.delivery is not None
    assert (report.delivery.p50_s, report.delivery.max_s) == (1.5, 1.5)


async def replied(process: Process, campaign_id: int, position: int, *, opt_out: bool) -> None:
    sql = "WITH r AS (INSERT INTO replies VALUES (gen_random_uuid(), $1, $2, $3, now()) RETURNING 1) SELECT 1 FROM r"
    await value(process, sql, campaign_id, position, opt_out)


async def test_a_report_of_a_draft_is_empty(gateway: Client, company_id: int) -> None:
    report = await gateway.ask(ReadReport(campaign_id=await new_campaign(gateway, company_id)), grant(company_id))

    assert (report.outcomes, report.parts, report.replies, report.opt_outs, report.delivery) == ([], 0, 0, 0, None)


async def test_a_reports_rows_are_read_by_pages_of_position(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    id_ = await made(campaign, company_id, 250, 200)
    await end(campaign, id_, 1, 150)
    await replied(campaign, id_, 120, opt_out=True)
    may = grant(company_id)

    first = await gateway.ask(ReadReportRows(campaign_id=id_, limit=100), may)
    rest = await gateway.ask(ReadReportRows(campaign_id=id_, after=100), may)

    assert (first.more, rest.more) == (True, False)
    assert [row.position for row in first.rows + rest.rows] == list(range(1, 251))
    row = rest.rows[19]
    assert (row.position, row.number, row.state, row.parts, row.took_ms) == (
        120,
        "+447700000120",
        State.DELIVERED,
        2,
        120,
    )
    assert (row.replied, row.opted_out) == (False, True)
    assert [(row.state, row.settled_at) for row in rest.rows[-100:]] == [(None, None)] * 100
    assert (await gateway.ask(ReadReportRows(campaign_id=id_, after=2**62), may)).rows == []
    whole = await gateway.ask(ReadReportRows(campaign_id=id_, after=-1, limit=250), may)
    assert (len(whole.rows), whole.more) == (250, False)


async def test_another_companys_campaign_and_what_a_dry_run_froze_have_no_report(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    theirs = await made(campaign, company_id + 1_000_000, 1, 0)
    frozen = await made(campaign, company_id, 1, 0)
    await value(campaign, "UPDATE campaigns SET dry_run_of = $2 WHERE id = $1 RETURNING 1", frozen, theirs)

    for unknown in (theirs, frozen, 2**62, 0):
        for ask in (ReadProgress, ReadReport, ReadReportRows):
            assert await gateway.refused(ask(campaign_id=unknown), grant(company_id)) is Code.NOT_FOUND
