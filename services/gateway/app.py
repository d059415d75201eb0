"""What a running gateway holds: the sessions it knows, who it asks, and the doors it serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from libs.common.bus import Asker
from libs.common.bus.registry import Broadcasts
from libs.common.contracts.auth import SessionsRevoked, Tick
from libs.common.contracts.base import Code, Refusal
from libs.common.ops import serve_http
from libs.common.service import Kernel
from services.gateway.doors import Doors
from services.gateway.sessions import Sessions
from services.gateway.settings import GatewaySettings
from services.gateway.watching import Watches

REQUESTS_MAX = 2_000  # in hand at once: beyond it waiting would only make every answer late


@dataclass
class Gateway:
    kernel: Kernel[GatewaySettings]
    asker: Asker
    sessions: Sessions
    watches: Watches
    in_hand: int = 0

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Lets one more request in; refused with unavailable, at once, where the platform cannot serve it in time."""
        if not self.kernel.bus.connected:
            raise Refusal(Code.UNAVAILABLE, "The message broker is away.")
        if self.in_hand >= REQUESTS_MAX:
            raise Refusal(Code.UNAVAILABLE, "Too many requests are in hand.")
        self.in_hand += 1
        try:
            yield
        finally:
            self.in_hand -= 1


@asynccontextmanager
async def compose(kernel: Kernel[GatewaySettings]) -> AsyncIterator[Gateway]:
    gateway = Gateway(kernel, kernel.asker, Sessions(kernel.asker), Watches())
    async with serve_http(Doors(gateway), kernel.settings.http_host, kernel.settings.http_port) as port:
        kernel.bound["http"] = port
        try:
            yield gateway
        finally:
            gateway.watches.closing = True  # streams would use up the time that requests in hand get


def broadcasts(gateway: Gateway) -> Broadcasts:
    return {SessionsRevoked: gateway.sessions.revoked, Tick: gateway.sessions.ticked}
