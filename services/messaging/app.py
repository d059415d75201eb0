"""What a running messaging process holds: its database, its carriers, and what it knows of campaigns' texts."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from libs.common.db import Database
from libs.common.service import Kernel
from services.messaging.carriers.carrier import Carrier
from services.messaging.carriers.embedded.client import EmbeddedCarrier
from services.messaging.carriers.nowhere.client import NowhereCarrier
from services.messaging.receipts.handlers import Intake
from services.messaging.settings import MessagingSettings
from services.messaging.submitting.floors import Floors

BODIES_MAX = 200  # campaigns whose text is remembered; a campaign's text never changes


@dataclass
class Messaging:
    db: Database
    carrier: Carrier
    test_carrier: Carrier  # of what test keys send: it has no way out
    worker: str  # this process, in the claims it holds
    verification_key: bytes
    bodies: dict[int, str] = field(default_factory=dict)
    floors: Floors = field(default_factory=Floors)


@asynccontextmanager
async def compose(kernel: Kernel[MessagingSettings]) -> AsyncIterator[Messaging]:
    """Connects the carriers; at the end takes their last answers before the database goes."""
    settings = kernel.settings
    far_side = urlsplit(settings.simulator_url)
    carrier = EmbeddedCarrier(
        far_side.hostname or "127.0.0.1", far_side.port or 0, bind=kernel.bus.process, epoch=time.time_ns() // 1_000_000
    )
    key = base64.b64decode(settings.verification_key.get_secret_value())
    app = Messaging(kernel.db, carrier, NowhereCarrier(), kernel.bus.process, key)
    carriers = (app.carrier, app.test_carrier)
    listening = [asyncio.create_task(each.listen(Intake(kernel.db, each.name))) for each in carriers]
    try:
        yield app
    finally:
        await asyncio.gather(*(each.close() for each in carriers))
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
