"""The carrier of tests: takes every part, sends none, and says a little later that it was delivered.

Owns the receipts it still has to hand over. Holds no connection and never will: what is given to it cannot leave the platform. A process that is
killed takes the receipts in its hand along; their texts end as those of a real carrier's lost receipts do.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Sequence
from uuid import UUID

import structlog

from libs.common.clock import now
from services.messaging.carriers.carrier import (
    Answer,
    Arrivals,
    Capabilities,
    Part,
    Receipt,
    ReceiptStatus,
    Refusal,
    Refused,
    Taken,
)

log = structlog.get_logger()

RECEIPT_AFTER_S = 0.1  # as on a real network: the answer is written down first, mostly
ITEMS_PER_CALL_MAX = 500
RETRY_S = 1.0
HAND_OVER_LIMIT_S = 10.0  # at `close`
CAPABILITIES = Capabilities()
CLOSED = Refused(Refusal.NOT_CONNECTED, retry_after_s=1.0)
TOO_LATE = Refused(Refusal.TOO_LATE, retry_after_s=0.0)


class NowhereCarrier:
    name = "nowhere"
    window = 2_000  # as a real one's; each answer is there at once
    silence_limit_s = 0.0  # there is no far side

    def __init__(self) -> None:
        self._due: deque[tuple[float, Receipt]] = deque()
        self._some = asyncio.Event()
        self._closing = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def trouble(self) -> str:
        return ""

    async def query(self, references: Sequence[tuple[str, str]]) -> list[Receipt | None]:
        raise NotImplementedError("there is nobody to ask")

    @property
    def connected(self) -> bool:
        return not self._closing.is_set()

    async def submit(self, parts: Sequence[Part], write_by: float = math.inf) -> list[Answer]:
        """See carrier.py."""
        if not self.connected:
            return [CLOSED] * len(parts)
        if time.monotonic() >= write_by:
            return [TOO_LATE] * len(parts)
        due_at = time.monotonic() + RECEIPT_AFTER_S
        for part in parts:
            text_id = UUID(int=part.text_id.int)  # plain: the database's own kind cannot be kept as JSON
            self._due.append((due_at, Receipt(text_id.hex, ReceiptStatus.DELIVERED, now(), text_id=text_id)))
        self._some.set()
        return [Taken(part.text_id.hex) for part in parts]

    async def listen(self, arrivals: Arrivals) -> None:
        """See carrier.py. What could not be stored is handed over again."""
        self._over.clear()
        try:
            while self._due or self.connected:
                if not self._due:
                    self._some.clear()
                    await self._some.wait()
                    continue
                await self._rest(self._due[0][0] - time.monotonic())
                await self._hand_over(arrivals)
        finally:
            self._over.set()

    async def _hand_over(self, arrivals: Arrivals) -> None:
        batch = [receipt for _, receipt in list(self._due)[:ITEMS_PER_CALL_MAX]]
        try:
            await arrivals.receipts(batch)
        except Exception:  # whatever it was, they are not stored
            log.exception("not stored", carrier=self.name, items=len(batch))
            await asyncio.sleep(RETRY_S)
            return
        for _ in batch:
            self._due.popleft()

    async def _rest(self, rest_s: float) -> None:
        """Not when closing: then all is due."""
        if rest_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), rest_s)

    async def close(self) -> None:
        """See carrier.py."""
        self._closing.set()
        self._some.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), HAND_OVER_LIMIT_S)
