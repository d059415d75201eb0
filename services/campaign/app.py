"""What a running campaign process holds: the kernel, and what messaging tells of its claims."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from libs.common.bus.registry import Broadcasts
from libs.common.contracts.messaging import CampaignsClaimed
from libs.common.service import Kernel
from libs.common.settings import ServiceSettings
from services.campaign.recipients.claims import Claims


@dataclass
class Campaign(Kernel[ServiceSettings]):
    claims: Claims = field(default_factory=Claims)


@asynccontextmanager
async def compose(kernel: Kernel[ServiceSettings]) -> AsyncIterator[Campaign]:
    yield Campaign(kernel.settings, kernel.bus, kernel.asker, kernel.db)


def broadcasts(app: Campaign) -> Broadcasts:
    return {CampaignsClaimed: app.claims.heard}
