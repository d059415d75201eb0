"""What lies in the dead-letter queue."""

from __future__ import annotations

import httpx

from tests.infra import Infra


async def dead_letters(infra: Infra) -> dict[str, str]:
    """Message id -> reason, of everything in the dead-letter queue; left there."""
    async with httpx.AsyncClient(base_url=infra.management_url) as management:
        body = {"count": 1000, "ackmode": "ack_requeue_true", "encoding": "auto"}
        answer = await management.post("/api/queues/heliograph/dead/get", json=body)
    return {
        m["properties"].get("message_id", ""): m["properties"].get("headers", {}).get("x-reason", "")
        for m in answer.json()
    }
