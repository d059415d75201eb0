"""What is told of a text that has ended: how many parts a carrier took, and how long its receipt was in coming."""

from __future__ import annotations

from uuid import UUID

from libs.common.contracts.messaging import SettledText, State, TextsSettled
from tests.harness import eventually, heard
from tests.infra import Infra
from tests.integration.messaging.conftest import Messaging, number


async def settled(messaging: Messaging, infra: Infra, to: str, body: str) -> SettledText:
    async with heard(infra, TextsSettled) as events:
        id_ = await messaging.send(to, body)

        async def told() -> list[SettledText]:
            return [item for event in events for item in event.items if item.id == id_]  # type: ignore[attr-defined]

        (item,) = await eventually(told)
    return item


async def test_a_delivered_text_tells_its_parts_and_when_its_receipt_came(messaging: Messaging, infra: Infra) -> None:
    item = await settled(messaging, infra, number(701), "a" * 200)

    assert (item.state, item.parts) == (State.DELIVERED, 2)
    assert item.took_ms is not None
    assert abs(item.took_ms - await took_ms(messaging, item.id)) <= 1
    assert 0 <= item.took_ms < 10_000


async def test_a_failed_text_was_taken_and_a_refused_one_was_not(messaging: Messaging, infra: Infra) -> None:
    failed = await settled(messaging, infra, number(965), "Hello")
    refused = await settled(messaging, infra, number(995), "Hello")

    assert (failed.state, failed.parts) == (State.FAILED, 1)
    assert failed.took_ms is not None
    assert (refused.state, refused.parts, refused.took_ms) == (State.REJECTED, 0, None)


async def took_ms(messaging: Messaging, id_: UUID) -> int:
    return await messaging.count(
        "SELECT (extract(epoch FROM settled_at - submitted_at) * 1000)::int FROM texts WHERE id = $1", id_
    )
