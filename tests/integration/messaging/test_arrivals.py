"""Parts of long texts on real PostgreSQL: whole once, whoever brings them, and never forgotten where one is missing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from libs.common.contracts.messaging import ArrivedText, TextsArrived
from libs.common.db import Database, migrator
from services.messaging.arrivals import rules
from services.messaging.arrivals.handlers import keep_arrived
from services.messaging.arrivals.loop import forget_step, give_up_step
from services.messaging.carriers.carrier import Arrived
from tests.infra import Infra

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def part(body: str, part: int = 1, parts: int = 2, concat: int = 7, number: str = "+447700900001") -> Arrived:
    return Arrived("", number, "82830", body, AT, part, parts, concat)


@pytest.fixture
async def db(infra: Infra) -> AsyncIterator[Database]:
    dsn = infra.create_database("messaging")
    await migrator.migrate(dsn, "messaging")
    database = Database(dsn, "test-arrivals", size=8)
    await database.open()
    yield database
    await database.close()
    infra.drop_database(dsn)


async def announced(db: Database) -> list[ArrivedText]:
    async with db.reading() as tx:
        rows = await tx.fetch("SELECT body FROM outbox ORDER BY seq")
    return [item for row in rows for item in TextsArrived.model_validate_json(row["body"]).items]


async def change(db: Database, sql: str, *args: Any) -> None:
    async with db.transaction() as tx:
        await tx.execute(sql, *args)


async def bring(db: Database, *batch: Arrived) -> None:
    """As a carrier's client does, in a transaction of its own."""
    async with db.transaction() as tx:
        await keep_arrived(tx, "smpp", batch)


def app(db: Database) -> Any:
    return SimpleNamespace(db=db)


async def test_two_copies_that_bring_the_parts_of_a_thousand_texts_at_once_tell_each_text_once(db: Database) -> None:
    bodies = [[f"{n} one \ud83d", f"\ude00 {n} two ", f"{n} three"] for n in range(1_000)]
    parts = [
        part(body, index, 3, concat=n % 50, number=f"+4477009{n:05d}")
        for n, three in enumerate(bodies)
        for index, body in enumerate(three, 1)
    ]
    twice = [*parts, *parts]
    random.Random(6).shuffle(twice)
    batches = [twice[at : at + 100] for at in range(0, len(twice), 100)]

    async def bring_all(mine: list[list[Arrived]]) -> None:
        for batch in mine:
            await bring(db, *batch)

    await asyncio.gather(*(bring_all(batches[n::4]) for n in range(4)))

    told = await announced(db)
    whole = ["".join(three).encode("utf-16", "surrogatepass").decode("utf-16") for three in bodies]
    assert sorted(text.body for text in told) == sorted(whole)
    assert not any(text.incomplete for text in told)


async def test_the_last_two_parts_in_two_transactions_at_one_moment_make_one_text(db: Database) -> None:
    for n in range(40):
        await asyncio.gather(bring(db, part("left ", 1, concat=n)), bring(db, part("right", 2, concat=n)))

    assert [text.body for text in await announced(db)] == ["left right"] * 40


async def test_what_waited_in_vain_is_told_once_by_whichever_copy_and_a_part_after_it_alone(db: Database) -> None:
    await bring(db, part("c", 3, 3), part("a\ud83d", 1, 3), part("young", 1, 2, concat=9))
    assert await give_up_step(app(db)) == 0
    long_ago = timedelta(seconds=rules.WAIT_S + 1)
    await change(db, "UPDATE arriving_parts SET first_at = first_at - $1::interval WHERE concat = 7", long_ago)

    await asyncio.gather(give_up_step(app(db)), give_up_step(app(db)), bring(db, part("c", 3, 3)))
    assert [(text.body, text.incomplete) for text in await announced(db)] == [("a\ufffdc", True)]

    await bring(db, part("b", 2, 3))
    await bring(db, part("b", 2, 3))
    assert [(text.body, text.incomplete) for text in (await announced(db))[1:]] == [("b", True)]


async def test_a_part_that_comes_as_its_text_is_given_up_is_in_it_or_alone(db: Database) -> None:
    long_ago = timedelta(seconds=rules.WAIT_S + 1)
    for n in range(30):
        await bring(db, part("a", 1, concat=n))
    await change(db, "UPDATE arriving_parts SET first_at = first_at - $1::interval", long_ago)

    late = [bring(db, part("b", 2, concat=n)) for n in range(30)]
    await asyncio.gather(give_up_step(app(db)), *late)
    await give_up_step(app(db))

    told = [text.body for text in await announced(db)]
    assert told.count("ab") + told.count("a") == 30
    assert told.count("a") == told.count("b")
    assert "".join(sorted(told)).count("b") == 30


async def test_a_text_that_waited_while_nobody_ran_for_days_is_told(db: Database) -> None:
    await bring(db, part("a", 1))
    await change(db, "UPDATE arriving_parts SET first_at = first_at - interval '3 days'")

    await forget_step(app(db))
    await give_up_step(app(db))
    assert [text.body for text in await announced(db)] == ["a"]


async def test_without_ids_a_batch_that_is_brought_again_tells_nothing_new_and_a_later_text_does(db: Database) -> None:
    batch = [part(f"yes {n}", 1, 1, number=f"+4477009{n:05d}") for n in range(200)]
    await asyncio.gather(*(bring(db, *batch[::step]) for step in (1, -1, 1, -1)))
    assert len(await announced(db)) == 200

    later = [Arrived("", one.number, one.to, one.body, AT + timedelta(seconds=6)) for one in batch]
    await bring(db, *later)
    assert len(await announced(db)) == 400


async def test_with_ids_every_text_is_told_and_known_again_by_inbound(db: Database) -> None:
    await bring(db, Arrived("x", "+44", "82830", "yes", AT), Arrived("x", "+44", "82830", "yes", AT))

    assert [text.carrier_id for text in await announced(db)] == ["x", "x"]
    async with db.reading() as tx:
        assert await tx.fetchval("SELECT count(*) FROM arrived_without_id") == 0


async def test_what_is_a_day_old_is_forgotten_and_the_raw_form_stays(db: Database) -> None:
    await bring(db, part("a\ud83d\0", 1), part("b", 2), part("c", 1, 1))
    await change(db, "UPDATE arriving_parts SET first_at = first_at - interval '25 hours'")
    await change(db, "UPDATE arrived_without_id SET kept_at = kept_at - interval '25 hours'")

    assert await forget_step(app(db)) == 3
    assert await forget_step(app(db)) == 0
    async with db.reading() as tx:
        [raw] = [orjson.loads(row["items"]) for row in await tx.fetch("SELECT items FROM raw_arrivals")]
    assert [item[3] for item in raw] == [{"utf16": "0061d83d0000"}, "b", "c"]
