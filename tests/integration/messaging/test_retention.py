"""Old months leave whole, and what is kept beside the ledger goes by its age; while texts go out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from libs.common.clock import now
from libs.common.contracts.messaging import ReadMessagingBooks, ReadRetention, State
from libs.common.ids import uuid7
from services.messaging.app import Messaging as App
from services.messaging.ledger import retained, retention
from services.messaging.ledger.retention import Kept, months_after, oldest
from tests.harness import client
from tests.infra import Infra
from tests.integration.messaging.conftest import Messaging, number

CAMPAIGN = 880_001


def test_months_are_counted_over_the_ends_of_years() -> None:
    assert oldest(Kept(13, 30), date(2026, 11, 30)) == date(2025, 10, 1)
    assert oldest(Kept(1, 30), date(2026, 1, 31)) == date(2025, 12, 1)
    assert months_after(date(2026, 12, 31), 1) == date(2027, 1, 1)
    assert months_after(date(2026, 3, 15), -27) == date(2023, 12, 1)


def of(at: datetime, n: int) -> UUID:
    """A text's id of that moment."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | n)


@pytest.fixture
async def app(messaging: Messaging) -> AsyncIterator[App]:
    """With texts of each of the last 16 months: 10 a month of one campaign, each of which took 2 parts."""
    app: App = messaging.process.app
    months = [months_after(now().date(), -back) for back in range(17)]
    async with app.db.transaction() as tx:
        for month in months:
            at = datetime(month.year, month.month, 15, tzinfo=UTC)
            await tx.execute("SELECT make_partition($1)", at)
            await tx.execute(
                "INSERT INTO texts (id, company_id, lane, test, state, number, sender, campaign_id, position, attempts, version, settled_at, reason, taken)"
                " SELECT id, 17, 2, false, 'delivered', '+4474' || right(id::text, 3) || $3, '82830', $2, 1, 1, 1,"
                " now(), '', 2 FROM unnest($1::uuid[]) AS id",
                [of(at, n) for n in range(10)],
                CAMPAIGN,
                f"{month:%Y%m}",
            )
        await tx.execute("INSERT INTO usage_months VALUES ($1, 17, '82830', $2, '', 170, 340, 0)", months[-1], CAMPAIGN)
    yield app
    async with app.db.transaction() as tx:
        await tx.execute("DELETE FROM texts WHERE campaign_id = $1", CAMPAIGN)
        await tx.execute("DELETE FROM usage_months WHERE campaign_id = $1", CAMPAIGN)
        await tx.execute("DELETE FROM dropped_parts WHERE campaign_id = $1", CAMPAIGN)


async def names(app: App) -> list[str]:
    async with app.db.reading() as tx:
        return [f"{row['month']:%Y-%m}" for row in await retained.partitions(tx)]


async def test_months_older_than_are_kept_leave_and_the_next_one_is_there(
    app: App, messaging: Messaging, infra: Infra
) -> None:
    sending = asyncio.gather(*(messaging.send(number(710 + n)) for n in range(20)))
    await retention.keep_partitions(app)
    for id_ in await sending:
        await messaging.becomes(id_, State.DELIVERED)

    today = now().date()
    assert await names(app) == [f"{months_after(today, n):%Y-%m}" for n in range(-13, 2)]
    async with client(infra, "console") as console:
        books = await console.ask(ReadMessagingBooks(campaigns=[CAMPAIGN]))
        told = await console.ask(ReadRetention())
    assert books.faults == [], "what left is still in the usage"
    assert sum(books.campaigns[0].states.values()) == 140
    assert (told.kept_months, told.months[0].month) == (13, months_after(today, -13))
    assert told.months[0].goes_on == months_after(today, 1)


async def test_one_that_was_stopped_between_detaching_and_dropping_goes_on_where_it_was(app: App) -> None:
    first = oldest(app.kept, now().date())
    connection = await app.db.direct()
    try:
        assert len(await retained.detach_before(connection, first)) == 3
        assert await retained.alone(connection)
        await retention.keep_partitions(app)  # another copy: it leaves this one alone
        assert len(await connection.fetch(retained.DETACHED, first)) == 3
    finally:
        await connection.close()

    await retention.keep_partitions(app)

    async with app.db.reading() as tx:
        assert await tx.fetch(retained.DETACHED, first) == []
        assert await tx.fetchval("SELECT parts FROM dropped_parts WHERE campaign_id = $1", CAMPAIGN) == 3 * 10 * 2


async def test_a_reader_that_has_the_ledger_in_hand_does_not_keep_texts_from_ending(
    app: App, messaging: Messaging
) -> None:
    """To detach waits for it; who closes texts does not wait for who detaches."""
    async with app.db.transaction() as tx:
        await tx.fetchval("SELECT count(*) FROM texts")
        dropping = asyncio.create_task(retention.keep_partitions(app))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE texts DETACH%' AND wait_event_type = 'Lock'"
        for _ in range(500):
            if await messaging.count(waits):
                break
            await asyncio.sleep(0.01)
        id_ = await messaging.send(number(735))
        await messaging.becomes(id_, State.DELIVERED)
        assert not dropping.done()
    await dropping

    assert len(await names(app)) == 15


async def test_what_carriers_sent_and_the_received_side_of_conversations_goes_by_age(app: App) -> None:
    old, new = now() - timedelta(days=40), now() - timedelta(days=20)
    async with app.db.transaction() as tx:
        for table in ("raw_receipts", "raw_arrivals"):
            await tx.execute(
                f"INSERT INTO {table} (carrier, at, items) SELECT 'x', $1, '[]' FROM generate_series(1, 7000)", old
            )
            await tx.execute(f"INSERT INTO {table} (carrier, at, items) VALUES ('x', $1, '[]')", new)
        for n, at, done in ((1, old, True), (2, old, False), (3, new, True)):
            await tx.execute(
                "INSERT INTO raw_callbacks VALUES ($1, 'x', $2, 'GET', '', '', '{}', '', CASE WHEN $3 THEN now() END)",
                of(at, n),
                at,
                done,
            )
        await tx.execute(
            "INSERT INTO happenings SELECT $1, at, 'x' FROM unnest($2::timestamptz[]) AS at", uuid7(), [old, new]
        )
        gone, kept = now() - timedelta(days=32 * 14), now() - timedelta(days=300)
        for n, at in enumerate((gone, kept)):
            await tx.execute(
                "INSERT INTO inbound_texts VALUES ($1, 17, '+447400000001', '82830', 'Hello', $2)", of(at, n), at
            )

    await retention.prune(app)

    async with app.db.reading() as tx:
        for table in ("raw_receipts", "raw_arrivals"):
            assert await tx.fetchval(f"SELECT count(*) FROM {table} WHERE carrier = 'x'") == 1
        rows = await tx.fetch("SELECT done_at IS NULL AS waits FROM raw_callbacks WHERE carrier = 'x' ORDER BY id")
        assert [row["waits"] for row in rows] == [True, False], "what is still to be read stays"
        assert await tx.fetchval("SELECT count(*) FROM happenings WHERE what = 'x'") == 1
        assert await tx.fetchval("SELECT count(*) FROM inbound_texts WHERE number = '+447400000001'") == 1
    async with app.db.transaction() as tx:
        await tx.execute("DELETE FROM raw_callbacks WHERE carrier = 'x'")
