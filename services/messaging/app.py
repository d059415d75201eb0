"""What a running messaging process holds: its database, the carriers it has open, and what it remembers of the tables it looks at often."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

from libs.common.bus import Bus
from libs.common.db import Database
from libs.common.service import Kernel
from services.messaging.connections import loop as connections
from services.messaging.connections import store
from services.messaging.connections.desk import Desk
from services.messaging.connections.sealing import Seal
from services.messaging.connections.wakes import Wakes
from services.messaging.ledger.retention import Kept
from services.messaging.policies.rules import Policy
from services.messaging.routing.rules import Table
from services.messaging.settings import MessagingSettings
from services.messaging.suppressions.rules import Header
from services.messaging.usage.charging import Accounts, Waits
from services.messaging.usage.rules import PriceTable

NO_POLICY = Policy()


@dataclass
class Messaging:
    """`bound`: this process opens the carriers of which one process at a time may hold a session, and no others."""

    db: Database
    bus: Bus
    worker: str  # this process, in the claims and leases it holds
    bound: bool
    simulator: tuple[str, int]
    public_url: str
    verification_key: bytes
    seal: Seal
    kept: Kept
    epoch: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    desks: list[Desk] = field(default_factory=list)
    routing: Table = field(default_factory=lambda: Table((), {}))
    decisions: dict[str, int] = field(default_factory=dict)
    rerouted_to: dict[int, UUID] = field(default_factory=dict)  # carrier -> how far its stranded texts were looked at
    bodies: dict[int, str] = field(default_factory=dict)  # campaign -> its text
    headers: dict[tuple[int, str], Header] = field(
        default_factory=dict
    )  # of (company, sender key): only the special ones
    sender_caps: dict[str, float] = field(default_factory=dict)
    policies: dict[int, Policy] = field(default_factory=dict)
    claimed: dict[tuple[int, int], int] = field(
        default_factory=dict
    )  # (campaign, carrier) -> position: not told to campaign yet
    prices: PriceTable = field(default_factory=PriceTable)
    prices_revision: int = 0
    accounts: Accounts = field(default_factory=Accounts)
    waiting_for_credit: dict[int, Waits] = field(default_factory=dict)  # companies that are not claimed for
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    def desk_of(self, carrier: int) -> Desk | None:
        return next((desk for desk in self.desks if desk.id == carrier), None)

    def named(self, carrier: str) -> Desk | None:
        return next((desk for desk in self.desks if desk.carrier.name == carrier), None)

    def retries_doubts(self, company_id: int) -> bool:
        return self.policy_of(company_id).in_doubt == "retry_once"

    def policy_of(self, company_id: int) -> Policy:
        return self.policies.get(company_id, NO_POLICY)

    def callbacks_url(self, carrier: str) -> str:
        return f"{self.public_url}/callbacks/{carrier}" if self.public_url else ""

    def close_desk(self, desk: Desk) -> None:
        """In the background: what it has in hand ends first."""
        self.desks.remove(desk)
        task = asyncio.create_task(self._close(desk))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, desk: Desk) -> None:
        await desk.close()
        if desk.held is not None:
            async with self.db.transaction() as tx:
                await store.release(tx, desk.id, desk.held.bind, self.worker, desk.held.epoch)

    async def close(self) -> None:
        for desk in self.desks[:]:
            self.close_desk(desk)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def woken(self, names: set[str]) -> None:
        for desk in self.desks:
            desk.woken(names)


@asynccontextmanager
async def compose(kernel: Kernel[MessagingSettings]) -> AsyncIterator[Messaging]:
    """Opens the carriers; at the end takes their last answers before the database goes."""
    async with composed(kernel, bound=False) as app:
        yield app


@asynccontextmanager
async def compose_bound(kernel: Kernel[MessagingSettings]) -> AsyncIterator[Messaging]:
    async with composed(kernel, bound=True) as app:
        yield app


@asynccontextmanager
async def composed(kernel: Kernel[MessagingSettings], bound: bool) -> AsyncIterator[Messaging]:
    settings = kernel.settings
    far_side = urlsplit(settings.simulator_url)
    key = base64.b64decode(settings.verification_key.get_secret_value())
    app = Messaging(
        kernel.db,
        kernel.bus,
        kernel.bus.process,
        bound,
        (far_side.hostname or "127.0.0.1", far_side.port or 0),
        settings.public_url.rstrip("/"),
        key,
        Seal(key),
        Kept(settings.texts_kept_months, settings.raw_kept_days),
    )
    kernel.db.app = app  # what tending opens begins to work at once
    await connections.tend(app)
    wakes = Wakes(kernel.db, app.woken)
    kernel.db.on_commit += [app.woken, *(() if bound else (wakes.tell,))]
    telling = asyncio.create_task(wakes.listen() if bound else wakes.run())
    try:
        yield app
    finally:
        await app.close()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
