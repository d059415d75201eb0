"""What inbound is told."""

from __future__ import annotations

from pydantic import Field

from libs.common.settings import ServiceSettings


class InboundSettings(ServiceSettings):
    webhooks_to_private_addresses: bool = Field(
        False,
        description="Webhooks of text-ins may be posted to this machine and its private networks, too: only where every company is your own.",
    )
