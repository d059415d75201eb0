"""Posts texts to webhooks: each at least once, under one id, tried again for a day.

Never holds a transaction while a far side thinks, never follows a redirect. Posts go on beside each other, so many to each webhook at most: what is
claimed does not wait for what was claimed before it. What came of them is written down together, as it comes.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from libs.common.db import AWAY
from libs.common.loop import Loop
from services.inbound.textins import deliveries, webhooks
from services.inbound.textins.deliveries import Delivery, Failed
from services.inbound.textins.lines import Lines, Unreachable

if TYPE_CHECKING:
    from services.inbound.app import Inbound

log = structlog.get_logger()

AT_ONCE = 400
OF_EACH = 50  # webhook
CLAIM_MAX = 200
ATTEMPT_LIMIT_S = 15.0
LEASE_S = 60.0
BACK = "posts_back"
FORGOTTEN_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of one attempt. `status` None: no answer."""

    delivery: Delivery
    status: int | None
    error: str

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Posts:
    """What this process has claimed and not written down yet: on its way, or back."""

    def __init__(self, lines: Lines) -> None:
        self.of_webhook: Counter[int] = Counter()
        self._lines = lines
        self._under_way: set[asyncio.Task[None]] = set()
        self._back: list[Posted] = []

    @property
    def room(self) -> int:
        return AT_ONCE - self.of_webhook.total()

    def begin(self, delivery: Delivery) -> None:
        self.of_webhook[delivery.text_in_id] += 1
        task = asyncio.create_task(self._attempt(delivery))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _attempt(self, delivery: Delivery) -> None:
        status, error, body = None, "", delivery.body.encode()
        try:
            async with asyncio.timeout(ATTEMPT_LIMIT_S):
                status = await self._lines.post(delivery.url, _headers_of(delivery, body), body)
        except TimeoutError:
            error = f"no answer within {ATTEMPT_LIMIT_S:.0f} s"
        except Unreachable as failed:
            error = str(failed)
        self._back.append(Posted(delivery, status, error))
        SETTLE.woken({BACK})

    def back(self) -> list[Posted]:
        """Those that are back. Each is told once: who cannot write them down gives them to `keep`."""
        back, self._back = self._back, []
        return back

    def keep(self, back: list[Posted]) -> None:
        self._back = back + self._back

    def written_down(self, back: list[Posted]) -> None:
        self.of_webhook -= Counter(posted.delivery.text_in_id for posted in back)  # drops those at 0

    async def all_back(self) -> None:
        """Each has its time limit."""
        if self._under_way:
            await asyncio.wait(self._under_way)


def _headers_of(delivery: Delivery, body: bytes) -> dict[str, str]:
    id_, timestamp = str(delivery.id), int(time.time())
    return {
        "content-type": "application/json",
        "user-agent": "Heliograph",
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": webhooks.signature(delivery.secret, id_, timestamp, body),
    }


async def post_step(app: Inbound) -> int:
    """Claims what there is room for, and lets it go."""
    posts = app.posts
    if posts.room < 1:
        return 0  # what is written down wakes us
    async with app.db.transaction() as tx:
        claimed = await deliveries.claim(tx, min(posts.room, CLAIM_MAX), OF_EACH, posts.of_webhook, LEASE_S)
    for delivery in claimed:
        posts.begin(delivery)
    return len(claimed)


async def settle_step(app: Inbound) -> int:
    """Writes down what came of the posts that are back."""
    back = app.posts.back()
    if not back:
        return 0
    try:
        await _settle(app, back)
    except BaseException:
        app.posts.keep(back)
        raise
    app.posts.written_down(back)
    return len(back)


async def _settle(app: Inbound, back: list[Posted]) -> None:
    async with app.db.transaction() as tx:
        tx.wake("webhooks")  # there is room again
        await deliveries.remove_those_still_ours(tx, [posted.delivery for posted in back if posted.taken])
        untaken = [posted for posted in back if not posted.taken]
        if untaken:
            now = await deliveries.now(tx)
            failed = []
            for one in untaken:
                was = one.delivery
                again_at = webhooks.next_attempt(was.created_at, now, was.attempts, one.status, random.random())  # noqa: S311
                failed.append(Failed(was, one.error or f"HTTP {one.status}", again_at))
            await deliveries.set_failed_those_still_ours(tx, failed)


async def finish(app: Inbound) -> None:
    """At the end of the process: what is under way comes back and is written down. What cannot be is posted again after its lease."""
    await app.posts.all_back()
    try:
        await settle_step(app)
    except AWAY as error:
        log.warning("posts_not_written_down", error=repr(error))


async def forget_step(app: Inbound) -> int:
    async with app.db.transaction() as tx:
        return await deliveries.forget(tx, FORGOTTEN_AT_ONCE)


SETTLE = Loop("settle_webhooks", settle_step, every_s=2, woken_by=frozenset({BACK}))
LOOPS = (
    Loop("webhooks", post_step, every_s=2, woken_by=frozenset({"webhooks"})),
    SETTLE,
    Loop("forget_deliveries", forget_step, every_s=300),
)
