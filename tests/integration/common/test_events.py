"""Events: applied once, retried on the ladder, given up alone and with a reason."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import aio_pika
import pytest

from libs.common.contracts.base import Lane
from libs.common.db import Database
from libs.common.db.outbox import Relay, encoded, write_outbox
from libs.common.ids import uuid7
from tests.harness import eventually
from tests.infra import Infra
from tests.integration.common.conftest import GRANT, Toy
from tests.integration.common.dead_letters import dead_letters
from tests.integration.common.toy import Count, Counted, Failed


async def test_an_event_that_comes_twice_is_applied_once(toy: Toy) -> None:
    id_ = uuid7()
    for _ in range(3):
        await toy.owner.publish(Counted(company_id=1, what="twice"), id_)
    await toy.owner.publish(Counted(company_id=1, what="after twice"))

    await eventually(lambda: toy.times("heard after twice"))
    assert await toy.times("heard twice") == 1


async def test_a_failed_event_is_undone_and_tried_again_after_its_rung(toy: Toy) -> None:
    await toy.owner.publish(Failed(company_id=1, what="fails once", times=1))

    await eventually(lambda: toy.times("fails once"), within_s=15)
    assert await toy.times("fails once") == 1


@pytest.mark.parametrize(
    ("type_", "body", "reason"),
    [
        ("phonelist.things.counted.v2", b"{}", "unknown type or version"),
        ("phonelist.things.counted.v1", b"not json", "unreadable: ValidationError"),
        ("phonelist.things.counted.v1", b'{"company_id": 1}', "unreadable: ValidationError"),
    ],
)
async def test_what_cannot_be_read_goes_to_the_dead_letters_alone(
    toy: Toy, infra: Infra, type_: str, body: bytes, reason: str
) -> None:
    id_, key = str(uuid7()), "phonelist.things.counted.1"
    await toy.owner.bus.publish("heliograph.events", key, aio_pika.Message(body, message_id=id_, type=type_))
    await toy.owner.publish(Counted(company_id=1, what=f"beside {id_}"))

    await eventually(lambda: toy.times(f"heard beside {id_}"))

    async def there() -> bool:
        return id_ in await dead_letters(infra)

    await eventually(there)
    assert reason == (await dead_letters(infra))[id_]


async def _undone(db: Database) -> None:
    async with db.transaction() as tx:
        tx.emit(Counted(company_id=1, what="undone"))
        raise RuntimeError


async def test_nothing_is_announced_of_what_is_undone(toy: Toy) -> None:
    assert toy.process.db is not None
    await asyncio.gather(_undone(toy.process.db), return_exceptions=True)
    await toy.gateway.ask(Count(what="kept"), GRANT)

    await eventually(lambda: toy.times("heard kept"))
    assert await toy.times("heard undone") == 0


async def test_what_is_urgent_is_carried_beside_what_waits_and_everything_once(toy: Toy) -> None:
    assert toy.process.db is not None
    connection = await toy.process.db.direct()
    carried: list[str] = []

    async def publish(rows: Any) -> None:
        carried.extend(row["type"] for row in rows)

    class Urgent(Counted):
        type: ClassVar[str] = "phonelist.things.urgent"
        lane: ClassVar[Lane] = Lane.URGENT

    undone = connection.transaction()  # the relay that leads must not see them
    await undone.start()
    await write_outbox(connection, [encoded(Counted(company_id=1, what="bulk"))] * 100)
    await write_outbox(connection, [encoded(Urgent(company_id=1, what="stop"))] * 60)
    relay = Relay(toy.process.db, publish)
    assert await relay.carry_urgent(connection) == 60
    urgent = list(carried)
    assert await relay.carry_others(connection) == 100
    assert await relay.carry_urgent(connection) + await relay.carry_others(connection) == 0
    await undone.rollback()
    await connection.close()

    assert urgent == ["phonelist.things.urgent.v1"] * 60
    assert carried[60:] == ["phonelist.things.counted.v1"] * 100


async def test_a_frozen_relay_is_ended_by_its_peer(toy: Toy) -> None:
    assert toy.process.db is not None
    db = toy.process.db
    async with db.transaction() as tx:  # as if the holder had not given a sign of life for a minute
        await tx.execute("UPDATE relay SET beat_at = clock_timestamp() - interval '1 minute'")
        holder = await tx.fetchval("SELECT holder FROM relay")
    carried: list[Any] = []

    async def publish(rows: Any) -> None:
        carried.extend(rows)

    peer = asyncio.create_task(Relay(db, publish).run())

    async def another_leads() -> bool:
        async with db.reading() as tx:
            return bool(holder != await tx.fetchval("SELECT holder FROM relay"))

    await eventually(another_leads)
    peer.cancel()
    await asyncio.gather(peer, return_exceptions=True)
