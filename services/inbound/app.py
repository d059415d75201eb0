"""What a running inbound process holds: the kernel, and the posts to webhooks that are under way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from libs.common.service import Kernel
from services.inbound.settings import InboundSettings
from services.inbound.textins.lines import Lines
from services.inbound.textins.loop import Posts, finish


@dataclass
class Inbound(Kernel[InboundSettings]):
    posts: Posts = field(kw_only=True)


@asynccontextmanager
async def compose(kernel: Kernel[InboundSettings]) -> AsyncIterator[Inbound]:
    lines = Lines(private=kernel.settings.webhooks_to_private_addresses)
    app = Inbound(kernel.settings, kernel.bus, kernel.asker, kernel.db, posts=Posts(lines))
    try:
        yield app
    finally:
        await finish(app)
        await lines.close()
