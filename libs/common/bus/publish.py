"""Events out: a batch of outbox rows, all in the broker's confirm window at once, as CloudEvents 1.0 (AMQP binding, binary mode)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aio_pika

from libs.common import telemetry
from libs.common.bus.connection import EVENTS, Bus


async def publish_rows(bus: Bus, service: str, rows: Sequence[Any]) -> None:
    """Returns when every row is confirmed. Raises one of BROKER_ERRORS: any of them may be there or not."""
    messages = [(row["routing_key"], _message(service, row)) for row in rows]
    await asyncio.gather(*(bus.publish(EVENTS, key, message) for key, message in messages))
    for row in rows:
        telemetry.PUBLISHED.labels(row["type"]).inc()


def _message(service: str, row: Any) -> aio_pika.Message:
    return aio_pika.Message(
        row["body"],
        message_id=str(row["id"]),
        type=row["type"],
        content_type="application/json",
        headers={
            "cloudEvents:specversion": "1.0",
            "cloudEvents:id": str(row["id"]),
            "cloudEvents:type": f"heliograph.{row['type']}",
            "cloudEvents:source": f"/heliograph/{service}",
            "cloudEvents:time": row["at"].isoformat(),
            "cloudEvents:subject": row["routing_key"].rpartition(".")[2],
        },
    )
